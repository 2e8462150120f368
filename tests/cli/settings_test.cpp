#include "cli/settings.h"

#include <gtest/gtest.h>

namespace lectern::cli {
namespace {

TEST(Settings, BecomeOptions) {
  EXPECT_EQ(with_options("use a smaller `mode` or `batch`"), "use a smaller --mode or --batch");
  EXPECT_EQ(with_options("`resume = never` reads all; name a folder with `out`"),
            "--restart reads all; name a folder with -o");
  EXPECT_EQ(with_options("`resume = required`"), "--resume");
  EXPECT_EQ(with_options("allow that with `decrypt` or `invalidate_signatures`; stays as it is (`existing_text`)"),
            "allow that with --decrypt or --invalidate-signatures; stays as it is (--existing-text)");
}

TEST(Settings, LeaveOtherQuotesAlone) {
  EXPECT_EQ(with_options(""), "");
  EXPECT_EQ(with_options("run `lectern pull`, or `mode`"), "run `lectern pull`, or --mode");
  EXPECT_EQ(with_options("a`b: use `dpi`"), "a`b: use --dpi");
  EXPECT_EQ(with_options("mode `"), "mode `");
}

}  // namespace
}  // namespace lectern::cli
