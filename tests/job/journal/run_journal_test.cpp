#include "job/journal/run_journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/temp_folder.h"

namespace lectern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Resume = DocumentOptions::Resume;

class RunJournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<RunJournal> open(Resume resume) {
    told.clear();
    return std::make_unique<RunJournal>(path, settings, resume, files,
                                        [this](const std::string& line) { told.push_back(line); });
  }
  static Page page_of(int number, const std::string& text = "text") {
    Page page;
    page.number = number;
    page.raw = text;
    page.finish = Finish::end;
    return page;
  }

  testing::TempFolder folder;
  const std::filesystem::path path = folder / "out.md.journal";
  const nlohmann::json settings = {{"mode", "tiny"}};
  const FileStamp scan = *stamp_of(folder.write("scan.pdf", "a pdf"));
  const FileStamp other = *stamp_of(folder.write("other.pdf", "another pdf"));
  std::vector<FileStamp> files = {scan};  // of the run
  std::vector<std::string> told;
};

TEST_F(RunJournalTest, TellsWhatItGoesOnFromAndHowToGoOn) {
  auto journal = open(Resume::required);
  EXPECT_THAT(told, ElementsAre(HasSubstr("holds no pages of an interrupted run; reading everything")));
  journal->settle(false, {});
  EXPECT_EQ(told.size(), 1u) << "nothing was read";
  journal->add(scan, page_of(1));
  journal->settle(false, {});
  EXPECT_THAT(told.back(), HasSubstr("holds what was read (1 page); the same command goes on from there"));
  journal.reset();

  journal = open(Resume::automatic);
  EXPECT_THAT(told, ElementsAre(HasSubstr("going on from an earlier run: 1 page is not read again")));
  ASSERT_TRUE(journal->page(scan, 1).has_value());
  journal->settle(true, {scan});
  EXPECT_EQ(told.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(path));
  journal.reset();

  journal = open(Resume::automatic);
  EXPECT_THAT(told, IsEmpty()) << "there is nothing to go on from";
}

TEST_F(RunJournalTest, CountsNoPagesOfInputsThatHaveChanged) {
  auto journal = open(Resume::automatic);
  for (int i = 1; i <= 3; ++i) journal->add(scan, page_of(i));
  journal->add(other, page_of(1));
  journal.reset();
  files = {FileStamp{scan.path, scan.bytes, scan.changed + 1}, other};
  journal = open(Resume::automatic);
  EXPECT_THAT(told, ElementsAre(HasSubstr("1 page is not read again"),
                                HasSubstr("3 pages are of inputs that have changed since, and read again")));
  EXPECT_EQ(journal->pages_found(), 1u);
  journal->add(files[0], page_of(1));
  journal->settle(false, files);
  EXPECT_THAT(told.back(), HasSubstr("holds what was read (2 pages)"));
  journal.reset();
  journal = open(Resume::automatic);
  EXPECT_THAT(told, ElementsAre(HasSubstr("2 pages are not read again"))) << "it was read since it changed";
}

TEST_F(RunJournalTest, WhatOtherInputsHaveStays) {
  auto journal = open(Resume::automatic);
  for (int i = 1; i <= 3; ++i) journal->add(other, page_of(i));
  journal.reset();
  journal = open(Resume::automatic);
  journal->add(scan, page_of(1));
  journal->settle(true, {scan});
  EXPECT_THAT(told.back(), HasSubstr("still holds what was read of other inputs (3 pages)"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_F(RunJournalTest, OneThatCannotBeWrittenIsToldOnce) {
  const auto journal = open(Resume::automatic);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(path) + 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 1; i <= 3; ++i) journal->add(scan, page_of(i, std::string(500, 'x')));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(told, ElementsAre(HasSubstr("should this run be interrupted, it cannot be resumed")));
  journal->add(scan, page_of(4));
  EXPECT_FALSE(journal->page(scan, 4).has_value());
}

TEST(PagesText, CountsInWords) {
  EXPECT_EQ(pages_text(1), "1 page");
  EXPECT_EQ(pages_text(0), "0 pages");
  EXPECT_EQ(pages_text(1, "is", "are"), "1 page is");
  EXPECT_EQ(pages_text(7, "is", "are"), "7 pages are");
}

}  // namespace
}  // namespace lectern
