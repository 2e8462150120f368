#include "core/system/child_process.h"

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
#include <cstring>
#include <optional>
#include <thread>

#include "core/files/file.h"
#include "core/log.h"
#include "core/stopped.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using std::chrono::milliseconds;

// A copy out of the way of the numbers that the child's own files get.
UniqueFd out_of_the_way(int file, const std::filesystem::path& program) {
  UniqueFd copy(::fcntl(file, F_DUPFD_CLOEXEC, ChildProcess::file_descriptor + 1));
  if (!copy) throw system_error(program, "cannot be handed a file", errno);
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

}  // namespace

ChildProcess::ChildProcess(const std::filesystem::path& program, const ChildOptions& options)
    : exit_note_(options.exit_note), parent_(::getpid()) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw system_error(program, "cannot be reached", errno);
  }
  channel_ = UniqueFd(ends[0]);
  const UniqueFd other_end(ends[1]);
  const UniqueFd input = out_of_the_way(other_end.get(), program);
  std::optional<UniqueFd> file;
  if (options.file >= 0) file = out_of_the_way(options.file, program);

  FileActions actions;
  posix_spawn_file_actions_adddup2(&actions.value, input.get(), STDIN_FILENO);
  if (file) posix_spawn_file_actions_adddup2(&actions.value, file->get(), file_descriptor);
  if (options.silent) {
    posix_spawn_file_actions_addopen(&actions.value, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions.value, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions.value, STDERR_FILENO, STDOUT_FILENO);
  }
  // Drivers and libraries open files that are not closed on exec.
  posix_spawn_file_actions_addclosefrom_np(&actions.value, file ? file_descriptor + 1 : file_descriptor);

  Attributes attributes;  // whatever this process blocks or ignores, the child does not
  sigset_t blocked, all;
  sigemptyset(&blocked);
  sigfillset(&all);
  if (options.holds_signals) {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&blocked, signal);
  }
  posix_spawnattr_setsigmask(&attributes.value, &blocked);
  posix_spawnattr_setsigdefault(&attributes.value, &all);
  posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::string name = program.string();
  std::vector<std::string> words = options.arguments;
  std::vector<char*> arguments = {name.data()};
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int failed =
      ::posix_spawn(&process_, name.c_str(), &actions.value, &attributes.value, arguments.data(), environ);
  if (failed != 0) {
    process_ = -1;
    throw system_error(program, "cannot be started", failed);
  }
}

ChildProcess::~ChildProcess() {
  if (::getpid() == parent_) end();
}

// Whether the child ended, or is nobody's to wait for, within the time.
bool ChildProcess::reap(milliseconds patience) {
  constexpr milliseconds max_sleep(20);
  const auto until = std::chrono::steady_clock::now() + patience;
  for (milliseconds sleep(1);; sleep = std::min(2 * sleep, max_sleep)) {
    const pid_t reaped = ::waitpid(process_, &status_, WNOHANG);
    if (reaped == process_ || (reaped < 0 && errno != EINTR)) return true;
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::sleep_for(sleep);
  }
}

// Kills and reaps it. -> its status as waitpid() gives it; one that had ended by itself keeps its own.
int ChildProcess::end() {
  constexpr milliseconds most(10'000);  // one that a driver holds in the kernel does not even die of SIGKILL
  if (process_ < 0) return status_;
  ::kill(process_, SIGKILL);
  status_ = SIGKILL;
  if (!reap(most)) log_info("child.stuck", {{"process", process_}});
  process_ = -1;
  return status_;
}

void ChildProcess::finish(milliseconds grace) {
  if (process_ < 0 || ::getpid() != parent_) return;
  ::shutdown(channel_.get(), SHUT_WR);
  if (reap(grace)) process_ = -1;
  end();
}

ChildProcess::Lost ChildProcess::ended() {
  const int status = end();
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU) return {"took too much processor time"};
    if (signal == SIGKILL) return {"was killed"};
    return {std::string("crashed (") + ::strsignal(signal) + ")"};
  }
  if (WEXITSTATUS(status) == 0) return {"ended without an answer"};
  return {"gave up (exit code " + std::to_string(WEXITSTATUS(status)) + ")" + exit_note_};
}

bool ChildProcess::has_hung_up() const {
  pollfd channel = {channel_.get(), POLLRDHUP, 0};
  return process_ < 0 || (::poll(&channel, 1, 0) > 0 && (channel.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void ChildProcess::wait_for(short events, const Deadline& deadline) {
  using Clock = std::chrono::steady_clock;
  constexpr milliseconds glance(50);  // how often the wish to stop is looked at
  constexpr milliseconds held(5000);  // a glance that takes longer was none: this process did not run
  auto latest = deadline.time;
  for (auto before = Clock::now();;) {
    throw_if_stopped(deadline.stop);
    const auto left = std::chrono::ceil<milliseconds>(latest - before);
    if (left <= milliseconds(0)) throw Lost{"took too long"};
    pollfd channel = {channel_.get(), events, 0};
    const int ready = ::poll(&channel, 1, static_cast<int>(std::min(left, glance).count()));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw Lost{std::string("cannot be reached: ") + std::strerror(errno)};
    const auto now = Clock::now();
    if (now - before > held) latest += now - before;
    before = now;
  }
}

void ChildProcess::send(std::span<const std::byte> bytes, const Deadline& deadline) {
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

void ChildProcess::receive(std::span<std::byte> bytes, const Deadline& deadline) {
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
