// Jobs over the ends of the process, of the disk's room and of the model.
#include "server/documents/jobs/document_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/temp_folder.h"
#include "server/documents/serving.h"
#include "server/documents/store/sqlite.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Echo;
using testing::EchoModel;
using testing::FakeModel;
using testing::form_field;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using testing::index_of;
using testing::pdf_of_pages;
using testing::Serving;
using testing::TempFolder;

TEST(DocumentRun, ARestartGoesOnWhereItWas) {
  const TempFolder folder;
  const std::string pdf = pdf_of_pages(3);
  const auto text_of = [](int page) { return "text " + std::to_string(page); };
  const auto finish = [&](FakeModel& model, size_t count, int page) {
    model.finish(index_of(model, count, "page " + std::to_string(page)), text_of(page));
  };
  std::string id, undisturbed;
  {
    const Serving<FakeModel> serving(folder / "other");
    const std::string other = serving.send(pdf);
    for (int page = 1; page <= 3; ++page) finish(*serving.model, 3, page);
    serving.watch(other);
    undisturbed = serving.result(other, "md").body;
  }
  {
    const Serving<FakeModel> serving(folder / "data");
    id = serving.send(pdf);
    HttpClient client(serving.port);
    client.request("GET", "/v1/documents/" + id + "/events");
    finish(*serving.model, 3, 2);
    client.until("\"number\":2,\"state\":\"done\"");
  }
  const Serving<FakeModel> serving(folder / "data");
  serving.model->wait_for(2);
  EXPECT_EQ(serving.job(id)["done"], 1);
  finish(*serving.model, 2, 1);
  finish(*serving.model, 2, 3);
  serving.watch(id);
  EXPECT_EQ(serving.job(id)["status"], "completed");
  EXPECT_EQ(serving.result(id, "md").body, undisturbed);
}

TEST(DocumentRun, PagesThatAreReadTogetherAreReadTogetherAgain) {
  const TempFolder folder;
  std::string id;
  {
    const Serving<FakeModel> serving(folder / "data");
    id = serving.send(pdf_of_pages(4), form_field("pages_together", "2"));
    HttpClient client(serving.port);
    client.request("GET", "/v1/documents/" + id + "/events");
    const size_t second = index_of(*serving.model, 2, "page 3");
    EXPECT_EQ(serving.model->pages_of(second), 2U);
    serving.model->write(second, "<PAGE>\nthree\n<PAGE>\nf");
    client.until("{\"number\":4,\"text\":\"f\"}");
    serving.model->finish(second, "<PAGE>\nthree\n<PAGE>\nfour");
    client.until("\"number\":4,\"state\":\"done\"");
  }
  {
    // As if the process had ended between the pages of the sequence.
    Database database(folder / "data/documents.sqlite", 0);
    database.run("DELETE FROM pages WHERE number = 4");
    database.run("UPDATE jobs SET done = 1");
  }
  const Serving<FakeModel> serving(folder / "data");
  for (const int first : {1, 3}) {
    const size_t index = index_of(*serving.model, 2, "page " + std::to_string(first));
    EXPECT_EQ(serving.model->pages_of(index), 2U);
    serving.model->finish(index, first == 1 ? "<PAGE>\nonly one" : "<PAGE>\nthree\n<PAGE>\nfour");
  }
  serving.watch(id);
  const json job = serving.job(id);
  EXPECT_EQ(job["status"], "completed");
  EXPECT_EQ(job["done"], 4);
  EXPECT_EQ(job["failed_pages"], 0);
  const auto page = [&](int number) {
    return json::parse(serving.get("/v1/documents/" + id + "/pages/" + std::to_string(number)).body);
  };
  EXPECT_EQ(page(4)["text"], "four");
  EXPECT_EQ(page(2)["page"]["warnings"][0]["code"], "nothing_read");
}

TEST(DocumentRun, AStartRemovesWhatHasExpired) {
  const TempFolder folder;
  std::string id;
  {
    const Echo serving(folder / "data");
    id = serving.send(pdf_of_pages(1));
    serving.watch(id);
  }
  const Echo serving(folder / "data", [](ServerOptions& options) { options.documents.keep = std::chrono::seconds(0); });
  EXPECT_EQ(serving.get("/v1/documents/" + id).status, 404);
  EXPECT_TRUE(fs::is_empty(folder / "data/jobs"));
}

TEST(DocumentRun, AFullDatabaseTakesNoMoreAndLosesNothing) {
  const TempFolder folder;
  std::string id;
  {
    const Serving<FakeModel> serving(folder / "data", [](ServerOptions& options) {
      options.documents.max_store_pages = 24;
      options.documents.pause = std::chrono::hours(1);
    });
    id = serving.send(pdf_of_pages(2));
    HttpClient client(serving.port);
    client.request("GET", "/v1/documents/" + id + "/events");
    serving.model->finish(index_of(*serving.model, 2, "page 1"), "small");
    client.until("\"number\":1,\"state\":\"done\"");
    serving.model->finish(index_of(*serving.model, 2, "page 2"), std::string(400'000, 'x'));
    client.until("\"status\":\"queued\"");
    EXPECT_EQ(serving.job(id)["done"], 1);
  }
  const Serving<FakeModel> serving(folder / "data");
  serving.model->finish(index_of(*serving.model, 1, "page 2"), "now");
  serving.watch(id);
  EXPECT_EQ(serving.job(id)["status"], "completed");
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["text"], "small");
}

TEST(DocumentRun, WhatIsReadWhenTheTimeIsUpIsReadAgain) {
  const TempFolder folder;
  std::string id;
  {
    const Serving<FakeModel> serving(folder / "data");
    id = serving.send(pdf_of_pages(1));
    serving.model->wait_for(1);
    serving.running->drain(std::chrono::seconds(0));
    serving.model->wait_for_cancel(0);
  }
  const Echo serving(folder / "data", {});
  EXPECT_THAT(serving.watch(id), HasSubstr("event: end"));
  // It was sent to a model of another name.
  EXPECT_EQ(serving.job(id)["error"]["code"], "model_not_found");
}

TEST(DocumentRun, ClocksThatJumpLoseNothing) {
  constexpr int64_t century = int64_t{100} * 365 * 24 * 3600;
  const TempFolder folder;
  const auto clock = std::make_shared<std::atomic<int64_t>>(1'800'000'000);
  const auto faked = [&](ServerOptions& options) {
    options.documents.now = [clock] { return clock->load(); };
    options.documents.keep = std::chrono::hours(1);
  };
  std::string id;
  {
    const Serving<FakeModel> serving(folder / "data", faked);
    id = serving.send(pdf_of_pages(2));
    HttpClient client(serving.port);
    client.request("GET", "/v1/documents/" + id + "/events");
    serving.model->finish(index_of(*serving.model, 2, "page 1"), "first");
    client.until("\"number\":1,\"state\":\"done\"");
  }
  *clock += century;
  {
    const Serving<FakeModel> serving(folder / "data", faked);
    EXPECT_EQ(serving.job(id)["done"], 1) << "a job that has not ended does not expire";
    serving.model->finish(index_of(*serving.model, 1, "page 2"), "second");
    serving.watch(id);
    EXPECT_EQ(serving.job(id)["finished"], clock->load());
  }
  *clock -= 2 * century;
  {
    const Serving<FakeModel> serving(folder / "data", faked);
    EXPECT_THAT(serving.result(id, "txt").body, HasSubstr("second"));
    EXPECT_EQ(serving.job(id)["finished"], clock->load()) << "it is not kept for two centuries";
  }
  *clock += 3601;
  const Serving<FakeModel> serving(folder / "data", faked);
  EXPECT_EQ(serving.get("/v1/documents/" + id).status, 404);
}

// A job that was taken, and what it needs to be read.
struct TakenJob : ::testing::Test {
  const TempFolder temp;
  const DataFolder folder{temp / "data"};
  DocumentStore store{folder.database()};
  DocumentEvents events;
  PageFeed feed{{}, {}};
  int failures = 0;  // of loading the model that are left
  const DocumentPlace place{.folder = folder,
                            .store = store,
                            .events = events,
                            .feed = feed,
                            .model = [this](const std::string&) -> std::shared_ptr<ServedModel> {
                              if (failures-- > 0) throw Error("there is no memory for it");
                              return std::make_shared<EchoModel>();
                            },
                            .now = [] { return int64_t{7}; }};

  TakenJob() {
    DocumentJob job;
    job.id = "doc_1";
    job.name = "scan.pdf";
    job.model = "echo";
    const fs::path upload = temp / "upload";
    std::ofstream(upload, std::ios::binary) << pdf_of_pages(1);
    folder.keep(upload, job.id);
    store.add(job);
  }
  RunEnd run(bool is_last_try) { return run_document(*store.find("doc_1"), place, {}, {}, is_last_try); }
  JobStatus status() { return store.find("doc_1")->status; }
};

TEST_F(TakenJob, WaitsForAModelThatCannotBeLoadedNow) {
  failures = 1;
  EXPECT_EQ(run(false), RunEnd::no_model);
  EXPECT_EQ(status(), JobStatus::queued);
  EXPECT_EQ(run(false), RunEnd::ended);
  EXPECT_EQ(status(), JobStatus::completed);
  EXPECT_EQ(store.page("doc_1", 1)->state, PageState::done);
}

TEST_F(TakenJob, FailsWhenItsModelCannotBeLoadedAtLast) {
  failures = 1;
  EXPECT_EQ(run(true), RunEnd::ended);
  EXPECT_EQ(status(), JobStatus::failed);
  EXPECT_EQ(store.find("doc_1")->error_code, "model_not_loaded");
  EXPECT_EQ(store.find("doc_1")->finished, 7);
}

}  // namespace
}  // namespace lectern::server
