#include "cli/interrupts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include "cli/commands.h"
#include "core/files/file.h"
#include "core/io.h"

namespace lectern::cli {
namespace {

constexpr std::initializer_list<int> watched = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t handler_end = -1;  // of the pipe; a handler may do little more than write
volatile std::sig_atomic_t ends_at_once = 0;

void on_signal(int signal) {
  const int before = errno;
  if (ends_at_once != 0) ::_exit(exit_interrupted);
  std::signal(signal, SIG_DFL);
  if (::write(handler_end, "!", 1) < 0) ::_exit(128 + signal);
  errno = before;
}

}  // namespace

Interrupts::Interrupts(First first) {
  set(first);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("pipe", "cannot be made", errno);
  read_end_ = UniqueFd(ends[0]);
  write_end_ = UniqueFd(ends[1]);
  handler_end = write_end_.get();
  waiter_ = std::thread([this] {
    char byte = 0;
    if (read_some(read_end_.get(), &byte, 1) == 1 && byte == '!') stop_.request_stop();
  });
  for (const int signal : watched) {
    // What is ignored from the start, as under nohup, stays so.
    if (std::signal(signal, on_signal) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

void Interrupts::set(First first) { ends_at_once = first == First::ends ? 1 : 0; }

Interrupts::~Interrupts() {
  for (const int signal : watched) {
    if (std::signal(signal, SIG_DFL) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
  write_end_ = UniqueFd();  // the end of the file for the waiter
  waiter_.join();
}

}  // namespace lectern::cli
