#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
#ifdef LECTERN_ASCEND
using testing::fake_card;
#endif
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
  for (const char* part :
       {"| its software | oneDNN", "| replaced operators | conv2d |", "\n| linear | f32 | native | ",
        "\n| conv2d | f32 | im2col + linear | ", "\n| PDF helper | ", "\n| its confinement | ", "\n| free memory | ",
        "\n| model that ships | ", "\n| logits | ", "\n| decode | ", "checks passed."})
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
  const Outcome outcome = lectern(folder, "doctor --without linear,gemm --report report.md");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("**stopped**: cpu: cannot run a model: it lacks gemm"));
  EXPECT_THAT(slurp(folder / "report.md"), HasSubstr("checks failed: "));
}

TEST(DoctorCommand, ReplacesNoFileOfTheUsers) {
  const TempFolder folder;
  folder.write("t.png", "\x89PNG and so on");
  expect_refusal(lectern(folder, "doctor --report t.png"), 2,
                 "t.png: holds a picture, and the report would replace it");
  expect_refusal(lectern(folder, "doctor --picture t.png --report t.png"), 2, "t.png: is an input");
  EXPECT_EQ(slurp(folder / "t.png"), "\x89PNG and so on");
}

#ifdef LECTERN_ASCEND
TEST(DoctorCommand, ChecksAnAscendCard) {
  const TempFolder folder;
  struct Case {
    const char* environment;
    std::vector<const char*> parts;
  };
  for (const Case& c : {
           Case{"",
                {"| bf16; values between operators are bf16 |", "\n| replaced operators | none |",
                 "\n| paged_attention and write_kv | bf16 | native | ", "\n| experts | bf16 | native | "}},
           Case{"FAKE_CANN_SOC=Ascend310P3", {"| Ascend310P3, untested and slow |", "\n| linear | f16 | native | "}},
           Case{"FAKE_CANN_VERSION=8.5.0 FAKE_CANN_ABSENT=aclnnIm2col "
                "FAKE_CANN_REFUSING=aclnnFusedInferAttentionScoreV2:561003",
                {"| CANN 8.5.0", "aclnnIm2col |", "conv2d", "\n| paged_attention and write_kv | bf16 | copy + "}},
       }) {
    const Outcome outcome = lectern(folder, "doctor --device ascend:0 --report report.md", fake_card + c.environment);
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
    EXPECT_TRUE(outcome.out.starts_with("# lectern doctor: ascend:0\n")) << outcome.out;
    for (const char* part : {"| reference | cpu, f32 |\n", "| lectern doctor --device ascend:0 |\n", "\n| logits | ",
                             "\n| decode | ", "checks passed."})
      EXPECT_THAT(outcome.out, HasSubstr(part));
    for (const char* part : c.parts) EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

// The first in full, the others by a page; one that fails is named.
TEST(DoctorCommand, ChecksEveryCard) {
  const TempFolder folder;
  const Outcome outcome = lectern(folder, "doctor --device ascend:0-2 --report report.md",
                                  fake_card + "FAKE_CANN_DEVICES=3 FAKE_CANN_MEMORY_OF=2:1000000");
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  for (const char* part : {"# lectern doctor: ascend:0\n", "\n## A page\n", "\n## A page on ascend:1\n",
                           "**stopped**: ascend:2: no memory for", "checks failed: ascend:2."})
    EXPECT_THAT(outcome.out, HasSubstr(part));
  EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
}

TEST(DoctorCommand, ReportsWhereAnAscendCardFails) {
  const TempFolder folder;
  const Outcome outcome =
      lectern(folder, "doctor --device ascend:0 --report report.md", fake_card + "FAKE_CANN_FAIL=execute:1000");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(slurp(folder / "report.md"),
              ::testing::AllOf(HasSubstr("**stopped**: ascend:0: work on the card failed: 507015 (AI Core exception)"),
                               HasSubstr("checks failed: the rest.")));
}
#endif

}  // namespace
}  // namespace lectern
