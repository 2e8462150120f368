#include "job/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::slurp;
using testing::TempFolder;
namespace fs = std::filesystem;

DocumentPage page_of(int number, const std::string& text) {
  DocumentPage page;
  page.number = number;
  page.raw = text;
  page.finish = "end";
  page.blocks.push_back({"", {}, {}, text});
  return page;
}

DocumentPage failed_page(int number) {
  DocumentPage page;
  page.number = number;
  page.error = "x.pdf: page is broken";
  page.finish = "failed";
  return page;
}

std::vector<std::string> files_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

class OutputsTest : public ::testing::Test {
 protected:
  std::string out(const std::string& name) const { return (folder / name).string(); }
  std::vector<Input> inputs(const std::vector<std::string>& names) const {
    std::vector<Input> made;
    for (const std::string& name : names) made.push_back({input_folder / name, name});
    return made;
  }
  TempFolder folder, input_folder;
};

TEST(FormatsFor, TakesTheNamesThenTheExtensionThenTheUsual) {
  EXPECT_THAT(formats_for("x.md", {"json", "txt", "json"}, Format::raw), ElementsAre(Format::json, Format::text));
  EXPECT_THAT(formats_for("x.json", {}, Format::text), ElementsAre(Format::json));
  EXPECT_THAT(formats_for("x.unknown", {}, Format::text), ElementsAre(Format::text));
  EXPECT_THAT(formats_for("folder.json/", {}, Format::text), ElementsAre(Format::text));
  EXPECT_THAT(formats_for("-", {}, Format::markdown), ElementsAre(Format::markdown));
  EXPECT_THROW(formats_for("-", {"docx"}, Format::text), Error);
}

TEST_F(OutputsTest, AFolderGetsAFileOfEachFormatForEachInput) {
  Outputs outputs(out("new/"), {Format::text, Format::raw}, {}, inputs({"a.pdf", "b.png"}));
  EXPECT_EQ(outputs.journal_path(), fs::path(out("new/")) / "lectern.journal");
  EXPECT_FALSE(outputs.merges());
  outputs.begin(0, {});
  outputs.page(page_of(1, "one"), nullptr);
  outputs.page(page_of(2, "two"), nullptr);
  EXPECT_THAT(slurp(folder / "new/a.txt"), "") << "not before the end";
  EXPECT_TRUE(outputs.end(0));
  EXPECT_THAT(slurp(folder / "new/a.txt"), "one\n\ntwo\n");
  outputs.begin(1, {});
  outputs.page(page_of(1, "three"), nullptr);
  outputs.finish(true);
  EXPECT_THAT(files_in(folder / "new"), ElementsAre("a.mmd", "a.txt")) << "b was interrupted";
}

TEST_F(OutputsTest, OneFileTakesAllInputsAndNumbersTheirPagesOn) {
  Outputs outputs(out("all.txt"), {Format::text}, {}, inputs({"a.pdf", "b.png", "c.png"}));
  EXPECT_TRUE(outputs.merges());
  outputs.begin(0, {});
  outputs.page(page_of(1, "one"), nullptr);
  EXPECT_FALSE(outputs.end(0));
  outputs.failed(1, {}, "b.png: is broken");
  outputs.begin(2, {});
  outputs.page(failed_page(1), nullptr);
  outputs.end(2);
  EXPECT_FALSE(fs::exists(folder / "all.txt"));
  EXPECT_TRUE(outputs.finish(false));
  EXPECT_EQ(
      slurp(folder / "all.txt"),
      "one\n\n[Page 2 could not be read: b.png: is broken]\n\n[Page 3 could not be read: x.pdf: page is broken]\n");
}

TEST_F(OutputsTest, NothingIsWrittenOfAnInputOfWhichNothingCouldBeRead) {
  Outputs outputs(out("new/"), {Format::text}, {}, inputs({"a.pdf", "b.pdf"}));
  outputs.begin(0, {});
  outputs.page(failed_page(1), nullptr);
  EXPECT_FALSE(outputs.end(0));
  outputs.begin(1, {});
  outputs.page(failed_page(1), nullptr);
  outputs.page(page_of(2, "two"), nullptr);
  EXPECT_TRUE(outputs.end(1));
  EXPECT_THAT(files_in(folder / "new"), ElementsAre("b.txt"));
  EXPECT_EQ(slurp(folder / "new/b.txt"), "[Page 1 could not be read: x.pdf: page is broken]\n\ntwo\n");
}

TEST_F(OutputsTest, SeveralFormatsNeedFiles) {
  EXPECT_THROW(Outputs("-", {Format::text, Format::json}, {}, inputs({"a.png"})), Error);
  const Outputs none("", {Format::text, Format::json}, {}, inputs({"a.png"}));
  EXPECT_FALSE(none.to_stdout());
  EXPECT_FALSE(none.journal_path());
  EXPECT_THAT(none.paths(0), IsEmpty());
}

}  // namespace
}  // namespace lectern
