#include "job/output_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;
namespace fs = std::filesystem;

std::vector<Input> typed(const std::vector<fs::path>& files) {
  std::vector<Input> inputs;
  for (const fs::path& file : files) inputs.push_back({file, file.filename()});
  return inputs;
}

std::vector<std::string> names(const std::vector<Input>& inputs) {
  std::vector<std::string> names;
  for (const fs::path& name : distinct_names(inputs)) names.push_back(name.string());
  return names;
}
std::vector<std::string> names(const std::vector<fs::path>& files) { return names(typed(files)); }

TEST(OutputNames, AreThoseOfTheInputs) {
  EXPECT_THAT(names(std::vector<fs::path>{"a/x.png", "b/y.tar.gz", "-", "z"}), ElementsAre("x", "y.tar", "stdin", "z"));
}

TEST(OutputNames, KeepTheFoldersBelowTheOneThatWasTyped) {
  const Input a = {"in/a/x.png", "a/x.png"}, b = {"in/b/x.png", "b/x.png"}, top = {"in/x.png", "x.png"};
  EXPECT_THAT(names(std::vector<Input>{a}), ElementsAre("a/x")) << "whatever else lies there";
  EXPECT_THAT(names(std::vector<Input>{a, b, top}), ElementsAre("a/x", "b/x", "x"));
  EXPECT_THAT(names(std::vector<Input>{{"1/a/x.png", "a/x.png"}, {"2/a/x.png", "a/x.png"}}),
              ElementsAre("a/1-a-x", "a/2-a-x"));
}

TEST(OutputNames, TellInputsOfOneNameApart) {
  EXPECT_THAT(names(std::vector<fs::path>{"x.png", "x.jpg", "y.png"}), ElementsAre("x.png", "x.jpg", "y"));
  EXPECT_THAT(names(std::vector<fs::path>{"a/x.png", "b/x.png"}), ElementsAre("a-x", "b-x"));
  EXPECT_THAT(names(std::vector<fs::path>{"a/x.png", "a/x.jpg", "b/x.png"}),
              ElementsAre("a-x.png", "a-x.jpg", "b-x.png"));
  EXPECT_THAT(names(std::vector<fs::path>{"1/a/x.png", "2/a/x.png"}), ElementsAre("1-a-x", "2-a-x"));
  EXPECT_THAT(names(std::vector<fs::path>{"x.png", "a/x.png", "../x.png"}), ElementsAre("x", "a-x", "x-2"));
  EXPECT_THAT(names(std::vector<fs::path>{"x.png", "x.png", "./x.png"}), ElementsAre("x", "x-2", "x-3"));
  EXPECT_THAT(names(std::vector<fs::path>{"x.png", "X.png"}), ElementsAre("x", "X-2"))
      << "one file where case does not count";
  EXPECT_THAT(names(std::vector<fs::path>{"a/x.png", "b/x.png", "a-x.pdf"}), ElementsAre("a-x", "b-x", "a-x-2"));
}

TEST(OutputNames, DoNotDependOnTheOrder) {
  const std::vector<fs::path> inputs = {"a/x.png", "b/x.png", "b/x.jpg", "y.png", "c/y.png"};
  std::vector<fs::path> reversed(inputs.rbegin(), inputs.rend());
  std::vector<std::string> back = names(reversed);
  EXPECT_EQ(names(inputs), std::vector<std::string>(back.rbegin(), back.rend()));
}

TEST(OutputNames, FormFilesInAFolder) {
  const TempFolder folder;
  const std::string out = (folder / "new/out/").string();
  const std::vector<fs::path> inputs = {"a/x.png", "b/x.png"};
  const OutputNames outputs(out, typed(inputs), {Format::markdown, Format::json});
  EXPECT_FALSE(fs::exists(out)) << "not yet";
  EXPECT_FALSE(outputs.to_stdout());
  EXPECT_FALSE(outputs.combined());
  EXPECT_EQ(outputs.path(0, Format::markdown), fs::path(out) / "a-x.md");
  EXPECT_EQ(outputs.path(1, Format::json), fs::path(out) / "b-x.json");
}

TEST(OutputNames, TakeANameWithoutExtensionForAFolderWhereThereAreSeveral) {
  const TempFolder folder;
  const std::string out = (folder / "texts").string();
  const std::vector<Input> one = typed({"x.png"}), two = typed({"x.png", "y.png"});
  EXPECT_FALSE(OutputNames(out, one, {Format::text}).in_folder());
  EXPECT_EQ(OutputNames(out, one, {Format::text}).path(0, Format::text), out);
  EXPECT_FALSE(fs::exists(out));
  EXPECT_EQ(OutputNames((folder / "a").string(), two, {Format::text}).path(1, Format::text), folder / "a/y.txt");
  EXPECT_EQ(OutputNames((folder / "b").string(), one, {Format::text, Format::json}).path(0, Format::json),
            folder / "b/x.json");
  EXPECT_EQ(OutputNames((folder / "c").string(), one, {Format::text}, true).path(0, Format::text), folder / "c/x.txt")
      << "a folder that holds one picture today";
  folder.write("texts", "precious");
  try {
    OutputNames(out, two, {Format::text});
    ADD_FAILURE() << "was not refused";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("texts: is a file; for several inputs"));
  }
  EXPECT_EQ(testing::slurp(out), "precious");
}

TEST(OutputNames, FormOneFile) {
  const TempFolder folder;
  const std::vector<Input> one = typed({"x.png"}), two = typed({"x.png", "y.png"});
  const std::string out = (folder / "result.text").string();
  const OutputNames file(out, two, {Format::markdown});
  EXPECT_EQ(file.path(0, Format::markdown), out);
  EXPECT_EQ(file.path(1, Format::markdown), out);
  EXPECT_TRUE(file.combined());
  EXPECT_FALSE(OutputNames(out, one, {Format::text}).combined());
  EXPECT_TRUE(fs::is_empty(folder.path()));

  const OutputNames several((folder / "result.md").string(), one, {Format::markdown, Format::json});
  EXPECT_EQ(several.path(0, Format::markdown), folder / "result.md");
  EXPECT_EQ(several.path(0, Format::json), folder / "result.json");
  const OutputNames version((folder / "v1.2").string(), one, {Format::markdown, Format::json});
  EXPECT_EQ(version.path(0, Format::json), folder / "v1.2.json");
}

TEST(OutputNames, MayBeStandardOutput) {
  const std::vector<Input> inputs = typed({"x.png"});
  for (const std::string out : {"", "-"}) {
    const OutputNames outputs(out, inputs, {Format::text});
    EXPECT_TRUE(outputs.to_stdout());
    EXPECT_EQ(outputs.path(0, Format::text), "-");
    EXPECT_THROW(OutputNames(out, inputs, {Format::text, Format::json}), Error);
  }
}

std::string refusal(const std::string& out, const std::vector<fs::path>& files, std::vector<Format> formats) {
  try {
    const std::vector<Input> inputs = typed(files);
    FileGate gate;
    for (const Input& input : inputs) gate.add_input(input.file);
    OutputNames(out, inputs, std::move(formats)).pass(gate, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(OutputNames, RefuseWhatCannotBeWritten) {
  const TempFolder folder;
  const std::string raw = folder.write("x.mmd", "text").string();
  EXPECT_THAT(refusal(raw, {raw}, {Format::raw}), HasSubstr("x.mmd: is an input"));
  EXPECT_THAT(refusal(folder.path().string(), {raw}, {Format::markdown, Format::raw}), HasSubstr("x.mmd: is an input"));
  EXPECT_THAT(refusal((folder / "none/x.md").string(), {raw}, {Format::markdown}), HasSubstr("cannot be written"));
  EXPECT_THAT(refusal(raw + "/", {raw}, {Format::markdown}), HasSubstr("the folder cannot be made"));
  EXPECT_THAT(refusal("/dev/null", {raw}, {Format::markdown}), HasSubstr("a device"));
}

TEST(OutputNames, RefuseFilesOfPagesThatWouldBeInputs) {
  const TempFolder folder;
  fs::create_directory(folder / "x_boxes");
  fs::create_directory(folder / "x_figures");
  const std::string boxes = folder.write("x_boxes/page-1.png", "\x89PNG").string();
  const std::string figure = folder.write("x_figures/page-1-figure-1.png", "\x89PNG").string();
  const std::string out = folder.path().string();
  EXPECT_THAT(refusal(out, {"x.tif", boxes}, {Format::boxes}), HasSubstr("page-1.png: is an input"));
  EXPECT_THAT(refusal(out, {"x.tif", figure}, {Format::markdown}), HasSubstr("figure-1.png: is an input"));
  EXPECT_EQ(refusal(out, {"x.tif", figure}, {Format::text}), "no error");
}

TEST(OutputNames, AFolderIsNotMadeInPlaceOfALink) {
  const TempFolder folder;
  fs::create_symlink("nowhere", folder / "link");
  for (const std::string out : {"link/", "link/below/"}) {
    EXPECT_THAT(
        refusal((folder / out).string(), {"a.png"}, {Format::text}),
        HasSubstr(": the folder cannot be made: " + (folder / "link").string() + " is a link that leads nowhere"));
  }
  EXPECT_FALSE(fs::exists(folder / "nowhere"));
}

TEST(OutputNames, OnePageFormatsTakeNoSeveralInputs) {
  const TempFolder folder;
  EXPECT_THAT(refusal((folder / "out.png").string(), {"a.png", "b.png"}, {Format::boxes}),
              HasSubstr("out.png: boxes is a file for each page, and there are 2 inputs"));
  EXPECT_THAT(refusal("-", {"a.png", "b.png"}, {Format::boxes}), HasSubstr("do not fit onto standard output"));
  EXPECT_EQ(refusal((folder / "out/").string(), {"a.png", "b.png"}, {Format::boxes}), "no error");
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace lectern
