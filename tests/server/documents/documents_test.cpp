// Documents as clients see them, with models whose text is known.
#include "server/documents/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "image/orientation.h"
#include "image/picture_encoder.h"
#include "input/image_parts.h"
#include "server/documents/serving.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ask;
using testing::Echo;
using testing::FakeModel;
using testing::form_field;
using testing::form_file;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using testing::index_of;
using testing::large_pdf;
using testing::mebibyte;
using ::testing::Not;
using testing::pdf_of_pages;
using testing::send_form;
using testing::Serving;
using ::testing::StartsWith;
using testing::TempFolder;

TEST(ServedDocuments, AreSentReadAndTaken) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const HttpReply sent =
      send_form(serving.port, form_field("prompt", "markdown") + form_file("Scan 1.pdf", pdf_of_pages(3)));
  ASSERT_EQ(sent.status, 201) << sent.body;
  const json job = json::parse(sent.body);
  const std::string id = job["id"];
  EXPECT_THAT(id, ::testing::MatchesRegex("doc_[0-9a-f]+"));
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(sent.headers.at("location"), "/v1/documents/" + id);
  EXPECT_EQ(job["object"], "document");
  EXPECT_EQ(job["status"], "queued");
  EXPECT_EQ(job["name"], "Scan 1.pdf");
  EXPECT_EQ(job["model"], "echo");
  EXPECT_EQ(job["options"], (json{{"prompt", "markdown"}}));
  EXPECT_TRUE(job["pages"].is_null());

  const std::string events = serving.watch(id);
  EXPECT_THAT(events, HasSubstr("\"state\":\"done\""));
  EXPECT_THAT(events, HasSubstr("event: end"));
  const json ended = serving.job(id);
  EXPECT_EQ(ended["status"], "completed");
  EXPECT_EQ(ended["pages"], 3);
  EXPECT_EQ(ended["done"], 3);
  EXPECT_EQ(ended["failed_pages"], 0);
  EXPECT_TRUE(ended["error"].is_null());
  EXPECT_EQ(ended["expires"].get<int64_t>() - ended["finished"].get<int64_t>(), 7 * 24 * 3600);

  const json page = json::parse(serving.get("/v1/documents/" + id + "/pages/2").body);
  EXPECT_EQ(page["state"], "done");
  EXPECT_EQ(page["text"], "Scan 1.pdf: page 2 by markdown");
  EXPECT_EQ(page["page"]["number"], 2);
  EXPECT_GT(page["page"]["width"], 0);
  EXPECT_EQ(page["page"]["blocks"].size(), 1U);
  EXPECT_EQ(page["page"]["confidence"], 0.5);
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/pages/4").status, 404);
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/pages/0").status, 404);

  const HttpReply text = serving.result(id, "txt");
  EXPECT_EQ(text.status, 200);
  EXPECT_THAT(text.body, HasSubstr("page 3 by markdown"));
  EXPECT_EQ(text.headers.at("content-disposition"),
            "attachment; filename=\"Scan 1.txt\"; filename*=UTF-8''Scan%201.txt");
}

TEST(ServedDocuments, OnlyThePagesAskedForAreRead) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(5), form_field("pages", "2,4-"));
  serving.watch(id);
  const json job = serving.job(id);
  EXPECT_EQ(job["numbers"], (json{2, 4, 5}));
  EXPECT_EQ(job["pages"], 3);
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/pages/1").status, 404);
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/4").body)["state"], "done");
  const std::string beyond = serving.send(pdf_of_pages(2), form_field("pages", "3"));
  serving.watch(beyond);
  EXPECT_EQ(serving.job(beyond)["status"], "failed");
  EXPECT_THAT(serving.job(beyond)["error"]["message"], HasSubstr("scan.pdf: "));
}

TEST(ServedDocuments, WhatCannotBeReadSaysSo) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string broken = serving.send("%PDF-1.7\nnothing else");
  serving.watch(broken);
  const json job = serving.job(broken);
  EXPECT_EQ(job["status"], "failed");
  EXPECT_EQ(job["error"]["code"], "invalid_document");
  EXPECT_THAT(job["error"]["message"], HasSubstr("scan.pdf"));
  EXPECT_THAT(job.dump(), Not(HasSubstr(folder.path().string())));
  EXPECT_EQ(serving.result(broken, "md").status, 409);
  EXPECT_EQ(serving.get("/v1/documents/" + broken + "/pages/1").status, 404);

  const std::string torn = serving.send(pdf_of_pages(2), "", "torn.pdf");
  EXPECT_THAT(serving.watch(torn), HasSubstr("\"state\":\"failed\""));
  EXPECT_EQ(serving.job(torn)["status"], "failed");
  EXPECT_EQ(serving.job(torn)["error"]["code"], "pages_failed");
  EXPECT_EQ(serving.job(torn)["error"]["message"],
            "none of its 2 pages could be read; of the first: torn.pdf: page 1: is torn");
  EXPECT_EQ(serving.job(torn)["failed_pages"], 2);
  const json page = json::parse(serving.get("/v1/documents/" + torn + "/pages/1").body);
  EXPECT_EQ(page["state"], "failed");
  EXPECT_EQ(page["error"]["message"], "torn.pdf: page 1: is torn");
}

TEST(ServedDocuments, AreOpenedWithTheirPasswordWhichIsShownToNobody) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string pdf = testing::slurp(TEST_DATA "/pdf/user-and-owner-aes256.pdf");
  const std::string id = serving.send(pdf, form_field("password", "sesame") + form_field("dpi", "72"));
  EXPECT_THAT(serving.watch(id), Not(HasSubstr("sesame")));
  const json job = serving.job(id);
  EXPECT_EQ(job["status"], "completed") << job;
  EXPECT_EQ(job["options"], (json{{"dpi", "72"}}));
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/pages/1/picture").status, 200);
  EXPECT_EQ(serving.result(id, "hocr").status, 200);
  EXPECT_EQ(serving.result(id, "pdf").status, 422) << "it would be without the password";
  EXPECT_THAT(serving.result(id, "pdf&decrypt=true").body, StartsWith("%PDF-"));
  EXPECT_EQ(serving.result(id, "zip").status, 200);
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["page"]["dpi"], 72.0);
  const std::string closed = serving.send(pdf);
  serving.watch(closed);
  EXPECT_THAT(serving.job(closed)["error"]["message"], HasSubstr("give its password with `password`"));
}

TEST(ServedDocuments, ScansAreSetUprightWhereThatIsAskedFor) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string scan = encode_jpeg(turned(*picture_of(Image::from_file(LECTERN_SAMPLES "/page.png")), 90), 90, 0);
  const std::string as_it_is = serving.send(scan, "", "a.png");
  const std::string upright = serving.send(scan, form_field("orient", "auto"), "a.png");
  serving.watch(as_it_is);
  serving.watch(upright);
  const auto page = [&](const std::string& id) {
    return json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["page"];
  };
  EXPECT_EQ(page(as_it_is)["turn"], 0);
  EXPECT_EQ(page(upright)["turn"], 270);
  EXPECT_EQ(page(upright)["width"], page(as_it_is)["height"]);
  const auto picture_of = [&](const std::string& id) {
    const std::string jpeg = serving.get("/v1/documents/" + id + "/pages/1/picture").body;
    return Image::from_bytes(std::as_bytes(std::span(jpeg)));
  };
  EXPECT_EQ(picture_of(upright).width(), page(upright)["width"]);
  EXPECT_EQ(picture_of(as_it_is).width(), page(as_it_is)["width"]);
}

TEST(ServedDocuments, FormsAreChecked) {
  const TempFolder folder;
  auto made =
      std::make_unique<Echo>(folder / "data", [](ServerOptions& options) { options.documents.max_file_bytes = 5000; });
  const Echo& serving = *made;
  const std::string file = form_file("scan.pdf", pdf_of_pages(1));
  const auto status_of = [&](const std::string& parts) { return send_form(serving.port, parts).status; };
  EXPECT_EQ(status_of(form_field("prompt", "free")), 400);
  EXPECT_EQ(status_of(file + file), 400);
  EXPECT_EQ(status_of(file + form_field("output", "/etc/passwd")), 400);
  EXPECT_EQ(status_of(file + form_field("temperature", "hot")), 400);
  EXPECT_EQ(status_of(file + form_field("mode", "gundam")), 400);
  EXPECT_EQ(status_of(file + form_field("model", "gpt")), 404);
  EXPECT_EQ(status_of(form_file("a.pdf", "MZ not a document")), 415);
  EXPECT_EQ(status_of(form_file("a.pdf", "")), 422);
  EXPECT_EQ(status_of(form_file("a.pdf", std::string(6000, 'x'))), 413);
  EXPECT_EQ(status_of(form_file("a.pdf", std::string(3 << 20, 'x'))), 413);
  EXPECT_EQ(ask(serving.port, "POST", "/v1/documents", "{}", "Content-Type: application/json\r\n").status, 400);
  EXPECT_EQ(ask(serving.port, "POST", "/v1/documents", "no form at all", testing::form_type).status, 400);
  const HttpReply coded = ask(serving.port, "POST", "/v1/documents", "file=%25PDF-1.7",
                              "Content-Type: application/x-www-form-urlencoded\r\n");
  EXPECT_EQ(coded.status, 400);
  EXPECT_THAT(coded.body, HasSubstr("multipart/form-data"));
  const HttpReply latin = send_form(serving.port, file + form_field("password", "caf\xe9"));
  EXPECT_EQ(latin.status, 400);
  EXPECT_THAT(latin.body, HasSubstr("password: expected text in UTF-8"));
  EXPECT_EQ(ask(serving.port, "POST", "/v1/documents", file, testing::form_type).status, 400) << "cut";
  EXPECT_EQ(ask(serving.port, "PUT", "/v1/documents").status, 405);
  EXPECT_EQ(ask(serving.port, "PUT", "/v1/documents").headers.at("allow"), "GET, POST");
  made.reset();
  EXPECT_TRUE(fs::is_empty(folder / "data/incoming"));
  EXPECT_TRUE(fs::is_empty(folder / "data/jobs"));
}

TEST(ServedDocuments, UnknownOnesAreNotThere) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  for (const std::string id : {"x", "doc_", "doc_00000000000000000000000000000000", "../../etc/passwd",
                               "%2e%2e%2f%2e%2e", "doc_0000000000000000000000000000000'"}) {
    for (const char* rest : {"", "/events", "/result?format=md", "/pages/1", "/pages/1/picture"}) {
      EXPECT_EQ(serving.get("/v1/documents/" + id + rest).status, 404) << id << rest;
    }
    EXPECT_EQ(ask(serving.port, "DELETE", "/v1/documents/" + id).status, 404) << id;
  }
  EXPECT_EQ(json::parse(serving.get("/v1/documents").body),
            (json{{"object", "list"}, {"data", json::array()}, {"has_more", false}}));
}

// It would end the path, or the value, before it ends.
TEST(ServedDocuments, AZeroByteMakesAnotherAddress) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(1)), path = "/v1/documents/" + id;
  serving.watch(id);
  for (const std::string& cut : {path + "%00", path + "%00/x", path + "/result%00x", path + "/pages/1%00",
                                 std::string("/%00"), std::string("/v1/models%00"), std::string("/v1/models/echo%00x"),
                                 std::string("/health%00/secret"), std::string("/page/main.js%00")}) {
    EXPECT_EQ(serving.get(cut).status, 404) << cut;
  }
  EXPECT_EQ(ask(serving.port, "DELETE", path + "%00").status, 404);
  EXPECT_EQ(serving.get(path + "/result?format=md%00x").status, 400);
  EXPECT_EQ(serving.get(path + "/result?format%00x=md").status, 400);
  EXPECT_EQ(serving.get("/v1/documents?after=" + id + "%00").status, 404);
  EXPECT_EQ(serving.get("/v1/%64ocuments/" + id).status, 200) << "others are what they stand for";
  HttpClient raw(serving.port);
  raw.send("GET " + path + std::string("\0x HTTP/1.1\r\nHost: localhost\r\n\r\n", 32));
  EXPECT_EQ(raw.reply().status, 400);
  HttpClient hidden(serving.port);  // as if the version came behind it
  hidden.send("GET " + path + std::string("\0HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 39));
  EXPECT_EQ(hidden.reply().status, 400);
  EXPECT_EQ(serving.get(path).status, 200);
}

TEST(ServedDocuments, AreListedPartByPart) {
  const TempFolder folder;
  const Echo serving(folder / "data", [](ServerOptions& options) {
    options.keys = ApiKeys::from_text("ann\nbob\n", "keys");
    options.documents.max_listed = 2;
  });
  const std::string ann = "Authorization: Bearer ann\r\n", bob = "Authorization: Bearer bob\r\n";
  std::vector<std::string> sent;
  for (int i = 0; i < 3; ++i) {
    const HttpReply reply = send_form(serving.port, form_file("a.pdf", pdf_of_pages(1)), ann);
    sent.insert(sent.begin(), json::parse(reply.body)["id"].get<std::string>());
  }
  std::vector<std::string> listed;
  for (std::string query;;) {
    const json part = json::parse(serving.get("/v1/documents" + query, ann).body);
    for (const json& job : part["data"]) listed.push_back(job["id"].get<std::string>());
    if (!part["has_more"].get<bool>()) break;
    ASSERT_LT(listed.size(), 10U);
    query = "?after=" + listed.back();
  }
  EXPECT_EQ(listed, sent);
  EXPECT_EQ(serving.get("/v1/documents?after=" + sent.front(), bob).status, 404);
  EXPECT_EQ(serving.get("/v1/documents?limit=1", ann).status, 400) << "no such option";
}

TEST(ServedDocuments, BelongToTheKeyThatSentThem) {
  const TempFolder folder;
  const auto keys = [](ServerOptions& options) { options.keys = ApiKeys::from_text("ann\nbob\n", "keys"); };
  const std::string ann = "Authorization: Bearer ann\r\n", bob = "Authorization: Bearer bob\r\n";
  std::string id;
  {
    const Echo serving(folder / "data", keys);
    const std::string file = form_file("scan.pdf", pdf_of_pages(1));
    EXPECT_EQ(send_form(serving.port, file).status, 401);
    id = json::parse(send_form(serving.port, file, ann).body)["id"];
    const std::string path = "/v1/documents/" + id;
    EXPECT_THAT(serving.watch(id, ann), HasSubstr("event: end"));
    EXPECT_EQ(serving.get(path, ann).status, 200);
    for (const char* rest : {"", "/events", "/result", "/pages/1", "/pages/1/picture"}) {
      EXPECT_EQ(serving.get(path + rest, bob).status, 404) << rest;
    }
    EXPECT_EQ(ask(serving.port, "DELETE", path, "", bob).status, 404);
    EXPECT_EQ(ask(serving.port, "POST", path + "/cancel", "", bob).status, 404);
    EXPECT_EQ(json::parse(serving.get("/v1/documents", ann).body)["data"].size(), 1U);
    EXPECT_EQ(json::parse(serving.get("/v1/documents", bob).body)["data"].size(), 0U);
  }
  // Another order of the keys changes nothing.
  const Echo serving(folder / "data",
                     [](ServerOptions& options) { options.keys = ApiKeys::from_text("bob\nann\n", "keys"); });
  EXPECT_EQ(serving.get("/v1/documents/" + id, ann).status, 200);
  EXPECT_EQ(serving.get("/v1/documents/" + id, bob).status, 404);
}

TEST(ServedDocuments, AKeyOfTheClientsMakesARepeatedUploadTheSameJob) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string file = form_file("scan.pdf", pdf_of_pages(1)), key = "Idempotency-Key: once\r\n";
  const HttpReply first = send_form(serving.port, file, key);
  ASSERT_EQ(first.status, 201);
  const HttpReply again = send_form(serving.port, file, key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(json::parse(again.body)["id"], json::parse(first.body)["id"]);
  EXPECT_EQ(again.headers.at("location"), first.headers.at("location"));
  EXPECT_EQ(send_form(serving.port, file + form_field("seed", "1"), key).status, 409);
  EXPECT_EQ(send_form(serving.port, form_file("scan.pdf", pdf_of_pages(2)), key).status, 409);
  EXPECT_EQ(send_form(serving.port, file, "Idempotency-Key: " + std::string(256, 'x') + "\r\n").status, 400);
  EXPECT_EQ(send_form(serving.port, file, "Idempotency-Key: twice\r\n").status, 201);
}

TEST(ServedDocuments, AKeyOfOneTeamsClientIsNoneOfAnothers) {
  const TempFolder folder;
  const Echo serving(folder / "data",
                     [](ServerOptions& options) { options.keys = ApiKeys::from_text("ann\nbob\n", "keys"); });
  const std::string once = "Idempotency-Key: once\r\n", ann = "Authorization: Bearer ann\r\n" + once,
                    bob = "Authorization: Bearer bob\r\n" + once;
  const auto send = [&](int pages, const std::string& headers) {
    return send_form(serving.port, form_file("scan.pdf", pdf_of_pages(pages)), headers);
  };
  const HttpReply first = send(1, ann), second = send(2, bob);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 201) << "and not 409, from which bob would learn of ann's";
  EXPECT_NE(json::parse(first.body)["id"], json::parse(second.body)["id"]);
  EXPECT_EQ(json::parse(send(1, ann).body)["id"], json::parse(first.body)["id"]);
}

TEST(ServedDocuments, EventsTellPagesAndText) {
  const TempFolder folder;
  const Serving<FakeModel> serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(1));
  HttpClient client(serving.port);
  client.request("GET", "/v1/documents/" + id + "/events");
  const HttpReply head = client.head();
  EXPECT_EQ(head.status, 200);
  EXPECT_THAT(head.headers.at("content-type"), StartsWith("text/event-stream"));
  serving.model->wait_for(1);
  client.until("\"state\":\"reading\"");
  serving.model->write(0, "Hello ");
  const std::string told = client.until("\"text\":\"Hello \"}");
  const std::string number = told.substr(told.rfind("id: ") + 4);
  client.close();
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["state"], "reading");
  EXPECT_EQ(serving.result(id, "md").status, 409);
  serving.model->write(0, "World");
  serving.model->finish(0, "Hello World");
  const std::string rest = serving.watch(id, "Last-Event-ID: " + number.substr(0, number.find('\n')) + "\r\n");
  EXPECT_THAT(rest, HasSubstr("event: end"));
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["text"], "Hello World");
}

TEST(ServedDocuments, CancelKeepsWhatWasRead) {
  const TempFolder folder;
  const Serving<FakeModel> serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(2));
  HttpClient client(serving.port);
  client.request("GET", "/v1/documents/" + id + "/events");
  serving.model->finish(index_of(*serving.model, 2, "page 1"), "first");
  client.until("\"number\":1,\"state\":\"done\"");
  const HttpReply cancelled = ask(serving.port, "POST", "/v1/documents/" + id + "/cancel");
  EXPECT_EQ(cancelled.status, 200);
  EXPECT_EQ(json::parse(cancelled.body)["status"], "cancelled");
  EXPECT_EQ(json::parse(cancelled.body)["done"], 1);
  EXPECT_NE(client.until("event: end"), "");
  serving.model->wait_for_cancel(index_of(*serving.model, 2, "page 2"));
  EXPECT_EQ(serving.result(id, "txt").body, "first\n");
  EXPECT_EQ(json::parse(serving.get("/v1/documents/" + id + "/pages/2").body)["state"], "queued");
  EXPECT_EQ(json::parse(ask(serving.port, "POST", "/v1/documents/" + id + "/cancel").body)["status"], "cancelled");
}

TEST(ServedDocuments, DeleteRemovesEverything) {
  const TempFolder folder;
  const Serving<FakeModel> serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(1));
  serving.model->wait_for(1);
  const HttpReply deleted = ask(serving.port, "DELETE", "/v1/documents/" + id);
  EXPECT_EQ(json::parse(deleted.body), (json{{"id", id}, {"object", "document.deleted"}, {"deleted", true}}));
  serving.model->wait_for_cancel(0);
  EXPECT_EQ(serving.get("/v1/documents/" + id).status, 404);
  EXPECT_EQ(ask(serving.port, "DELETE", "/v1/documents/" + id).status, 404);
  EXPECT_TRUE(fs::is_empty(folder / "data/jobs"));
}

TEST(ServedDocuments, TheOldestThatHaveEndedGiveWayToNewOnes) {
  const TempFolder folder;
  const auto bounded = [](ServerOptions& options) { options.documents.max_bytes = 20 * mebibyte; };
  const Echo serving(folder / "data", bounded);
  const std::string first = serving.send(large_pdf(6 * mebibyte));
  serving.watch(first);
  std::string last;
  for (int i = 0; i < 3; ++i) {
    last = serving.send(large_pdf(6 * mebibyte));
    serving.watch(last);
  }
  EXPECT_EQ(serving.get("/v1/documents/" + first).status, 404);
  EXPECT_EQ(serving.get("/v1/documents/" + last).status, 200);
}

TEST(ServedDocuments, ResultsGiveWayBeforeDocumentsDo) {
  const TempFolder folder;
  const Echo serving(folder / "data", [](ServerOptions& options) { options.documents.max_bytes = 17 * mebibyte; });
  const std::string first = serving.send(large_pdf(6 * mebibyte));
  serving.watch(first);
  const HttpReply made = serving.result(first, "md");
  ASSERT_EQ(made.status, 200);
  const fs::path kept = folder / "data/jobs" / first / "result.md";
  fs::resize_file(kept, 6 * mebibyte);  // as if there had been much to read
  const std::string second = serving.send(large_pdf(6 * mebibyte));
  serving.watch(second);
  EXPECT_EQ(serving.get("/v1/documents/" + first).status, 200);
  EXPECT_FALSE(fs::exists(kept));
  EXPECT_EQ(serving.result(first, "md").body, made.body) << "it is made again";
}

TEST(ServedDocuments, WhereNothingCanGiveWayANewOneIsRefused) {
  const TempFolder folder;
  const std::string large = large_pdf(12 * mebibyte);
  const Serving<FakeModel> serving(folder / "data",
                                   [](ServerOptions& options) { options.documents.max_bytes = 20 * mebibyte; });
  const std::string id = serving.send(large);
  const HttpReply refused = send_form(serving.port, form_file("b.pdf", large));
  EXPECT_EQ(refused.status, 507);
  EXPECT_THAT(refused.body, HasSubstr("disk_full"));
  serving.model->wait_for(1);
  serving.model->finish(0, "text");
  serving.watch(id);
  EXPECT_EQ(serving.job(id)["status"], "completed") << "nothing of it was lost";
}

TEST(ServedDocuments, TooManyThatWaitAreRefused) {
  const TempFolder folder;
  const Serving<FakeModel> serving(folder / "data", [](ServerOptions& options) {
    options.documents.jobs_together = 1;
    options.documents.max_waiting = 1;
  });
  serving.send(pdf_of_pages(1));
  serving.model->wait_for(1);
  serving.send(pdf_of_pages(1));
  const HttpReply refused = send_form(serving.port, form_file("c.pdf", pdf_of_pages(1)));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.count("retry-after"), 1U);
}

TEST(ServedDocuments, AreNotTakenWithoutAFolder) {
  const Echo serving("");
  EXPECT_EQ(send_form(serving.port, form_file("scan.pdf", pdf_of_pages(1))).status, 404);
  EXPECT_EQ(serving.get("/v1/documents").status, 404);
}

}  // namespace
}  // namespace lectern::server
