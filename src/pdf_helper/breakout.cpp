#include "pdf_helper/breakout.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "pdf_helper/confinement.h"
#include "pdf_helper/protocol.h"

namespace lectern::pdf {
namespace {

int connect_to_this_machine() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (socket < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Refused by nobody's listening there: the attempt itself was possible.
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == ECONNREFUSED
             ? 0
             : -1;
}

int start_a_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child;
}

}  // namespace

int try_to_break_out(const std::string& file) {
  const int opened = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (opened < 0 || ::dup2(opened, file_descriptor) < 0) {
    std::fprintf(stderr, "lectern-pdf: %s: cannot be opened: %s\n", file.c_str(), std::strerror(errno));
    return 2;
  }
  const uint32_t had = confine(file_descriptor);
  int possible = 0;
  const auto report = [&](const char* attempt, bool done) {
    const char* const reason = std::strerror(errno);
    possible += done ? 1 : 0;
    std::printf("%s: %s%s%s\n", attempt, done ? "possible" : "kept out (", done ? "" : reason, done ? "" : ")");
    std::fflush(stdout);
  };
  char byte = 'x';
  std::printf("confinement: %u\n", had);
  std::printf("own file: %s\n", ::pread(file_descriptor, &byte, 1, 0) == 1 ? "readable" : "not readable");
  report("read /etc/passwd", ::open("/etc/passwd", O_RDONLY) >= 0);
  report("list /", ::open("/", O_RDONLY | O_DIRECTORY) >= 0);
  report("open for writing", ::open(file.c_str(), O_WRONLY) >= 0);
  report("create", ::open((file + ".new").c_str(), O_WRONLY | O_CREAT, 0600) >= 0);
  report("create a folder", ::mkdir((file + ".folder").c_str(), 0700) == 0);
  report("write to its file", ::write(file_descriptor, &byte, 1) == 1);
  report("truncate", ::truncate(file.c_str(), 0) == 0);
  report("truncate its file", ::ftruncate(file_descriptor, 0) == 0);
  report("rename", ::rename(file.c_str(), (file + ".moved").c_str()) == 0);
  report("link", ::link(file.c_str(), (file + ".link").c_str()) == 0);
  report("change the mode", ::chmod(file.c_str(), 0777) == 0);
  report("delete", ::unlink(file.c_str()) == 0);
  report("connect", connect_to_this_machine() == 0);
  report("local socket", ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  report("signal another process", ::kill(::getppid(), 0) == 0);
  report("trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
  std::array<char, 128> parameters{};
  report("io_uring", ::syscall(SYS_io_uring_setup, 1, parameters.data()) >= 0);
  report("fork", start_a_process() >= 0);
  const std::array<const char*, 2> arguments = {"/bin/false", nullptr};
  ::execve("/bin/false", const_cast<char* const*>(arguments.data()), nullptr);  // which would end with 1
  report("exec", false);
  return possible == 0 ? 0 : 1;
}

}  // namespace lectern::pdf
