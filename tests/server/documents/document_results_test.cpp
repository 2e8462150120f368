// What is made of documents, also while those who asked for it, or the documents, go.
#include "server/documents/document_results.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "core/unique_fd.h"
#include "server/documents/serving.h"

namespace lectern::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ask;
using testing::Echo;
using testing::form_field;
using testing::form_file;
using ::testing::HasSubstr;
using testing::HttpClient;
using testing::HttpReply;
using ::testing::Not;
using testing::pdf_of_pages;
using testing::send_form;
using testing::Serving;
using ::testing::StartsWith;
using testing::TempFolder;

class TableModel final : public testing::EchoModel {
 public:
  std::function<void()> submit(const std::vector<Image>& images, const PageOptions& options,
                               std::function<void(PageNews)> tell) override {
    return EchoModel::submit(images, options, [tell = std::move(tell)](const PageNews& told) {
      PageNews news = told;
      if (news.page) {
        Page page = *news.page;
        page.blocks = {{.label = "table",
                        .boxes = {},
                        .raw_boxes = {},
                        .text = "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>"}};
        news.page = std::make_shared<const Page>(page);
      }
      tell(news);
    });
  }
};

// A pipe in the place of a result: whoever reads it waits.
class HeldResult {
 public:
  explicit HeldResult(fs::path place) : place_(std::move(place)) {
    if (::mkfifo(place_.c_str(), 0600) != 0) throw std::runtime_error("no pipe");
  }
  void wait_for_reader() {
    while ((end_ = UniqueFd(::open(place_.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC))).get() < 0) {
      if (errno != ENXIO) throw std::runtime_error("no pipe");
      std::this_thread::yield();
    }
  }
  void let_go() { end_ = UniqueFd(); }

 private:
  const fs::path place_;
  UniqueFd end_;
};

// Counts requests whose clients went before they were answered.
class GoneClients {
 public:
  void take(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (line.find(" 499 ") != std::string::npos) ++count_;
    news_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  int count_ = 0;
};

TEST(DocumentResults, EveryFormatIsMadeWithoutReadingAgain) {
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

TEST(DocumentResults, ResultsLookAsTheFormOrTheQueryAsks) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(2), form_field("page_breaks", "keep"));
  serving.watch(id);
  EXPECT_THAT(serving.result(id, "txt").body, HasSubstr("\f"));
  EXPECT_THAT(serving.result(id, "txt&page_breaks=drop").body, Not(HasSubstr("\f")));
  EXPECT_THAT(serving.result(id, "txt").body, HasSubstr("\f")) << "the query counts once";
  EXPECT_EQ(serving.model->pages, 2);
  size_t kept = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder / "data")) {
    kept += entry.path().filename().string().starts_with("result") ? 1 : 0;
  }
  EXPECT_EQ(kept, 1U);
  const HttpReply unknown = serving.result(id, "txt&page_break=keep");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_THAT(unknown.body, HasSubstr("page_break: "));
  EXPECT_EQ(serving.result(id, "txt&page_breaks=maybe").status, 400);
  EXPECT_EQ(serving.result(id, "txt&page_breaks=keep%00drop").status, 400);
  const HttpReply twice = serving.result(id, "txt&page_breaks=keep&page_breaks=drop");
  EXPECT_EQ(twice.status, 400);
  EXPECT_THAT(twice.body, HasSubstr("page_breaks: given twice"));
  EXPECT_EQ(send_form(serving.port, form_file("a.pdf", pdf_of_pages(1)) + form_field("tables", "wide")).status, 400);
}

TEST(DocumentResults, PagesLookAsTheFormAsks) {
  const TempFolder folder;
  const Serving<TableModel> serving(folder / "data");
  const auto markdown_of = [&](const std::string& id) {
    serving.watch(id);
    return json::parse(serving.get("/v1/documents/" + id + "/pages/1").body)["markdown"].get<std::string>();
  };
  EXPECT_THAT(markdown_of(serving.send(pdf_of_pages(1))), HasSubstr("<td>a</td>"));
  EXPECT_THAT(markdown_of(serving.send(pdf_of_pages(1), form_field("tables", "pipe"))), HasSubstr("| a |"));
}

TEST(DocumentResults, AllFormatsComeAsOneArchive) {
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

TEST(DocumentResults, PicturesOfPagesAreJpegOfTheWidthAskedFor) {
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

TEST(DocumentResults, SayWhatCouldNotBeWrittenAsAsked) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  testing::PdfPage page{"BT /F 20 Tf 20 40 Td (Page) Tj ET"};
  page.keys = "/Annots [<< /Type /Annot /Subtype /Square /Rect [0 0 9 9] >>]";
  const std::string id = serving.send(testing::pdf_of({page}), "", "\xC3\xA9.pdf");
  serving.watch(id);
  EXPECT_FALSE(serving.result(id, "pdf").headers.contains("x-lectern-warnings"));
  for (int i = 0; i < 2; ++i) {
    const HttpReply forced = serving.result(id, "pdf&existing_text=force");
    ASSERT_EQ(forced.status, 200) << forced.body;
    ASSERT_TRUE(forced.headers.contains("x-lectern-warnings")) << i;
    EXPECT_EQ(forced.headers.at("x-lectern-warnings"),
              "%C3%A9.pdf: 1 annotation became part of the pictures of the pages (`existing_text`)");
    EXPECT_THAT(serving.result(id, "zip&existing_text=force").headers.at("x-lectern-warnings"),
                HasSubstr("existing_text"));
  }
}

TEST(DocumentResults, AnArchiveSaysWhyItHasNoPdf) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(testing::slurp(TEST_DATA "/pdf/owner-only.pdf"), "", "locked.pdf");
  serving.watch(id);
  const HttpReply archive = serving.result(id, "zip");
  ASSERT_EQ(archive.status, 200) << archive.body;
  EXPECT_THAT(archive.headers.at("x-lectern-warnings"), HasSubstr("locked.pdf: is encrypted"));
}

TEST(DocumentResults, AreNotMadeForClientsThatWent) {
  const TempFolder folder;
  GoneClients gone;
  const Echo serving(folder / "data", [&](ServerOptions& options) {
    options.access_log = [&](const std::string& line) { gone.take(line); };
  });
  const std::string id = serving.send(pdf_of_pages(1));
  serving.watch(id);
  const std::string result = "/v1/documents/" + id + "/result?format=";
  // While the archive is made, a client asks for another look, and goes.
  HeldResult held(folder / "data/jobs" / id / "result.md");
  std::thread other([&] { ask(serving.port, "GET", result + "zip"); });
  held.wait_for_reader();
  for (int count = 1; count <= 2; ++count) {  // they are told of one after the other
    {
      const HttpClient impatient(serving.port);
      impatient.request("GET", result + "txt&page_breaks=keep");
    }
    gone.wait_for(count);
  }
  held.let_go();
  other.join();
  EXPECT_EQ(ask(serving.port, "GET", result + "html&headers=drop").status, 200);
  EXPECT_FALSE(fs::exists(folder / "data/jobs" / id / "result-breaks.txt"));
}

TEST(DocumentResults, OfADocumentThatIsDeletedMeanwhileAreNotThere) {
  const TempFolder folder;
  const Echo serving(folder / "data");
  const std::string id = serving.send(pdf_of_pages(1));
  serving.watch(id);
  HeldResult held(folder / "data/jobs" / id / "result.md");
  HttpReply reply;
  std::thread other([&] { reply = ask(serving.port, "GET", "/v1/documents/" + id + "/result?format=zip"); });
  held.wait_for_reader();
  EXPECT_EQ(ask(serving.port, "DELETE", "/v1/documents/" + id).status, 200);
  held.let_go();
  other.join();
  EXPECT_EQ(reply.status, 404) << reply.body;
}

}  // namespace
}  // namespace lectern::server
