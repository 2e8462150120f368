// A server of documents in the test's process, with models whose text is known.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lectern/error.h"
#include "server/documents/forms.h"
#include "server/fake_model.h"
#include "server/http/http_client.h"
#include "server/server.h"
#include "support/pdf_builder.h"

namespace lectern::testing {

// Reads every page at once: its text is its name.
class EchoModel : public server::ServedModel {
 public:
  const std::string& name() const override { return name_; }
  DocumentInfo info() const override {
    DocumentInfo info;
    info.model = "/models/echo";
    info.prompt = "free";
    return info;
  }
  void check(const server::PageOptions& options) const override {
    if (options.mode == "gundam") throw Error("echo: does not know mode gundam");
  }
  std::function<void()> submit(const std::vector<Image>& images, const server::PageOptions& options,
                               std::function<void(server::PageNews)> tell) override {
    const Image& image = images.front();
    ++pages;
    server::PageNews news;
    tell(news);
    news.kind = server::PageNews::Kind::text;
    news.more = image.name() + " by " + options.prompt;
    tell(news);
    if (image.name().find("torn") != std::string::npos) {
      news.kind = server::PageNews::Kind::failed;
      news.error = image.name() + ": is torn";
    } else {
      news.kind = server::PageNews::Kind::finished;
      lectern::Page page = image.about();
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

inline std::string pdf_of_pages(int count) {
  std::vector<PdfPage> pages;
  for (int i = 0; i < count; ++i) pages.push_back({"BT /F 20 Tf 20 40 Td (Page " + std::to_string(i + 1) + ") Tj ET"});
  return pdf_of(pages);
}

// One page, so many bytes long.
inline std::string large_pdf(size_t bytes) {
  return pdf_of({PdfPage{"%" + std::string(bytes, 'x') + "\nBT /F 20 Tf 20 40 Td (Large) Tj ET"}});
}
inline constexpr int64_t mebibyte = 1 << 20;

template <typename Model>
class Serving {
 public:
  explicit Serving(const std::filesystem::path& data, const std::function<void(server::ServerOptions&)>& change = {}) {
    server::ServerOptions options;
    options.port = 0;
    options.http.connections_per_address = 0;
    // However slow the machine is.
    options.http.idle = options.http.head = options.http.body = std::chrono::hours(1);
    options.http.keep_alive = std::chrono::hours(1);  // no comments between events
    options.documents.folder = data;
    if (change) change(options);
    std::vector<server::ModelSource> sources(1);
    sources[0].load = [this] {
      auto made = std::make_unique<Model>();
      model = made.get();
      return made;
    };
    sources[0].name = Model().name();
    auto shelf = std::make_unique<server::ModelShelf>(std::move(sources));
    shelf->load(shelf->sources().front());
    running = std::make_unique<server::Server>(std::move(options), std::move(shelf));
    const std::string url = running->url();
    port = std::stoi(url.substr(url.rfind(':') + 1));
  }

  HttpReply get(const std::string& path, const std::string& headers = "") const {
    return ask(port, "GET", path, "", headers);
  }
  nlohmann::json job(const std::string& id) const { return nlohmann::json::parse(get("/v1/documents/" + id).body); }
  std::string send(const std::string& pdf, const std::string& more = "", const std::string& name = "scan.pdf") const {
    const HttpReply reply = send_form(port, form_file(name, pdf) + more);
    if (reply.status != 201) throw std::runtime_error(reply.body);
    return nlohmann::json::parse(reply.body)["id"];
  }
  // Its events until the end.
  std::string watch(const std::string& id, const std::string& headers = "") const {
    return get("/v1/documents/" + id + "/events", headers).body;
  }
  HttpReply result(const std::string& id, const std::string& format) const {
    return get("/v1/documents/" + id + "/result?format=" + format);
  }

  Model* model = nullptr;
  std::unique_ptr<server::Server> running;
  int port = 0;
};

using Echo = Serving<EchoModel>;

// Of the page that a fake model was given; they come in any order.
inline size_t index_of(FakeModel& model, size_t count, const std::string& page) {
  model.wait_for(count);
  for (size_t i = 0; i < count; ++i) {
    if (model.name_of(i).ends_with(page)) return i;
  }
  throw std::runtime_error("no " + page);
}

}  // namespace lectern::testing
