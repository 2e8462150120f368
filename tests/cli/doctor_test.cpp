#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::slurp;
using testing::TempFolder;

TEST(DoctorCommand, ChecksEveryOperatorAndAPage) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "doctor --report report.md");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
  EXPECT_TRUE(outcome.out.starts_with("# lectern doctor: cpu\n")) << outcome.out;
  for (const char* part : {"| its software | oneDNN", "| replaced operators | conv2d |", "\n| linear | f32 | native | ",
                           "\n| conv2d | f32 | unfold + linear | ", "\n| logits | ", "\n| decode | ", "checks passed."})
    EXPECT_THAT(outcome.out, HasSubstr(part));
}

TEST(DoctorCommand, RefusesBeforeTheWorkBegins) {
  const TempFolder folder;
  expect_refusal(lectern(folder, "doctor --device gpu"), 2, "there is no device 'gpu'");
  expect_refusal(lectern(folder, "doctor --report no/report.md"), 2, "no/report.md: cannot be written");
}

// What cannot be run is in the report, and the exit code says so.
TEST(DoctorCommand, ReportsADeviceThatCannotRunModels) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "doctor --without linear,product --report report.md");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("**stopped**: cpu: cannot run a model: it lacks product"));
  EXPECT_THAT(slurp(folder / "report.md"), HasSubstr("checks failed: "));
}

}  // namespace
}  // namespace lectern
