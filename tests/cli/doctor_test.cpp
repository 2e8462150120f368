#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
#ifdef LECTERN_ASCEND
using testing::fake_card;
#endif
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using testing::lectern;
using testing::Outcome;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

// With the model that ships.
Outcome doctor(const TempFolder& folder, const std::string& arguments, const std::string& environment = "") {
  return lectern(folder, "doctor " + arguments, "LECTERN_MODEL= " + environment);
}

// Every row of a table has the cells of its heading, and no table is empty.
void expect_tables(const std::string& report) {
  const auto cells = [](const std::string& row) {
    int bars = 0;
    for (size_t i = 0; i < row.size(); ++i) bars += row[i] == '|' && (i == 0 || row[i - 1] != '\\') ? 1 : 0;
    return bars - 1;
  };
  std::istringstream lines(report);
  int heading = 0, rows = 0, tables = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('|')) {
      if (heading > 0) {
        EXPECT_GT(rows, 2) << "above: " << line;
      }
      heading = rows = 0;
      continue;
    }
    EXPECT_TRUE(line.ends_with('|')) << line;
    if (heading == 0) {
      heading = cells(line);
      ++tables;
    }
    ++rows;
    EXPECT_EQ(cells(line), heading) << line;
  }
  EXPECT_GE(tables, 6);
}

TEST(DoctorCommand, ChecksEveryOperatorAndAPage) {
  const TempFolder folder;
  const Outcome outcome = doctor(folder, "--report report.md");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
  EXPECT_TRUE(outcome.out.starts_with("# lectern doctor: cpu\n")) << outcome.out;
  for (const char* part :
       {"| its software | oneDNN", "| replaced operators | conv2d |", "\n| linear | f32 | native | ",
        "\n| conv2d | f32 | im2col + linear | ", "\n| PDF helper | ", "\n| its confinement | ", "\n| free memory | ",
        "\n| model that ships | ", "\n| primer-large, which ships, too | ", "\n| logits | ", "\n| decode | ",
        "checks passed.", "\n## Times\n", "\n| load the weights | ", "\n| first page, ",
        "\n| with the weights loaded | ", "\n| the page | end | as the reference's | ", "\n| its lower half | "})
    EXPECT_THAT(outcome.out, HasSubstr(part));
  for (const char* row : {"\\| decode, 1 page \\| [0-9.]+ tokens/s \\|  \\|",
                          "\\| decode, 32 pages together \\| [0-9.]+ tokens/s \\|  \\|"})
    EXPECT_THAT(outcome.out, ContainsRegex(row));
  expect_tables(outcome.out);
}

TEST(DoctorCommand, RefusesBeforeTheWorkBegins) {
  const TempFolder folder;
  expect_refusal(doctor(folder, "--device gpu"), 2, "there is no device 'gpu'");
  expect_refusal(doctor(folder, "--report no/report.md"), 2, "no/report.md: cannot be written");
  folder.write("text.png", "no picture");
  expect_refusal(doctor(folder, "--picture text.png"), 2, "text.png: not a picture");
}

TEST(DoctorCommand, TakesTheModelThatTheVariableNames) {
  const TempFolder folder;
  expect_refusal(doctor(folder, "--report r.md", "LECTERN_MODEL=no/model "), 2, "LECTERN_MODEL names no/model");
  fs::copy(TEST_DATA "/goldens/mini", folder / "broken");
  folder.write("broken/config.json", "{");
  const Outcome broken = doctor(folder, "", "LECTERN_MODEL=broken ");
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.out, HasSubstr("LECTERN_MODEL=broken lectern doctor"));
  EXPECT_THAT(broken.out, HasSubstr("**stopped**: broken/config.json"));
}

// What cannot be run is in the report, and the exit code says so.
TEST(DoctorCommand, ReportsADeviceThatCannotRunModels) {
  const TempFolder folder;
  const Outcome outcome = doctor(folder, "--without linear,gemm --report report.md");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("**stopped**: cpu: cannot run a model: it lacks gemm"));
  EXPECT_THAT(slurp(folder / "report.md"), HasSubstr("checks failed: "));
}

TEST(DoctorCommand, ReplacesNoFileOfTheUsers) {
  const TempFolder folder;
  folder.write("t.png", "\x89PNG and so on");
  expect_refusal(doctor(folder, "--report t.png"), 2, "t.png: holds a picture, and the report would replace it");
  expect_refusal(doctor(folder, "--picture t.png --report t.png"), 2, "t.png: is an input");
  EXPECT_EQ(slurp(folder / "t.png"), "\x89PNG and so on");
  folder.write("config.json", "{\"a\": 1}");
  expect_refusal(doctor(folder, "--report config.json"), 2, "config.json: holds JSON, and the report would replace it");
  EXPECT_EQ(slurp(folder / "config.json"), "{\"a\": 1}");
  expect_refusal(doctor(folder, "--report -"), 2, "--report -: does not go to standard output");
  EXPECT_FALSE(fs::exists(folder / "-"));
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
           Case{"FAKE_CANN_SOC=Ascend310P3 FAKE_CANN_VERSION=8.5.0 FAKE_CANN_ABSENT=aclnnIm2col",
                {"| Ascend310P3, untested and slow |", "\n| linear | f16 | native | ", "| CANN 8.5.0", "aclnnIm2col |",
                 "conv2d", "\n| paged_attention and write_kv | f16 | copy + "}},
       }) {
    const Outcome outcome = doctor(folder, "--device ascend:0 --report report.md", fake_card + c.environment);
    EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
    EXPECT_TRUE(outcome.out.starts_with("# lectern doctor: ascend:0\n")) << outcome.out;
    for (const char* part : {"| reference | cpu, f32 |\n", "| lectern doctor --device ascend:0 |\n", "\n| logits | ",
                             "\n| decode | ", "checks passed.", "\n| the page | end | as the reference's | "})
      EXPECT_THAT(outcome.out, HasSubstr(part));
    // What was measured, and what is predicted of DeepSeek-OCR on a card.
    for (const char* row : {"\\| encode a page: one view of 256, predicted for 1024 \\| [0-9.e+]+ ms \\| 18.4 ms \\|",
                            "\\| encode six tiles of 640 more \\|  \\| 30.8 ms \\|",
                            "\\| prefill: [0-9]+ tokens, predicted for 913 \\| [0-9.e+]+ ms \\| 11.8 ms \\|",
                            "\\| decode, 1 page \\| [0-9.]+ tokens/s \\| 42[0-9] tokens/s \\|",
                            "\\| decode, 8 pages together \\| [0-9.]+ tokens/s \\| [0-9]+ tokens/s \\|",
                            "\\| decode, 16 pages together \\| [0-9.]+ tokens/s \\| [0-9]+ tokens/s \\|",
                            "\\| decode, 32 pages together \\| [0-9.]+ tokens/s \\| 48[0-9][0-9] tokens/s \\|",
                            "\\| first page, [0-9]+ tokens \\| [0-9.e+]+ s \\| 0.[0-9]+ s \\|",
                            "\\| with the weights loaded \\| [0-9.]+ GB \\| [0-9.]+ MB \\| 7.2 GB \\|"})
      EXPECT_THAT(outcome.out, ContainsRegex(row));
    expect_tables(outcome.out);
    EXPECT_THAT(outcome.out, HasSubstr("\n## One model over several cards, predicted\n"));
    EXPECT_THAT(outcome.out, HasSubstr("This is another model, with 4 layers of 256 columns in place of 12 of 1280"));
    for (const char* part : c.parts) EXPECT_THAT(outcome.out, HasSubstr(part));
  }
}

// The first in full, the others by a page; one that fails is named. Here each is two cards that hold a model together.
TEST(DoctorCommand, ChecksEveryCard) {
  const TempFolder folder;
  const Outcome outcome = doctor(folder, "--device ascend:0-5 --tensor-parallel 2 --report report.md",
                                 fake_card + "FAKE_CANN_DEVICES=6 FAKE_CANN_MEMORY_OF=5:12000000");
  EXPECT_EQ(outcome.code, 1) << outcome.out;
  for (const char* part :
       {"# lectern doctor: ascend:0+ascend:1\n", "\n## A page\n", "\n## A page on ascend:2+ascend:3\n",
        "\n## Times on ascend:2+ascend:3\n", "\n## Three pages on ascend:2+ascend:3\n",
        "\n| memory on ascend:2+ascend:3 | free | taken | predicted |\n",
        "| lectern doctor --device ascend:0-5 --tensor-parallel 2 |",
        "**stopped**: ascend:5: the model does not fit: its weights take about ",
        "share the model between more devices with --tensor-parallel", "checks failed: ascend:4+ascend:5."})
    EXPECT_THAT(outcome.out, HasSubstr(part));
  // What is predicted of DeepSeek-OCR over two cards.
  for (const char* row : {"\\| encode a page of six tiles \\|  \\| 31.7 ms \\|",
                          "\\| decode, 1 page \\| [0-9.]+ tokens/s \\| 39[0-9] tokens/s \\|"})
    EXPECT_THAT(outcome.out, ContainsRegex(row));
  EXPECT_EQ(outcome.out, slurp(folder / "report.md"));
}

TEST(DoctorCommand, ReportsWhereAnAscendCardFails) {
  const TempFolder folder;
  const Outcome outcome =
      doctor(folder, "--device ascend:0 --report report.md", fake_card + "FAKE_CANN_FAIL=execute:1000");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(slurp(folder / "report.md"),
              ::testing::AllOf(HasSubstr("**stopped**: ascend:0: work on the card failed: 507015 (AI Core exception)"),
                               HasSubstr("checks failed: the rest."), HasSubstr("worth an issue")));
}
#endif

}  // namespace
}  // namespace lectern
