#include "input/pdf_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/files/file.h"
#include "core/stopped.h"
#include "lectern/error.h"
#include "pdf_helper/protocol.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// A copy out of the way of the numbers that the helper's own files get.
UniqueFd out_of_the_way(int file) {
  UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, pdf::file_descriptor + 1));
  if (!copy) throw Error(std::string("a file cannot be handed to lectern-pdf: ") + std::strerror(errno));
  return copy;
}

struct FileActions {
  posix_spawn_file_actions_t value;
  FileActions() { posix_spawn_file_actions_init(&value); }
  ~FileActions() { posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { posix_spawnattr_init(&value); }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

bool can_run(const fs::path& program) {
  std::error_code ignored;
  return fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0;
}

}  // namespace

fs::path find_pdf_helper() {
  const char* const named = std::getenv("LECTERN_PDF");
  if (named != nullptr && *named != '\0') {
    if (!can_run(named)) {
      throw Error("LECTERN_PDF names '" + std::string(named) + "', which is not a program; expected lectern-pdf");
    }
    return named;
  }
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  std::vector<fs::path> places;
  if (!failed) places = {here, here.parent_path() / "libexec" / "lectern"};
  const char* const path = std::getenv("PATH");
  for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    if (folder.starts_with('/')) places.emplace_back(folder);
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
  }
  for (const fs::path& place : places) {
    if (can_run(place / "lectern-pdf")) return place / "lectern-pdf";
  }
  throw Error("the program lectern-pdf, which renders PDF pages, is not beside lectern" +
              (failed ? std::string() : " (" + here.string() + ")") +
              " nor in PATH; install it, or name it in LECTERN_PDF");
}

PdfHelper::PdfHelper(const fs::path& program, int file) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error(std::string("lectern-pdf cannot be reached: ") + std::strerror(errno));
  }
  channel_ = UniqueFd(ends[0]);
  const UniqueFd other_end(ends[1]);
  const UniqueFd input = out_of_the_way(other_end.get()), document = out_of_the_way(file);

  FileActions actions;
  posix_spawn_file_actions_adddup2(&actions.value, input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions.value, document.get(), pdf::file_descriptor);
  posix_spawn_file_actions_addopen(&actions.value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  // Libraries of the helper complain of broken files; what matters comes as an answer.
  posix_spawn_file_actions_addopen(&actions.value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

  Attributes attributes;  // whatever this process blocks or ignores, the helper does not
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes.value, &none);
  posix_spawnattr_setsigdefault(&attributes.value, &all);
  posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string name = program.string();
  const std::array<char*, 2> arguments = {name.data(), nullptr};
  const int failed =
      ::posix_spawn(&process_, name.c_str(), &actions.value, &attributes.value, arguments.data(), environ);
  if (failed != 0) {
    process_ = -1;
    throw system_error(program, "cannot be started", failed);
  }
}

PdfHelper::~PdfHelper() { end(); }

// Kills and reaps it. -> its status as waitpid() gives it; one that had ended by itself keeps its own.
int PdfHelper::end() {
  if (process_ < 0) return 0;
  ::kill(process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0) {
    if (errno != EINTR) break;  // somebody else has reaped it
  }
  process_ = -1;
  return status;
}

PdfHelper::Lost PdfHelper::ended() {
  const int status = end();
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU) return {"took too much processor time"};
    if (signal == SIGKILL) return {"was killed"};
    return {std::string("crashed (") + ::strsignal(signal) + ")"};
  }
  return {"gave up (exit code " + std::to_string(WEXITSTATUS(status)) + "), as it does without enough memory"};
}

void PdfHelper::wait_for(short events, const Deadline& deadline) {
  using std::chrono::milliseconds;
  constexpr milliseconds glance(50);  // how often the wish to stop is looked at
  for (;;) {
    throw_if_stopped(deadline.stop);
    const auto left = std::chrono::ceil<milliseconds>(deadline.time - std::chrono::steady_clock::now());
    if (left <= milliseconds(0)) throw Lost{"took too long"};
    pollfd channel = {channel_.get(), events, 0};
    const int ready = ::poll(&channel, 1, static_cast<int>(std::min(left, glance).count()));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw Lost{std::string("cannot be reached: ") + std::strerror(errno)};
  }
}

void PdfHelper::send(std::span<const std::byte> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(channel_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      wait_for(POLLOUT, deadline);
    } else if (errno != EINTR) {
      throw ended();
    }
  }
}

void PdfHelper::receive(std::span<std::byte> bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    wait_for(POLLIN, deadline);
    const ssize_t got = ::recv(channel_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes = bytes.subspan(static_cast<size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) {
      throw ended();
    }
  }
}

}  // namespace lectern
