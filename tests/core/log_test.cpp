#include "core/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

// What was logged, while it lives.
class Log {
 public:
  explicit Log(LogLevel level) {
    set_log(level, [this](LogLevel of, std::string_view line) {
      lines.emplace_back(line);
      levels.push_back(of);
    });
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log() { set_log(LogLevel::off); }

  std::vector<std::string> lines;
  std::vector<LogLevel> levels;
};

TEST(Log, WritesKeysAndValuesWithTheirTime) {
  const Log log(LogLevel::info);
  log_info("model.loaded", {{"folder", std::filesystem::path("models/primer")},
                            {"threads", 8},
                            {"seconds", 0.03125},
                            {"tied", false},
                            {"weights", "f32"}});
  ASSERT_THAT(log.lines, SizeIs(1));
  EXPECT_THAT(log.lines[0], MatchesRegex("time=[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+[.][0-9]+ level=info "
                                         "event=model.loaded folder=models/primer threads=8 seconds=0.03125 tied=false "
                                         "weights=f32"));
}

TEST(Log, QuotesWhatWouldNotBeOneWordAndLetsNoControlCharacterThrough) {
  const Log log(LogLevel::info);
  log_info("a", {{"text", "two words"}, {"none", ""}, {"equals", "a=b"}, {"quote", "say \"x\\y\""}});
  log_info("b", {{"escape", "\x1b[31mred\nline\x7f"}, {"letters", "größer"}, {"csi", "\u009b31m"}});
  log_info("c", {{"turned", "a\u202egnp.exe"}, {"no_utf8", "a\xff b\xe2\x80"}, {"both", "größer \u2028"}});
  EXPECT_THAT(log.lines[2],
              EndsWith(R"(event=c turned="a\u202egnp.exe" no_utf8="a\xff b\xe2\x80" both="größer \u2028")"));
  EXPECT_THAT(log.lines[0], EndsWith(R"(event=a text="two words" none="" equals="a=b" quote="say \"x\\y\"")"));
  EXPECT_THAT(log.lines[1], EndsWith(R"(event=b escape="\x1b[31mred\nline\x7f" letters=größer csi="\u009b31m")"));
}

TEST(Log, HasLevels) {
  {
    const Log log(LogLevel::info);
    EXPECT_TRUE(log_enabled(LogLevel::info));
    EXPECT_FALSE(log_enabled(LogLevel::debug));
    log_debug("why", {});
    EXPECT_THAT(log.lines, IsEmpty());
  }
  {
    const Log log(LogLevel::debug);
    log_debug("why", {});
    log_info("what", {});
    EXPECT_THAT(log.levels, ElementsAre(LogLevel::debug, LogLevel::info));
    EXPECT_THAT(log.lines[0], HasSubstr(" level=debug event=why"));
  }
  EXPECT_FALSE(log_enabled(LogLevel::info));
}

TEST(Log, IsSilentUntilAskedAndThenGoesToStandardError) {
  ::testing::internal::CaptureStderr();
  log_info("nobody.asked", {});
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  ::testing::internal::CaptureStderr();
  set_log(LogLevel::info);
  log_info("asked", {});
  set_log(LogLevel::off);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), EndsWith(" event=asked\n"));
}

TEST(Log, TakesWholeLinesFromManyThreads) {
  const Log log(LogLevel::info);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) log_info("line", {{"thread", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(log.lines, SizeIs(400));
  EXPECT_THAT(log.lines, ::testing::Each(MatchesRegex("time=.* level=info event=line thread=[0-3] i=[0-9]+")));
}

}  // namespace
}  // namespace lectern
