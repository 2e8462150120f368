#include "core/io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <thread>

#include "core/unique_fd.h"

namespace lectern {
namespace {

TEST(Io, ReadsWhatIsThereAndTheEnd) {
  const UniqueFd file(::memfd_create("io_test", MFD_CLOEXEC));
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_all(file.get(), std::string_view("0123456789")));
  std::array<char, 16> bytes{};
  EXPECT_EQ(read_some(file.get(), bytes.data(), bytes.size()), 0);
  EXPECT_EQ(pread_some(file.get(), bytes.data(), bytes.size(), 7), 3);
  EXPECT_EQ(std::string(bytes.data(), 3), "789");
  EXPECT_EQ(pread_some(file.get(), bytes.data(), bytes.size(), 10), 0);
}

TEST(Io, FailuresLeaveErrno) {
  const UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  errno = 0;
  EXPECT_FALSE(write_all(file.get(), std::string_view("x")));
  EXPECT_EQ(errno, EBADF);
  EXPECT_TRUE(write_all(file.get(), std::string_view()));
  char byte = 0;
  EXPECT_EQ(read_some(-1, &byte, 1), -1);
  EXPECT_EQ(pread_some(-1, &byte, 1, 0), -1);
}

// A signal without SA_RESTART interrupts a write into a full pipe.
TEST(Io, SignalsDoNotEndAWrite) {
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &ignore, &before), 0);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd from(ends[0]), to(ends[1]);
  const std::string sent(size_t{1} << 20, 'x');
  bool written = false;
  std::thread writer([&] { written = write_all(to.get(), sent); });
  std::string received(sent.size(), '\0');
  for (size_t at = 0; at < received.size();) {
    ::pthread_kill(writer.native_handle(), SIGUSR1);
    const ssize_t got = read_some(from.get(), received.data() + at, std::min<size_t>(received.size() - at, 10'000));
    EXPECT_GT(got, 0);
    if (got <= 0) break;
    at += static_cast<size_t>(got);
  }
  writer.join();
  EXPECT_TRUE(written);
  EXPECT_EQ(received, sent);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace lectern
