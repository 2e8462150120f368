// Documents as clients see them, with models whose text is known.
#include "server/documents/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/temp_folder.h"
#include "server/documents/forms.h"
#include "server/fake_model.h"
#include "server/http/http_client.h"
#include "server/server.h"
#include "support/pdf_builder.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ask;
using testing::FakeModel;
using testing::form_field;
using testing::form_file;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;
using testing::send_form;
using testing::slurp;
using ::testing::StartsWith;
using testing::TempFolder;

// Reads every page at once: its text is its name.
class EchoModel final : public ServedModel {
 public:
  const std::string& name() const override { return name_; }
  DocumentInfo info() const override {
    DocumentInfo info;
    info.model = "/models/echo";
    info.prompt = "free";
    return info;
  }
  void check(const PageOptions& options) const override {
    if (options.mode == "gundam") throw Error("echo: does not know mode gundam");
  }
  std::function<void()> submit(const Image& image, const PageOptions& options,
                               std::function<void(PageNews)> tell) override {
    ++pages;
    PageNews news;
    tell(news);
    news.kind = PageNews::Kind::text;
    news.more = image.name() + " by " + options.prompt;
    tell(news);
    if (image.name().find("torn") != std::string::npos) {
      news.kind = PageNews::Kind::failed;
      news.error = image.name() + ": is torn";
    } else {
      news.kind = PageNews::Kind::finished;
      lectern::Page page;
      page.raw = news.more;
      page.blocks = {{.label = "text", .boxes = {}, .raw_boxes = {}, .text = news.more}};
      page.finish = Finish::end;
      page.confidence = 0.5;
      news.answer.text = news.more;
      news.answer.finish = "end";
      news.page = std::make_shared<const lectern::Page>(page);
    }
    tell(news);
    return [] {};
  }

  std::atomic<int> pages = 0;

 private:
  const std::string name_ = "echo";
};

std::string pdf_of_pages(int count) {
  std::vector<testing::PdfPage> pages;
  for (int i = 0; i < count; ++i) pages.push_back({"BT /F 20 Tf 20 40 Td (Page " + std::to_string(i + 1) + ") Tj ET"});
  return testing::pdf_of(pages);
}

// One page, so many bytes long.
std::string large_pdf(size_t bytes) {
  return testing::pdf_of({testing::PdfPage{"%" + std::string(bytes, 'x') + "\nBT /F 20 Tf 20 40 Td (Large) Tj ET"}});
}
constexpr int64_t mebibyte = 1 << 20;

template <typename Model>
class Serving {
 public:
  explicit Serving(const fs::path& data, const std::function<void(ServerOptions&)>& change = {}) {
    ServerOptions options;
    options.port = 0;
    options.http.connections_per_address = 0;
    // However slow the machine is.
    options.http.idle = options.http.head = options.http.body = std::chrono::hours(1);
    options.documents.folder = data;
    if (change) change(options);
    std::vector<ModelSource> sources(1);
    sources[0].load = [this] {
      auto made = std::make_unique<Model>();
      model = made.get();
      return made;
    };
    sources[0].name = Model().name();
    auto shelf = std::make_unique<ModelShelf>(std::move(sources));
    shelf->load(shelf->sources().front());
    server = std::make_unique<Server>(std::move(options), std::move(shelf));
    const std::string url = server->url();
    port = std::stoi(url.substr(url.rfind(':') + 1));
  }

  HttpReply get(const std::string& path, const std::string& headers = "") const {
    return ask(port, "GET", path, "", headers);
  }
  json job(const std::string& id) const { return json::parse(get("/v1/documents/" + id).body); }
  std::string send(const std::string& pdf, const std::string& more = "", const std::string& name = "scan.pdf") const {
    const HttpReply reply = send_form(port, form_file(name, pdf) + more);
    if (reply.status != 201) throw std::runtime_error(reply.body);
    return json::parse(reply.body)["id"];
  }
  // Its events until the end.
  std::string watch(const std::string& id, const std::string& headers = "") const {
    return get("/v1/documents/" + id + "/events", headers).body;
  }
  HttpReply result(const std::string& id, const std::string& format) const {
    return get("/v1/documents/" + id + "/result?format=" + format);
  }

  Model* model = nullptr;
  std::unique_ptr<Server> server;
  int port = 0;
};

using Echo = Serving<EchoModel>;

// Of the page that a fake model was given; they come in any order.
size_t index_of(FakeModel& model, size_t count, const std::string& page) {
  model.wait_for(count);
  for (size_t i = 0; i < count; ++i) {
    if (model.name_of(i).ends_with(page)) return i;
  }
  throw std::runtime_error("no " + page);
}

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

TEST(ServedDocuments, EveryFormatIsMadeWithoutReadingAgain) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(2));
  serving.watch(id);
  const std::vector<std::pair<std::string, std::string>> begins = {
      {"md", "scan"}, {"txt", "scan"},   {"json", "{\"schema\": \"lectern-document/1\""},
      {"html", "<!"}, {"hocr", "<?xml"}, {"pdf", "%PDF-"}};
  for (const auto& [format, begin] : begins) {
    const HttpReply reply = serving.result(id, format);
    EXPECT_EQ(reply.status, 200) << format << reply.body;
    EXPECT_THAT(reply.body, StartsWith(begin)) << format;
    EXPECT_EQ(serving.result(id, format).body, reply.body) << format;
    EXPECT_THAT(reply.body, Not(HasSubstr(folder.path().string()))) << format;
  }
  EXPECT_EQ(serving.model->pages, 2);
  EXPECT_EQ(serving.result(id, "docx").status, 400);
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/result").body, serving.result(id, "md").body);
}

TEST(ServedDocuments, AllFormatsComeAsOneArchive) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(1), "", "../été.pdf");
  serving.watch(id);
  const HttpReply reply = serving.result(id, "zip");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.headers.at("content-type"), "application/zip");
  zip_source_t* const source = zip_source_buffer_create(reply.body.data(), reply.body.size(), 0, nullptr);
  zip_t* const opened = zip_open_from_source(source, ZIP_RDONLY, nullptr);
  ASSERT_NE(opened, nullptr);
  std::set<std::string> names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(opened, 0); ++i) {
    names.insert(zip_get_name(opened, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_GUESS));
  }
  zip_file_t* const text = zip_fopen(opened, "été.txt", 0);
  ASSERT_NE(text, nullptr);
  std::string content(1000, '\0');
  content.resize(static_cast<size_t>(std::max<zip_int64_t>(0, zip_fread(text, content.data(), content.size()))));
  EXPECT_EQ(content, serving.result(id, "txt").body);
  zip_fclose(text);
  zip_discard(opened);
  EXPECT_EQ(names, (std::set<std::string>{"été.md", "été.txt", "été.json", "été.html", "été.hocr", "été.pdf"}));
}

TEST(ServedDocuments, PicturesOfPagesAreJpegOfTheWidthAskedFor) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(2));
  serving.watch(id);
  const std::string path = "/v1/documents/" + id + "/pages/1/picture";
  const HttpReply whole = serving.get(path), small = serving.get(path + "?width=100");
  EXPECT_EQ(whole.status, 200);
  EXPECT_EQ(whole.headers.at("content-type"), "image/jpeg");
  EXPECT_THAT(whole.body, StartsWith("\xff\xd8\xff"));
  EXPECT_LT(small.body.size(), whole.body.size());
  EXPECT_EQ(serving.get(path + "?width=0").status, 400);
  EXPECT_EQ(serving.get(path + "?width=x").status, 400);
  EXPECT_EQ(serving.get("/v1/documents/" + id + "/pages/3/picture").status, 404);
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
  EXPECT_EQ(serving.job(torn)["failed_pages"], 2);
  const json page = json::parse(serving.get("/v1/documents/" + torn + "/pages/1").body);
  EXPECT_EQ(page["state"], "failed");
  EXPECT_EQ(page["error"]["message"], "torn.pdf: page 1: is torn");
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
  EXPECT_EQ(json::parse(serving.get("/v1/documents").body), (json{{"object", "list"}, {"data", json::array()}}));
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

TEST(ServedDocuments, ARestartGoesOnWhereItWas) {
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

TEST(ServedDocuments, AStartRemovesWhatHasExpired) {
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

TEST(ServedDocuments, AFullDatabaseTakesNoMoreAndLosesNothing) {
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

TEST(ServedDocuments, AreNotTakenWithoutAFolder) {
  const Echo serving("");
  EXPECT_EQ(send_form(serving.port, form_file("scan.pdf", pdf_of_pages(1))).status, 404);
  EXPECT_EQ(serving.get("/v1/documents").status, 404);
}

TEST(ServedDocuments, WhatIsReadWhenTheTimeIsUpIsReadAgain) {
  const TempFolder folder;
  std::string id;
  {
    const Serving<FakeModel> serving(folder / "data");
    id = serving.send(pdf_of_pages(1));
    serving.model->wait_for(1);
    serving.server->drain(std::chrono::seconds(0));
    serving.model->wait_for_cancel(0);
  }
  const Echo serving(folder / "data", {});
  EXPECT_THAT(serving.watch(id), HasSubstr("event: end"));
  // It was sent to a model of another name.
  EXPECT_EQ(serving.job(id)["error"]["code"], "model_not_found");
}

}  // namespace
}  // namespace lectern::server
