// Whole runs with the shipped model over the samples, and with a few tokens of the mini model.
#include "lectern/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/pdf_builder.h"

namespace lectern {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::slurp;
using testing::TempFolder;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

const std::string samples = LECTERN_SAMPLES;

const Model& primer() {
  static const Model model = Model::load(LECTERN_SHIPPED_MODEL);
  return model;
}

std::string sample_text(const std::string& name) { return slurp(fs::path(samples) / (name + ".txt")); }

std::string page_of(const Page& page) { return " page " + std::to_string(page.number); }

class Documents : public ::testing::Test {
 protected:
  Documents() {
    options.inputs = {samples};
    options.out = (folder / "out/").string();
    events.message = [this](const std::string& line) { messages.push_back(line); };
  }
  RunReport read() { return read_documents({primer()}, options, events); }

  TempFolder folder;
  DocumentOptions options;
  DocumentEvents events;
  std::vector<std::string> messages;
};

TEST_F(Documents, AFolderOfPicturesBecomesAFolderOfTexts) {
  const RunReport report = read();
  EXPECT_EQ(report.outcome(), RunOutcome::everything);
  EXPECT_EQ(report.read, 7);
  EXPECT_THAT(messages, IsEmpty());
  for (const std::string name : {"hello", "note", "pages", "sign", "ticket"}) {
    EXPECT_EQ(slurp(folder / ("out/" + name + ".txt")), sample_text(name));
  }
  EXPECT_FALSE(fs::exists(folder / "out/lectern.journal"));
  EXPECT_THAT(report.inputs[0].outputs, ElementsAre((folder / "out/hello.txt").string()));
  ASSERT_EQ(report.devices.size(), 1u);
  EXPECT_EQ(report.devices[0].pages, 7);
  EXPECT_GT(report.stats.tokens, 20);
}

// The model writes at random: of three pages in one sequence it begins one.
TEST_F(Documents, ThreePagesAreReadInOneSequence) {
  const Model unlimited = Model::load(TEST_DATA "/goldens/unlimited-ocr/mini");
  const testing::PdfPage page = {.content = testing::filled("0 0 0", 20, 20, 60, 12)};
  options.inputs = {folder.write("three.pdf", testing::pdf_of({page, page, page})).string()};
  options.out = "";
  options.dpi = 100;
  options.pages_together = 3;
  options.read.max_tokens = 12;
  std::vector<Page> pages;
  events.page = [&](const std::string&, const Page& read) { pages.push_back(read); };
  const RunReport report = read_documents({unlimited}, options, events);
  EXPECT_EQ(report.read, 3);
  ASSERT_EQ(pages.size(), 3u);
  EXPECT_EQ(pages[0].stats.vision_tokens, 3 * 273);
  EXPECT_EQ(pages[0].stats.tokens, 12);
  EXPECT_EQ(pages[0].mode, Mode::base);
  for (const size_t i : {1, 2}) {
    EXPECT_EQ(pages[i].number, static_cast<int>(i) + 1);
    EXPECT_EQ(pages[i].stats.vision_tokens, 0);
    ASSERT_FALSE(pages[i].warnings.empty());
    EXPECT_EQ(pages[i].warnings[0].code, WarningCode::nothing_read);
  }
  options.read.mode = Mode::gundam;
  EXPECT_THROW(read_documents({unlimited}, options, events), Error);
  options.read.mode = Mode::automatic;
  options.pages_together = 200;
  EXPECT_THROW(read_documents({unlimited}, options, events), Error);
  options.pages_together = 2;
  EXPECT_THROW(read_documents({primer()}, options, events), Error);
}

TEST_F(Documents, WhatIsReadDependsOnNeitherBatchNorDevices) {
  std::map<std::string, std::string> alone;
  events.page = [&](const std::string& input, const Page& page) { alone[input + page_of(page)] = page.raw; };
  options.out = "";
  options.batch = 1;
  read();
  ASSERT_EQ(alone.size(), 7u);
  std::map<std::string, std::string> together;
  events.page = [&](const std::string& input, const Page& page) { together[input + page_of(page)] = page.raw; };
  options.batch = 3;
  const RunReport report = read_documents({primer(), primer()}, options, events);
  EXPECT_EQ(together, alone);
  ASSERT_EQ(report.devices.size(), 2u);
  EXPECT_EQ(report.devices[0].pages + report.devices[1].pages, 7);
}

TEST_F(Documents, ReadsTheGoodAmongTheBadAndSaysWhatIsMissing) {
  options.inputs = {samples + "/hello.png", folder.write("junk.png", "no picture").string(),
                    folder.write("broken.pdf", "%PDF-1.4 is all").string(), (folder / "nothing.png").string(),
                    samples + "/sign.png"};
  options.formats = {Format::json, Format::text};
  options.read.prompt = "free";
  RunProgress last;
  events.progress = [&](const RunProgress& progress) { last = progress; };
  const RunReport report = read();
  EXPECT_EQ(report.outcome(), RunOutcome::part);
  EXPECT_EQ(report.read, 2);
  EXPECT_EQ(last.inputs, 4u);
  EXPECT_EQ(last.opened, 4u) << "nothing is left to be guessed";
  EXPECT_EQ(messages.size(), 3u + 1u) << "and where the journal lies";
  EXPECT_THAT(report.errors, ElementsAre(HasSubstr("nothing.png: there is no such file")));
  EXPECT_THAT(report.inputs[1].error, HasSubstr("junk.png: not a picture"));
  EXPECT_EQ(report.inputs[1].error_code, ErrorCode::corrupt_input);
  EXPECT_THAT(report.inputs[2].error, HasSubstr("broken.pdf"));
  EXPECT_EQ(report.inputs[2].error_code, ErrorCode::corrupt_input);
  EXPECT_EQ(slurp(folder / "out/sign.txt"), sample_text("sign"));
  EXPECT_FALSE(fs::exists(folder / "out/junk.txt"));
  EXPECT_EQ(nlohmann::json::parse(report.to_json())["inputs"][2]["read"], 0);
}

TEST_F(Documents, ReadsThePagesOfAPdfThatWereAskedFor) {
  const auto page = [](const std::string& text) {
    return testing::PdfPage{.content = "BT /F 14 Tf 4 20 Td (" + text + ") Tj ET", .media_box = "0 0 60 50"};
  };
  options.inputs = {folder.write("book.pdf", testing::pdf_of({page("one"), {}, page("three"), page("four")})).string()};
  options.pages = "2-3";
  options.formats = {Format::json};
  const RunReport report = read();
  EXPECT_EQ(report.outcome(), RunOutcome::everything);
  EXPECT_EQ(report.read, 2);
  EXPECT_EQ(report.inputs[0].blank, 1);
  const auto json = nlohmann::json::parse(slurp(folder / "out/book.json"));
  EXPECT_EQ(json["pages"].size(), 2u);
  EXPECT_EQ(json["pages"][0]["number"], 2);
  EXPECT_EQ(json["pages"][0]["finish"], "blank");
  EXPECT_EQ(json["pages"][1]["number"], 3);
  EXPECT_NE(json["pages"][1]["raw"], "");
  EXPECT_EQ(json["pages"][1]["dpi"], 200);
  options.pages = "9";
  const RunReport beyond = read();
  EXPECT_EQ(beyond.outcome(), RunOutcome::nothing);
  EXPECT_THAT(beyond.inputs[0].error, HasSubstr("book.pdf"));
}

TEST_F(Documents, APageOfWhichSomethingIsLostIsNotBlank) {
  options.inputs = {folder
                        .write("lost.pdf", testing::pdf_of({{.content = "/Missing Do", .media_box = "0 0 60 50"},
                                                            {.content = "", .media_box = "0 0 60 50"}}))
                        .string()};
  options.formats = {Format::json, Format::markdown};
  const RunReport report = read();
  EXPECT_EQ(report.outcome(), RunOutcome::everything);
  EXPECT_EQ(report.inputs[0].blank, 1) << "the other page alone";
  const auto pages = nlohmann::json::parse(slurp(folder / "out/lost.json"))["pages"];
  EXPECT_EQ(pages[0]["blank"], false);
  EXPECT_EQ(pages[0]["tokens"]["text"], 0) << "of nothing a model would make something";
  ASSERT_EQ(pages[0]["warnings"].size(), 2u);
  EXPECT_EQ(pages[0]["warnings"][0]["code"], "damaged_input");
  EXPECT_EQ(pages[0]["warnings"][1]["code"], "nothing_read");
  EXPECT_EQ(pages[1]["blank"], true);
  EXPECT_TRUE(pages[1]["warnings"].empty());
  EXPECT_THAT(slurp(folder / "out/lost.md"), HasSubstr("Page 1 may be incomplete: poppler reports: "));
  EXPECT_THAT(messages, Contains(HasSubstr("lost.pdf: page 1: poppler reports: ")));
}

TEST_F(Documents, ListsWhatAPersonShouldLookAt) {
  options.inputs = {samples + "/sign.png"};
  options.formats = {Format::json, Format::hocr};
  const RunReport sure = read();
  ASSERT_TRUE(sure.inputs[0].confidence);
  EXPECT_GT(*sure.inputs[0].confidence, 0.5);
  EXPECT_TRUE(sure.inputs[0].reviews.empty()) << "nobody asked";
  const auto page = nlohmann::json::parse(slurp(folder / "out/sign.json"))["pages"][0];
  const auto& block = page["blocks"][0];
  for (const nlohmann::json& value : {page, block, block["lines"][0], block["lines"][0]["words"][0]}) {
    EXPECT_GT(value.value("confidence", 0.0), 0);
    EXPECT_LE(value.value("confidence", 2.0), 1);
  }
  EXPECT_THAT(slurp(folder / "out/sign.hocr"), HasSubstr("; x_wconf "));
  messages.clear();
  options.review_below = 1;
  options.resume = DocumentOptions::Resume::never;
  const RunReport report = read();
  ASSERT_EQ(report.inputs[0].reviews.size(), 1u);
  EXPECT_EQ(report.inputs[0].reviews[0].page, 1);
  EXPECT_THAT(messages, Contains(HasSubstr("sign.png: to be looked at: confidence ")));
}

TEST_F(Documents, AnInterruptedRunIsGoneOnFrom) {
  options.inputs = {samples + "/hello.png", samples + "/note.jpg", samples + "/sign.png", samples + "/ticket.png"};
  std::stop_source stop;
  events.stop = stop.get_token();
  options.batch = 1;
  options.out = (folder / "all.txt").string();
  events.page = [&](const std::string&, const Page&) { stop.request_stop(); };
  const RunReport interrupted = read();
  EXPECT_EQ(interrupted.outcome(), RunOutcome::interrupted);
  EXPECT_FALSE(fs::exists(folder / "all.txt"));
  EXPECT_THAT(messages, Contains(HasSubstr("all.txt.journal: holds what was read (")));

  events.stop = {};
  int64_t pages = 0;
  events.page = [&](const std::string&, const Page&) { ++pages; };
  messages.clear();
  const RunReport resumed = read();
  EXPECT_EQ(resumed.outcome(), RunOutcome::everything);
  EXPECT_EQ(pages, 4);
  EXPECT_GE(resumed.inputs[0].from_journal, 1);
  EXPECT_LT(resumed.devices[0].pages, 4);
  EXPECT_THAT(messages, ElementsAre(HasSubstr("all.txt.journal: going on from an earlier run")));
  EXPECT_EQ(slurp(folder / "all.txt"), sample_text("hello") + "\n" + sample_text("note") + "\n" + sample_text("sign") +
                                           "\n" + sample_text("ticket"));
  EXPECT_FALSE(fs::exists(folder / "all.txt.journal"));
}

// Of pages that are read together, groups that were finished are not read again.
TEST_F(Documents, GroupsOfPagesAreGoneOnFrom) {
  const Model unlimited = Model::load(TEST_DATA "/goldens/unlimited-ocr/mini");
  std::vector<testing::PdfPage> pages;
  pages.reserve(5);
  for (int i = 0; i < 5; ++i) pages.push_back({.content = testing::filled("0 0 0", 10 + 12 * i, 20, 20 + 8 * i, 12)});
  options.inputs = {folder.write("five.pdf", testing::pdf_of(pages)).string()};
  options.dpi = 100;
  options.batch = 1;
  options.pages_together = 2;
  options.read.max_tokens = 12;
  options.out = (folder / "whole.txt").string();
  EXPECT_EQ(read_documents({unlimited}, options, events).outcome(), RunOutcome::everything);

  std::stop_source stop;
  events.stop = stop.get_token();
  events.page = [&](const std::string&, const Page&) { stop.request_stop(); };
  options.out = (folder / "all.txt").string();
  EXPECT_EQ(read_documents({unlimited}, options, events).outcome(), RunOutcome::interrupted);

  events.stop = {};
  events.page = {};
  const RunReport resumed = read_documents({unlimited}, options, events);
  EXPECT_EQ(resumed.outcome(), RunOutcome::everything);
  EXPECT_GE(resumed.inputs[0].from_journal, 2);
  EXPECT_LE(resumed.inputs[0].from_journal, 4);
  EXPECT_EQ(resumed.inputs[0].from_journal % 2, 0);
  EXPECT_EQ(slurp(folder / "all.txt"), slurp(folder / "whole.txt"));
}

TEST_F(Documents, OnlyWhatFailedIsReadAgain) {
  const std::string late = (folder / "late.png").string();
  folder.write("late.png", "not yet a picture");
  options.inputs = {samples + "/hello.png", late, samples + "/sign.png"};
  EXPECT_EQ(read().outcome(), RunOutcome::part);
  fs::remove(late);
  fs::copy_file(samples + "/ticket.png", late);
  const RunReport second = read();
  EXPECT_EQ(second.outcome(), RunOutcome::everything);
  EXPECT_TRUE(second.inputs[0].done_before);
  EXPECT_TRUE(second.inputs[2].done_before);
  EXPECT_EQ(second.devices[0].pages, 1);
  EXPECT_EQ(slurp(folder / "out/late.txt"), sample_text("ticket"));
  EXPECT_FALSE(fs::exists(folder / "out/lectern.journal"));
}

TEST_F(Documents, AJournalOfOtherSettingsIsNotTakenOver) {
  options.inputs = {samples + "/hello.png", folder.write("junk.png", "no picture").string()};
  EXPECT_EQ(read().outcome(), RunOutcome::part);
  options.read.max_tokens = 3;
  for (const auto resume : {DocumentOptions::Resume::required, DocumentOptions::Resume::automatic}) {
    options.resume = resume;
    try {
      read();
      ADD_FAILURE() << "was not refused";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("lectern.journal: holds pages of another run: it was read with max tokens 0, "
                                          "not 3; give that run's command"));
    }
  }
  options.resume = DocumentOptions::Resume::never;
  EXPECT_EQ(read().devices[0].pages, 1);
}

// The journal keeps pages; what is made of them is made anew when anything about it has changed.
TEST_F(Documents, OutputsAreWrittenAgainFromTheJournal) {
  const auto page = [](const std::string& text) {
    return testing::PdfPage{.content = "BT /F 14 Tf 4 20 Td (" + text + ") Tj ET", .media_box = "0 0 60 50"};
  };
  options.inputs = {samples + "/hello.png",
                    folder.write("two.pdf", testing::pdf_of({page("one"), page("two")})).string(),
                    folder.write("c.png", "x").string()};
  options.formats = {Format::text};
  options.output.page_breaks = true;
  EXPECT_EQ(read().outcome(), RunOutcome::part);
  const std::string both = slurp(folder / "out/two.txt");
  ASSERT_THAT(both, HasSubstr("\f"));

  options.output.page_breaks = false;
  RunReport report = read();
  EXPECT_EQ(report.devices[0].pages, 0) << "all is in the journal";
  EXPECT_EQ(report.inputs[1].from_journal, 2);
  EXPECT_THAT(slurp(folder / "out/two.txt"), ::testing::Not(HasSubstr("\f")));

  EXPECT_TRUE(read().inputs[1].done_before);
  folder.write("out/hello.txt", "");
  EXPECT_FALSE(read().inputs[0].done_before);
  EXPECT_EQ(slurp(folder / "out/hello.txt"), sample_text("hello"));

  options.pages = "1";
  report = read();
  EXPECT_EQ(report.devices[0].pages, 0);
  EXPECT_EQ(slurp(folder / "out/two.txt"), both.substr(0, both.find("\n") + 1));
}

TEST_F(Documents, AnInputThatCannotBeWrittenFailsAlone) {
  options.inputs = {folder.write("two.pdf", testing::pdf_of({{}, {}})).string(), samples + "/hello.png"};
  options.formats = {Format::text, Format::boxes};
  fs::create_directory(folder / "out");
  folder.write("out/two_boxes", "in the way");
  for (int i = 0; i < 2; ++i) {
    messages.clear();
    const RunReport report = read();
    EXPECT_EQ(report.outcome(), RunOutcome::part);
    EXPECT_THAT(report.inputs[0].error, HasSubstr("two_boxes: the folder cannot be made"));
    EXPECT_EQ(report.inputs[1].error, "");
    EXPECT_EQ(slurp(folder / "out/hello.txt"), sample_text("hello"));
    EXPECT_TRUE(fs::exists(folder / "out/two.txt")) << "the other format";
    EXPECT_THAT(messages, Contains(HasSubstr("two_boxes: the folder cannot be made")));
  }
  fs::remove(folder / "out/two_boxes");
  const RunReport report = read();
  EXPECT_EQ(report.outcome(), RunOutcome::everything);
  EXPECT_THAT(report.inputs[0].outputs, Contains((folder / "out/two_boxes/page-2.png").string()));
}

TEST_F(Documents, ARunOfOtherInputsKeepsTheJournalOfTheFirst) {
  options.inputs = {samples + "/hello.png", folder.write("junk.png", "no picture").string()};
  EXPECT_EQ(read().outcome(), RunOutcome::part);
  options.inputs = {samples + "/sign.png"};
  messages.clear();
  EXPECT_EQ(read().outcome(), RunOutcome::everything);
  EXPECT_THAT(messages, Contains(HasSubstr("lectern.journal: still holds what was read of other inputs (1 page)")));
  options.inputs = {samples + "/hello.png"};
  EXPECT_TRUE(read().inputs[0].done_before);
  EXPECT_FALSE(fs::exists(folder / "out/lectern.journal"));
}

TEST_F(Documents, WhatOneRunWroteIsNotReadByTheNext) {
  fs::create_directory(folder / "scans");
  fs::copy_file(samples + "/hello.png", folder / "scans/a.png");
  options.inputs = {(folder / "scans").string()};
  options.out = (folder / "scans/out").string();
  options.formats = {Format::markdown, Format::pdf, Format::boxes};
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(folder / "scans")) {
      names.push_back(entry.path().lexically_relative(folder.path()).string());
    }
    return names;
  };
  EXPECT_EQ(read().outcome(), RunOutcome::everything);
  const std::vector<std::string> first = files();
  EXPECT_EQ(first.size(), 5u);
  for (int run = 2; run <= 3; ++run) {
    messages.clear();
    EXPECT_EQ(read().outcome(), RunOutcome::everything) << run;
    EXPECT_THAT(files(), ::testing::UnorderedElementsAreArray(first)) << run;
    EXPECT_THAT(messages, Contains(HasSubstr("scans: 2 files that lectern wrote are left out"))) << run;
  }
  options.out = (folder / "scans").string();
  EXPECT_EQ(read().outcome(), RunOutcome::everything);
  fs::copy_file(samples + "/sign.png", folder / "scans/b.png");
  EXPECT_EQ(read().outcome(), RunOutcome::everything);
  EXPECT_TRUE(fs::exists(folder / "scans/b.pdf"));
  EXPECT_FALSE(fs::exists(folder / "scans/a.boxes.md"));
}

TEST_F(Documents, RefusesAJournalThatCannotBeWritten) {
  options.out = (folder / "all.txt").string();
  // A folder in the journal's place: it cannot be written, and nothing is begun.
  fs::create_directory(folder / "all.txt.journal");
  EXPECT_THROW(read(), Error);
  EXPECT_FALSE(fs::exists(folder / "all.txt"));
}

TEST_F(Documents, TellsHowFarItIsAndGivesTheTextInOrder) {
  options.out = "";
  RunProgress last;
  events.progress = [&](const RunProgress& progress) {
    EXPECT_GE(progress.done, last.done);
    last = progress;
  };
  std::vector<std::pair<size_t, std::string>> texts;
  events.text = [&](size_t input, int page, size_t keep, std::string_view more) {
    EXPECT_LE(page, 2);
    if (texts.empty() || texts.back().first != input) texts.emplace_back(input, "");
    texts.back().second.resize(keep);
    texts.back().second += more;
  };
  read();
  EXPECT_EQ(last.inputs, 6u);
  EXPECT_EQ(last.opened, 6u);
  EXPECT_EQ(last.pages, 7);
  EXPECT_EQ(last.done, 7);
  EXPECT_EQ(last.failed, 0);
  ASSERT_EQ(texts.size(), 6u);
  EXPECT_EQ(texts[1].first, 1u);
  EXPECT_EQ(texts[1].second + "\n", sample_text("note"));
}

TEST_F(Documents, RefusesWhatCannotBeServedBeforeAnythingIsRead) {
  const auto refusal = [&]() -> std::string {
    try {
      read();
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  };
  options.read.prompt = "<image> and <image>";
  EXPECT_THAT(refusal(), HasSubstr("2 times, expected once"));
  options.read.prompt = "";
  options.pages = "3-1";
  EXPECT_THAT(refusal(), HasSubstr("3-1"));
  options.pages = "";
  options.out = "-";
  options.resume = DocumentOptions::Resume::required;
  EXPECT_THAT(refusal(), HasSubstr("`resume = required` needs a place"));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

}  // namespace
}  // namespace lectern
