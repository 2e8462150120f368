#include "input/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/files/file.h"
#include "core/io.h"
#include "core/stopped.h"
#include "core/text.h"
#include "core/wake_up.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr int64_t max_piped = int64_t{4} << 30;  // bytes

// Waits until there is something to read, or for the other end, which may not have been opened yet.
void wait_for(int pipe, const std::stop_token& stop, const WakeUp& wake_up) {
  for (;;) {
    throw_if_stopped(stop);
    std::array<pollfd, 2> ends = {{{pipe, POLLIN, 0}, {wake_up.descriptor(), POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;  // reading will say what is wrong
    if (ends[0].revents != 0) return;
  }
}

UniqueFd keep(int pipe, const std::string& name, const std::stop_token& stop) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  UniqueFd file = unnamed_file(folder);
  if (!file) throw Error(name + ": cannot be kept in " + folder.string() + ": " + std::strerror(errno), ErrorCode::io);
  std::vector<char> block(1 << 16);
  int64_t total = 0;
  const WakeUp wake_up(stop);
  for (;;) {
    wait_for(pipe, stop, wake_up);
    const ssize_t got = read_some(pipe, block.data(), block.size());
    if (got < 0 && errno == EAGAIN) continue;
    if (got < 0) throw Error(name + ": cannot be read: " + std::strerror(errno), ErrorCode::io);
    if (got == 0) return file;
    total += got;
    if (total > max_piped)
      throw Error(name + ": is longer than " + std::to_string(max_piped >> 30) + " GiB", ErrorCode::unsupported);
    if (!write_all(file.get(), std::string_view(block.data(), static_cast<size_t>(got)))) {
      throw Error(name + ": cannot be kept in " + folder.string() + ": " + std::strerror(errno) +
                      "; TMPDIR names another folder",
                  ErrorCode::io);
    }
  }
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path, const std::stop_token& stop, std::string_view expected)
    : name_(path.string()), path_(path) {
  const bool standard_input = name_ == "-";
  if (standard_input) {
    name_ = "standard input";
    file_ = UniqueFd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0));
  } else {
    file_ = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  }
  if (!file_) throw system_error(name_, "cannot be opened", errno);
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) throw system_error(name_, "cannot be examined", errno);
  if (S_ISDIR(status.st_mode)) throw Error(fmt::format("{}: is a folder; expected {}", name_, expected));
  const bool terminal = ::isatty(file_.get()) != 0;
  const bool pipe = S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ||
                    (standard_input && S_ISCHR(status.st_mode) && !terminal);  // /dev/null
  if (!pipe && !S_ISREG(status.st_mode)) {
    throw Error(standard_input && terminal
                    ? name_ + ": is the terminal; pipe a file into lectern, or name one"
                    : fmt::format("{}: is neither a file nor a pipe; expected {}", name_, expected));
  }
  if (pipe) {
    file_ = keep(file_.get(), name_, stop);
    if (::fstat(file_.get(), &status) != 0) throw system_error(name_, "cannot be examined", errno);
  }
  if (status.st_size == 0)
    throw Error(fmt::format("{}: is empty; expected {}", name_, expected), ErrorCode::corrupt_input);
  if (pipe || standard_input) path_ = "/proc/self/fd/" + std::to_string(file_.get());
}

InputFile InputFile::named(const std::filesystem::path& path, const std::string& name,
                           const std::stop_token& stop) try {
  InputFile file(path, stop);
  file.name_ = name;
  return file;
} catch (const Error& error) {
  std::string message = error.what();
  if (message.starts_with(path.string())) message.replace(0, path.string().size(), name);
  throw Error(message, error.code());
}

InputFile InputFile::of_bytes(std::span<const std::byte> bytes, const std::string& name, std::string_view expected) {
  if (bytes.empty()) throw Error(fmt::format("{}: is empty; expected {}", name, expected), ErrorCode::corrupt_input);
  InputFile file;
  file.name_ = name;
  file.file_ = UniqueFd(::memfd_create("lectern", MFD_CLOEXEC));
  if (!file.file_ || !write_all(file.file_.get(), bytes)) throw system_error(name, "cannot be kept in memory", errno);
  file.path_ = "/proc/self/fd/" + std::to_string(file.file_.get());
  return file;
}

UniqueFd InputFile::another_descriptor() const {
  UniqueFd copy(::fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) throw system_error(name_, "cannot be kept open", errno);
  return copy;
}

bool InputFile::is_pdf() const {
  using namespace std::string_view_literals;
  std::array<char, 1024> start{};
  const ssize_t got = ::pread(file_.get(), start.data(), start.size(), 0);
  const std::string_view bytes(start.data(), static_cast<size_t>(std::max<ssize_t>(got, 0)));
  constexpr std::array pictures = {"\xff\xd8\xff"sv, "\x89PNG"sv, "GIF8"sv,  "RIFF"sv,
                                   "II*\0"sv,        "MM\0*"sv,   "II+\0"sv, "MM\0+"sv};
  if (std::ranges::any_of(pictures, [&](std::string_view magic) { return bytes.starts_with(magic); })) return false;
  if (bytes.size() > 8 && bytes.substr(4, 4) == "ftyp"sv) return false;  // HEIC, AVIF
  if (bytes.find("%PDF-"sv) != std::string_view::npos) return true;      // Acrobat allows for rubbish before it
  return equals_in_any_case(path_.extension().string(), ".pdf");
}

}  // namespace lectern
