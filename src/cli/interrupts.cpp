#include "cli/interrupts.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
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
volatile std::sig_atomic_t ends_at_once = 1;
std::atomic<void (*)()> at_sudden_end = nullptr;

void end_suddenly(int code) {
  if (auto* const what = at_sudden_end.load()) what();
  ::_exit(code);
}

void on_signal(int signal) {
  const int before = errno;
  if (ends_at_once != 0) end_suddenly(exit_interrupted);
  std::signal(signal, SIG_DFL);
  if (::write(handler_end, "!", 1) < 0) end_suddenly(128 + signal);
  errno = before;
}

void watch() {
  for (const int signal : watched) {
    struct sigaction before {};
    ::sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) std::signal(signal, on_signal);
  }
}

sigset_t all_watched() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : watched) sigaddset(&set, signal);
  return set;
}

}  // namespace

void hold_signals() {
  const sigset_t set = all_watched();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

void end_when_signalled() {
  watch();
  const sigset_t set = all_watched();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void before_sudden_end(void (*what)()) { at_sudden_end = what; }

Interrupts::Interrupts(First first) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error("pipe", "cannot be made", errno);
  read_end_ = UniqueFd(ends[0]);
  write_end_ = UniqueFd(ends[1]);
  handler_end = write_end_.get();
  waiter_ = std::thread([this] {
    char byte = 0;
    if (read_some(read_end_.get(), &byte, 1) == 1 && byte == '!') stop_.request_stop();
  });
  set(first);
  watch();
  std::signal(SIGPIPE, SIG_IGN);
}

Interrupts::First Interrupts::set(First first) {
  const First before = ends_at_once != 0 ? First::ends : First::stops;
  ends_at_once = first == First::ends ? 1 : 0;
  return before;
}

Interrupts::~Interrupts() {
  set(First::ends);
  watch();
  write_end_ = UniqueFd();  // the end of the file for the waiter
  waiter_.join();
}

}  // namespace lectern::cli
