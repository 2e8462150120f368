#include "job/journal/run_identity.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "core/temp_folder.h"

namespace lectern {
namespace {

Prompt prompt_of(std::string_view typed) { return parse_prompt(typed, description_of("deepseek-ocr")); }

using Change = std::function<void(DocumentOptions&)>;

DocumentInfo any_model() {
  DocumentInfo info;
  info.model = "a-model";
  return info;
}

nlohmann::json pages(const DocumentOptions& options) {
  return page_identity(any_model(), 1024, options, prompt_of(options.read.prompt));
}
nlohmann::json outputs(const DocumentOptions& options) { return output_identity(options, {"out/a.md"}); }

// Every member of the options is in exactly one of these.
const std::vector<Change> of_pages = {[](auto& of) { of.dpi = 300; },
                                      [](auto& of) { of.upright = true; },
                                      [](auto& of) { of.read.mode = Mode::tiny; },
                                      [](auto& of) { of.read.max_tiles = 4; },
                                      [](auto& of) { of.pages_together = 4; },
                                      [](auto& of) { of.read.prompt = "markdown"; },
                                      [](auto& of) { of.read.prompt = "my own"; },
                                      [](auto& of) { of.read.max_tokens = 3; }};
const std::vector<Change> of_outputs = {[](auto& of) { of.pages = "1"; },
                                        [](auto& of) { of.output.tables = OutputOptions::Tables::pipe; },
                                        [](auto& of) { of.output.formulas = OutputOptions::Formulas::paren; },
                                        [](auto& of) { of.output.figures = false; },
                                        [](auto& of) { of.output.headers = false; },
                                        [](auto& of) { of.output.footers = false; },
                                        [](auto& of) { of.output.page_numbers = false; },
                                        [](auto& of) { of.output.page_breaks = true; }};
// The inputs and their outputs are told by their names; the others change neither.
const std::vector<Change> of_neither = {[](auto& of) { of.inputs = {"x"}; },
                                        [](auto& of) { of.password = "x"; },
                                        [](auto& of) { of.batch = 2; },
                                        [](auto& of) { of.out = "x"; },
                                        [](auto& of) { of.formats = {Format::markdown}; },
                                        [](auto& of) { of.report = "x"; },
                                        [](auto& of) { of.review_below = 0.5; },
                                        [](auto& of) { of.read.raw = true; },
                                        [](auto& of) { of.read.force_mode = true; },
                                        [](auto& of) { of.resume = DocumentOptions::Resume::never; }};

void expect_change(const std::vector<Change>& changes, bool of_pages_too, bool of_outputs_too) {
  const DocumentOptions usual;
  for (size_t i = 0; i < changes.size(); ++i) {
    DocumentOptions changed;
    changes[i](changed);
    EXPECT_EQ(pages(changed) != pages(usual), of_pages_too) << i;
    EXPECT_EQ(outputs(changed) != outputs(usual), of_outputs_too) << i;
  }
}

TEST(RunIdentity, HasEveryMemberInItsPlace) {
  expect_change(of_pages, true, false);
  expect_change(of_outputs, false, true);
  expect_change(of_neither, false, false);
}

TEST(RunIdentity, KnowsTheModelAndItsFiles) {
  const testing::TempFolder folder;
  folder.write("config.json", "{}");
  DocumentInfo info;
  info.model = folder.path().string();
  const auto identity = [&] { return page_identity(info, 1024, {}, prompt_of("free")); };
  const nlohmann::json before = identity();
  folder.write("notes.txt", "no part of the model");
  EXPECT_EQ(identity(), before);
  folder.write("config.json", "{\"a\": 1}");
  EXPECT_NE(identity(), before);
  info.weights = Weights::q4;
  EXPECT_NE(identity()["weights"], before["weights"]);
}

TEST(RunIdentity, TakesWordsForTheNameOfTheirPrompt) {
  EXPECT_EQ(page_identity(any_model(), 1, {}, prompt_of("<image>\nFree OCR. ")),
            page_identity(any_model(), 1, {}, prompt_of("")));
  EXPECT_NE(page_identity(any_model(), 1, {}, prompt_of("locate:a")),
            page_identity(any_model(), 1, {}, prompt_of("locate:b")));
}

TEST(RunIdentity, KnowsTheFilesThatAreWritten) {
  EXPECT_EQ(output_identity({}, {"out/a.md"}), output_identity({}, {"./out//a.md"}));
  EXPECT_NE(output_identity({}, {"out/a.md"}), output_identity({}, {"out/a.md", "out/a.json"}));
}

}  // namespace
}  // namespace lectern
