#include "job/document_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

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

const std::string png = "\x89PNG\r\n";

class DocumentPlanTest : public ::testing::Test {
 protected:
  DocumentPlanTest() {
    fs::create_directory(folder / "model");
    folder.write("model/config.json", "{}");
    options.inputs = {folder.write("one.png", png).string()};
  }
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string refusal() const {
    try {
      check_documents(options, folder / "model");
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  }
  Prompt prompt() const { return DocumentPlan(options, folder / "model").prompt; }

  TempFolder folder;
  DocumentOptions options;
};

TEST_F(DocumentPlanTest, FormatsThatLiveFromTheLayoutGetAGroundedPrompt) {
  options.out = path("out/");
  for (const Format format : {Format::markdown, Format::html, Format::hocr, Format::pdf, Format::json, Format::boxes}) {
    options.formats = {Format::text, format};
    EXPECT_EQ(prompt().name, "markdown") << name_of(format);
    EXPECT_TRUE(prompt().grounded);
  }
  for (const Format format : {Format::text, Format::raw}) {
    options.formats = {format};
    EXPECT_EQ(prompt().name, "free") << name_of(format);
  }
  options.formats = {};
  EXPECT_EQ(prompt().name, "free");
  options.out = path("x.hocr");
  EXPECT_EQ(prompt().name, "markdown");
  options.read.prompt = "free";
  EXPECT_EQ(prompt().name, "free") << "it was named";
  options.read.prompt = "";
  options.out = "";
  EXPECT_EQ(prompt().name, "free");
}

TEST_F(DocumentPlanTest, AGroundedPromptMeansMarkdown) {
  options.out = path("out/");
  options.read.prompt = "<|grounding|>Convert the document to markdown.";
  EXPECT_THAT(DocumentPlan(options, folder / "model").formats, ElementsAre(Format::markdown));
  options.read.prompt = "ocr";
  EXPECT_THAT(DocumentPlan(options, folder / "model").formats, ElementsAre(Format::markdown));
  options.out = "";
  EXPECT_THAT(DocumentPlan(options, folder / "model").formats, IsEmpty());
}

TEST_F(DocumentPlanTest, RefusesWhatWouldDestroyAFile) {
  const auto refused = [&](const std::string& out, const std::string& report, const std::string& reason) {
    options.out = out.empty() ? "" : path(out);
    options.report = report.empty() ? "" : path(report);
    EXPECT_THAT(refusal(), HasSubstr(reason)) << out << " " << report;
  };
  folder.write("photo.jpg", "\xff\xd8\xff");
  refused("", "one.png", "one.png: is an input, and the report would replace it");
  refused("one.txt", "one.png", "one.png: is an input");
  refused("one.txt", "one.txt", "one.txt: would be written twice");
  refused("one.txt", "photo.jpg", "photo.jpg: holds a picture, and the report would replace it");
  refused("photo.jpg", "", "there is no format of the name '.jpg'");
  refused("one.txt", "one.txt.journal", "one.txt.journal: would be written twice");
  refused("one.txt", "model/config.json", "config.json: is an input");
  options.formats = {Format::text};
  refused("photo.jpg", "", "photo.jpg: holds a picture, and txt would replace it");
  refused("one.png", "", "one.png: is an input, and txt would replace it");
  EXPECT_EQ(slurp(folder / "one.png"), png);
}

TEST_F(DocumentPlanTest, RefusesWhatCannotWorkAndMakesNothing) {
  options.out = path("new/folder/");
  EXPECT_EQ(refusal(), "not refused");
  EXPECT_FALSE(fs::exists(folder / "new"));
  options.pages = "3-1";
  EXPECT_THAT(refusal(), HasSubstr("3-1"));
  options.pages = "";
  options.dpi = -1;
  EXPECT_THAT(refusal(), HasSubstr("`dpi` -1: expected 0, for the usual, or more"));
  options.dpi = 0;
  options.read.prompt = "locate:";
  EXPECT_THAT(refusal(), HasSubstr("names no text to locate"));
}

}  // namespace
}  // namespace lectern
