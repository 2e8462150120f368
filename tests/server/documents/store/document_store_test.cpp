#include "server/documents/store/document_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "core/files/file.h"
#include "core/temp_folder.h"
#include "core/unique_fd.h"
#include "lectern/error.h"

namespace lectern::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TempFolder;

DocumentJob job_of(const std::string& id, const std::string& owner = "") {
  DocumentJob job;
  job.id = id;
  job.owner = owner;
  job.client = "127.0.0.1";
  job.digest = "d" + id;
  job.name = "scan.pdf";
  job.model = "ocr";
  job.created = 1000;
  return job;
}

StoredPage page_of(int number, const std::string& json = "{}") { return {number, PageState::done, json}; }

TEST(DocumentStore, KeepsJobsAndPagesAcrossARestart) {
  const TempFolder folder;
  {
    DocumentStore store(folder / "jobs");
    DocumentJob job = job_of("a");
    job.idempotency_key = "once";
    job.options = R"({"pages":"1-3"})";
    store.add(job);
    ASSERT_TRUE(store.begin("a", 1001));
    ASSERT_TRUE(store.opened("a", 3, "[1,2,3]", R"({"source":"scan.pdf"})"));
    ASSERT_TRUE(store.add_page("a", page_of(2, R"({"raw":"two"})")));
    ASSERT_TRUE(store.add_page("a", {3, PageState::failed, R"({"error":"broken"})"}));
  }
  DocumentStore store(folder / "jobs");
  const std::optional<DocumentJob> job = store.find("a");
  ASSERT_TRUE(job);
  EXPECT_EQ(job->status, JobStatus::running);
  EXPECT_EQ(job->idempotency_key, "once");
  EXPECT_EQ(job->options, R"({"pages":"1-3"})");
  EXPECT_EQ(job->created, 1000);
  EXPECT_EQ(job->started, 1001);
  EXPECT_FALSE(job->finished);
  EXPECT_EQ(job->pages, 3);
  EXPECT_EQ(job->numbers, "[1,2,3]");
  EXPECT_EQ(job->done, 2);
  EXPECT_EQ(job->failed, 1);
  EXPECT_EQ(store.page("a", 2)->json, R"({"raw":"two"})");
  EXPECT_EQ(store.page("a", 3)->state, PageState::failed);
  EXPECT_FALSE(store.page("a", 1));
  EXPECT_EQ(store.page_states("a").size(), 2U);
  EXPECT_TRUE(store.waiting().empty());
  store.requeue_running();
  ASSERT_EQ(store.waiting().size(), 1U);
  EXPECT_TRUE(store.begin("a", 2000));
  EXPECT_EQ(store.find("a")->started, 1001) << "when it began first";
}

TEST(DocumentStore, JobsThatHaveEndedStayAsTheyAre) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  store.add(job_of("a"));
  EXPECT_FALSE(store.first_ended());
  EXPECT_TRUE(store.end("a", JobStatus::cancelled, 1005));
  EXPECT_FALSE(store.begin("a", 1006));
  EXPECT_FALSE(store.add_page("a", page_of(1)));
  EXPECT_FALSE(store.end("a", JobStatus::completed, 1007));
  EXPECT_FALSE(store.put_back("a"));
  EXPECT_EQ(store.find("a")->status, JobStatus::cancelled);
  EXPECT_EQ(store.find("a")->finished, 1005);
  EXPECT_FALSE(store.page("a", 1));
  EXPECT_EQ(store.first_ended()->id, "a");
}

TEST(DocumentStore, RemovesAJobWithItsPages) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  store.add(job_of("a"));
  store.begin("a", 1);
  store.add_page("a", page_of(1));
  EXPECT_TRUE(store.remove("a"));
  EXPECT_FALSE(store.remove("a"));
  EXPECT_FALSE(store.find("a"));
  EXPECT_FALSE(store.page("a", 1));
  EXPECT_FALSE(store.add_page("a", page_of(2)));
}

TEST(DocumentStore, ListsTheJobsOfAnOwnerTheNewestFirst) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  for (const char* id : {"a", "b", "c"}) store.add(job_of(id, "ann"));
  store.add(job_of("d", "bob"));
  std::vector<std::string> ids;
  for (const DocumentJob& job : store.of_owner("ann", 2)) ids.push_back(job.id);
  EXPECT_THAT(ids, ElementsAre("c", "b"));
}

TEST(DocumentStore, GoesOnBehindAJobOfTheList) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  for (const char* id : {"a", "b", "c", "d"}) {
    DocumentJob job = job_of(id, "ann");
    if (job.id == "d") job.created = 1;  // the clock went back
    store.add(job);
  }
  const auto behind = [&](const std::string& id) {
    std::string ids;
    for (const DocumentJob& job : store.of_owner("ann", 10, id)) ids += job.id;
    return ids;
  };
  EXPECT_EQ(behind(""), "cbad");
  EXPECT_EQ(behind("c"), "bad");
  EXPECT_EQ(behind("d"), "");
  EXPECT_EQ(behind("x"), "");
}

TEST(DocumentStore, LeavesTheDatabaseOfAnotherProgramAlone) {
  const TempFolder folder;
  for (const int version : {0, 1}) {
    const std::string file = folder / ("other" + std::to_string(version));
    const auto tables = [&] {
      Database database(file, 0);
      Statement count = database.prepare("SELECT COUNT(*) FROM sqlite_master");
      count.step();
      return count.integer(0);
    };
    Database(file, 0).run("CREATE TABLE letters (a)");
    Database(file, 0).run("PRAGMA user_version = " + std::to_string(version));
    try {
      const DocumentStore store(file);
      ADD_FAILURE() << version;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("is of another program; name another folder for `data`")) << version;
    }
    EXPECT_EQ(tables(), 1) << version;
  }
}

TEST(DocumentStore, OneOwnerUsesAKeyOnce) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  DocumentJob job = job_of("a", "ann");
  job.idempotency_key = "x'; DROP TABLE jobs; --";
  store.add(job);
  job.id = "b";
  EXPECT_THROW(store.add(job), Error);
  job.owner = "bob";
  store.add(job);
  EXPECT_EQ(store.find_same("ann", *job.idempotency_key)->id, "a");
  EXPECT_EQ(store.find_same("bob", *job.idempotency_key)->id, "b");
  EXPECT_FALSE(store.find_same("ann", "y"));
}

TEST(DocumentStore, AFullDiskTakesNothingAwayOfWhatWasStored) {
  const TempFolder folder;
  constexpr int64_t max_pages = 40;  // of 4096 bytes
  const std::string large(20'000, 'x');
  int stored = 0;
  {
    DocumentStore store(folder / "jobs", max_pages);
    store.add(job_of("a"));
    store.begin("a", 1);
    try {
      for (;; ++stored) store.add_page("a", page_of(stored + 1, large));
    } catch (const Error& error) {
      EXPECT_TRUE(concerns_the_place(error)) << error.what();
      EXPECT_THAT(error.what(), Not(HasSubstr(folder.path().string())));
    }
    EXPECT_GT(stored, 1);
    EXPECT_LT(stored, max_pages);
    EXPECT_EQ(store.find("a")->done, stored);
    EXPECT_FALSE(store.page("a", stored + 1));
    EXPECT_TRUE(store.put_back("a"));
  }
  DocumentStore roomier(folder / "jobs");
  EXPECT_EQ(roomier.find("a")->done, stored);
  EXPECT_EQ(roomier.page("a", stored)->json, large);
  EXPECT_TRUE(roomier.add_page("a", page_of(stored + 1, large)));
}

TEST(DocumentStore, RefusesTheFileOfANewerVersion) {
  const TempFolder folder;
  { const DocumentStore store(folder / "jobs"); }
  Database(folder / "jobs", 0).run("PRAGMA user_version = 99");
  EXPECT_THROW(DocumentStore(folder / "jobs"), Error);
}

TEST(DocumentStore, RefusesWhatIsNoDatabase) {
  const TempFolder folder;
  const std::filesystem::path file = folder.write("jobs", std::string(8192, 'x'));
  try {
    const DocumentStore store(file);
    ADD_FAILURE() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(file.string() + ": cannot be used: "));
  }
}

TEST(DocumentStore, APageThatIsReadAgainCountsOnce) {
  const TempFolder folder;
  DocumentStore store(folder / "jobs");
  store.add(job_of("a"));
  StoredPage page = page_of(1);
  page.state = PageState::failed;
  EXPECT_TRUE(store.add_page("a", page));
  EXPECT_TRUE(store.add_page("a", page));
  EXPECT_EQ(store.find("a")->done, 1);
  EXPECT_EQ(store.find("a")->failed, 1);
  EXPECT_TRUE(store.add_page("a", page_of(1, "{}")));
  EXPECT_EQ(store.find("a")->done, 1);
  EXPECT_EQ(store.find("a")->failed, 0);
  EXPECT_EQ(store.page("a", 1)->json, "{}");
}

// The child says of every page when it was stored, and is killed at some point after one of them.
TEST(DocumentStore, WhatWasSaidToBeStoredSurvivesAKill) {
  for (const int killed_after : {1, 2, 5, 9}) {
    const TempFolder folder;
    {
      DocumentStore store(folder / "jobs");
      store.add(job_of("a"));
    }
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd from(ends[0]);
    UniqueFd to(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
      try {
        DocumentStore store(folder / "jobs");
        store.begin("a", 1);
        for (int number = 1;; ++number) {
          store.add_page("a", page_of(number, std::string(3000, 'x')));
          if (::write(to.get(), "x", 1) != 1) ::_exit(1);
        }
      } catch (...) {
        ::_exit(1);
      }
    }
    to = UniqueFd();
    char byte = 0;
    for (int i = 0; i < killed_after; ++i) ASSERT_EQ(::read(from.get(), &byte, 1), 1);
    ::kill(child, SIGKILL);
    int said = killed_after;
    while (::read(from.get(), &byte, 1) == 1) ++said;
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    DocumentStore store(folder / "jobs");
    const int64_t done = store.find("a")->done;
    EXPECT_GE(done, said);
    EXPECT_LE(done, said + 1) << "the page that was stored and not yet said to be";
    EXPECT_EQ(store.page_states("a").size(), static_cast<size_t>(done));
  }
}

}  // namespace
}  // namespace lectern::server
