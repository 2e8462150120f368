#include "job/journal/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::slurp;
using testing::TempFolder;
using Use = Journal::Use;

Page page_of(int number, const std::string& text = "text") {
  Page page;
  page.number = number;
  page.raw = text;
  page.finish = Finish::end;
  page.blocks.push_back({"text", {{1, 2, 3, 4}}, {{5, 6, 7, 8}}, text});
  return page;
}

class JournalTest : public ::testing::Test {
 protected:
  void keep(int pages) const {
    Journal journal(path, settings, Use::anew);
    for (int i = 1; i <= pages; ++i) journal.add(stamp, page_of(i, "text " + std::to_string(i)));
  }
  std::string refusal(Use use) const {
    try {
      const Journal journal(path, settings, use);
    } catch (const Error& error) {
      return error.what();
    }
    return "not refused";
  }

  TempFolder folder;
  const std::filesystem::path path = folder / "out.md.journal";
  nlohmann::json settings = {{"mode", "tiny"}, {"prompt", "free"}};
  const FileStamp stamp = *stamp_of(folder.write("scan.pdf", "a pdf"));
};

TEST_F(JournalTest, KeepsPagesForTheNextRun) {
  keep(3);
  Journal journal(path, settings, Use::required);
  EXPECT_EQ(journal.pages_found(), 3u);
  const auto page = journal.page(stamp, 2);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->raw, "text 2");
  EXPECT_EQ(page->blocks[0].boxes[0].bottom, 4);
  EXPECT_FALSE(journal.page(stamp, 4));
  journal.add(stamp, page_of(4));
  EXPECT_EQ(journal.pages(), 4u);
}

TEST_F(JournalTest, KnowsAFileByItsPathSizeAndTime) {
  keep(1);
  const Journal journal(path, settings, Use::fitting);
  EXPECT_TRUE(journal.page(stamp, 1));
  for (const FileStamp& other :
       {FileStamp{stamp.path + "x", stamp.bytes, stamp.changed}, FileStamp{stamp.path, stamp.bytes + 1, stamp.changed},
        FileStamp{stamp.path, stamp.bytes, stamp.changed + 1}}) {
    EXPECT_FALSE(journal.page(other, 1));
  }
  EXPECT_FALSE(stamp_of(folder / "nothing"));
  EXPECT_FALSE(stamp_of(folder.path()));
}

TEST_F(JournalTest, DropsALineThatWasCutOffAndGoesOnBehindTheLastWholeOne) {
  keep(3);
  const std::string whole = slurp(path);
  for (size_t cut = 1; cut < 60; ++cut) {
    folder.write("out.md.journal", whole.substr(0, whole.size() - cut));
    Journal journal(path, settings, Use::required);
    EXPECT_EQ(journal.pages_found(), 2u) << cut;
    journal.add(stamp, page_of(3, "text 3"));
  }
  EXPECT_EQ(slurp(path), whole);
}

TEST_F(JournalTest, TrustsNothingBehindADamagedLine) {
  keep(4);
  std::string text = slurp(path);
  text[text.find("text 3") - 3] = '\x01';
  folder.write("out.md.journal", text);
  const Journal journal(path, settings, Use::fitting);
  EXPECT_EQ(journal.pages_found(), 2u);
  EXPECT_TRUE(journal.page(stamp, 2));
  EXPECT_FALSE(journal.page(stamp, 4));
  EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("is damaged behind 2 of its pages; what follows is read again")));
}

TEST_F(JournalTest, OfOtherSettingsDoesNotFit) {
  keep(2);
  settings["mode"] = "base";
  for (const Use use : {Use::required, Use::fitting}) {
    EXPECT_THAT(refusal(use), AllOf(HasSubstr("holds pages of another run: it was read with mode tiny, not base;"),
                                    HasSubstr("`resume = never`")));
  }
  settings = {{"mode", "tiny"}, {"prompt", "free"}, {"model files", {"a 1 2"}}};
  EXPECT_THAT(refusal(Use::fitting), HasSubstr("it was read with other model files;"));
  EXPECT_EQ(Journal(path, settings, Use::anew).pages_found(), 0u);
}

TEST_F(JournalTest, OfOtherSettingsWithoutPagesGoes) {
  folder.write("out.md.journal", "{\"lectern_journal\": 3, \"mode\": \"base\", \"prompt\": \"free\"}\n");
  EXPECT_THAT(refusal(Use::required), HasSubstr("does not fit this run: it was read with mode base, not tiny"));
  EXPECT_EQ(refusal(Use::fitting), "not refused");
}

TEST_F(JournalTest, OfTheVersionBeforeIsRefusedInOneLine) {
  keep(1);
  std::string text = slurp(path);
  const std::string version = "\"lectern_journal\":3";
  ASSERT_NE(text.find(version), std::string::npos);
  text[text.find(version) + version.size() - 1] = '2';
  folder.write("out.md.journal", text);
  EXPECT_THAT(refusal(Use::fitting), AllOf(HasSubstr("was written by another version of lectern"),
                                           HasSubstr("`resume = never`"), Not(HasSubstr("\n"))));
  EXPECT_EQ(refusal(Use::anew), "not refused");
}

TEST_F(JournalTest, WhatIsNoJournalIsRefusedAndSetAsideWhenAskedTo) {
  const std::string refused =
      "is no journal of lectern, or its first line is damaged; name another output, or `resume "
      "= never` to set it aside";
  for (const std::string& junk :
       {std::string("precious"), std::string("precious\n"), std::string("[]\n"), std::string("{\"mode\": \"tiny\"}\n"),
        std::string("{\"a\": 1}"), std::string(5000, '\0'), std::string("\x89PNG\r\n\x1a\n")}) {
    folder.write("out.md.journal", junk);
    for (const Use use : {Use::fitting, Use::required}) EXPECT_THAT(refusal(use), HasSubstr(refused));
    EXPECT_THAT([&] { Journal::check(path); }, ::testing::ThrowsMessage<Error>(HasSubstr(refused)));
    EXPECT_EQ(slurp(path), junk);
    const Journal journal(path, settings, Use::anew);
    const std::string aside = path.string() + ".damaged";
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("was no journal that can be read, and is " + aside + " now")));
    EXPECT_EQ(slurp(aside), junk);
    std::filesystem::remove(aside);
  }
}

TEST_F(JournalTest, OneThatIsCutOffInItsFirstLineIsBegunAnewAloud) {
  keep(2);
  const std::string whole = slurp(path);
  for (const size_t length : {size_t{3}, size_t{15}, size_t{30}, whole.find('\n')}) {
    folder.write("out.md.journal", whole.substr(0, length));
    Journal::check(path);
    const Journal journal(path, settings, Use::fitting);
    EXPECT_EQ(journal.pages_found(), 0u);
    EXPECT_THAT(journal.notes(), ElementsAre(HasSubstr("is cut off in its first line; everything is read anew")));
  }
  EXPECT_THAT(Journal(path, settings, Use::fitting).notes(), IsEmpty());
}

TEST_F(JournalTest, WhatIsNoFileIsRefused) {
  std::filesystem::create_directory(path);
  EXPECT_THAT([&] { Journal::check(path); },
              ::testing::ThrowsMessage<Error>(HasSubstr("is no file, and a journal is")));
  std::filesystem::remove(path);
  Journal::check(path);
  std::filesystem::create_symlink("elsewhere", path);
  EXPECT_THAT([&] { Journal::check(path); }, ::testing::ThrowsMessage<Error>(HasSubstr("is a link, and a journal is")));
}

TEST_F(JournalTest, TellsPagesOfAFileThatChangedApart) {
  keep(3);
  const Journal journal(path, settings, Use::fitting);
  EXPECT_EQ(journal.pages_found(stamp), 3u);
  EXPECT_EQ(journal.outdated_pages(stamp), 0u);
  const FileStamp changed{stamp.path, stamp.bytes, stamp.changed + 1};
  EXPECT_EQ(journal.pages_found(changed), 0u);
  EXPECT_EQ(journal.outdated_pages(changed), 3u);
}

TEST_F(JournalTest, BeginsAnewWhenAskedTo) {
  keep(2);
  const Journal journal(path, settings, Use::anew);
  EXPECT_EQ(journal.pages_found(), 0u);
  EXPECT_FALSE(journal.page(stamp, 1));
}

TEST_F(JournalTest, GoesWhenItHoldsNothingOrIsNeededNoMore) {
  { const Journal journal(path, settings, Use::fitting); }
  EXPECT_FALSE(std::filesystem::exists(path));
  keep(1);
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(Journal(path, settings, Use::fitting).forget({stamp}), 0u);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(JournalTest, KeepsThePagesOfOtherInputs) {
  const FileStamp other = *stamp_of(folder.write("other.pdf", "another pdf"));
  keep(2);
  {
    Journal journal(path, settings, Use::fitting);
    journal.add(other, page_of(1));
    EXPECT_EQ(journal.forget({other}), 2u);
  }
  {
    Journal journal(path, settings, Use::fitting);
    EXPECT_FALSE(journal.page(other, 1)) << "it is done";
    EXPECT_EQ(journal.pages_found(), 2u);
    folder.write("scan.pdf", "a pdf that has changed");
    EXPECT_EQ(journal.forget({other}), 0u);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(JournalTest, IsWrittenByOneRunAtATime) {
  const Journal journal(path, settings, Use::fitting);
  EXPECT_THAT(refusal(Use::fitting), HasSubstr("another run is writing this journal"));
}

TEST_F(JournalTest, KnowsFinishedOutputsThatAreThereAsTheyWereLeft) {
  const std::vector<std::filesystem::path> outputs = {folder.write("scan.md", "x"), folder.write("scan.json", "x")};
  const nlohmann::json identity = {{"page breaks", true}}, other = {{"page breaks", false}};
  {
    Journal journal(path, settings, Use::anew);
    journal.add(stamp, page_of(1));
    journal.add_outputs(stamp, identity, outputs);
  }
  {
    const Journal journal(path, settings, Use::fitting);
    EXPECT_THAT(journal.outputs(stamp, identity), ElementsAre(outputs[0].string(), outputs[1].string()));
    EXPECT_THAT(journal.outputs(stamp, other), IsEmpty());
  }
  folder.write("scan.md", "");
  EXPECT_THAT(Journal(path, settings, Use::fitting).outputs(stamp, identity), IsEmpty()) << "it was emptied";
  folder.write("scan.md", "x");
  std::filesystem::remove(outputs[1]);
  EXPECT_THAT(Journal(path, settings, Use::fitting).outputs(stamp, identity), IsEmpty());
}

TEST_F(JournalTest, AFullDiskLeavesWholeLines) {
  Journal journal(path, settings, Use::anew);
  journal.add(stamp, page_of(1));
  const auto size = std::filesystem::file_size(path);
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const struct rlimit full = {size + 100, before.rlim_max};
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &full);
  std::string reason = "written";
  try {
    journal.add(stamp, page_of(2));
  } catch (const Error& error) {
    reason = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  EXPECT_THAT(reason, HasSubstr("the journal cannot be written: File too large"));
  EXPECT_EQ(std::filesystem::file_size(path), size);
}

}  // namespace
}  // namespace lectern
