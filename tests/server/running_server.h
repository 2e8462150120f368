// A server in the test's process, and what its clients ask for.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/temp_folder.h"
#include "lectern/error.h"
#include "output/base64.h"
#include "server/fake_model.h"
#include "server/http/http_client.h"
#include "server/server.h"

namespace lectern::testing {

inline nlohmann::json picture_part(const std::string& bytes) {
  return {{"type", "image_url"}, {"image_url", {{"url", "data:image/png;base64," + base64(bytes)}}}};
}

inline const nlohmann::json& page_part() {
  static const nlohmann::json part = picture_part(slurp(LECTERN_SAMPLES "/hello.png"));
  return part;
}

inline std::string chat_body(const nlohmann::json& content, const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json body = {{"messages", {{{"role", "user"}, {"content", content}}}}};
  body.update(more);
  return body.dump();
}

inline std::string one_page(const nlohmann::json& more = nlohmann::json::object()) {
  return chat_body(nlohmann::json::array({page_part()}), more);
}

inline constexpr const char* chat_path = "/v1/chat/completions";

inline server::ServerOptions quiet_options() {
  server::ServerOptions options;
  options.port = 0;
  options.http.connections_per_address = 0;
  // However slow the machine is.
  options.http.idle = options.http.head = options.http.body = std::chrono::hours(1);
  options.http.keep_alive = std::chrono::hours(1);  // no comments between events
  return options;
}

// A server with two models: one whose pages end when a test says so, and one that cannot be loaded.
struct RunningServer {
  explicit RunningServer(server::ServerOptions options = quiet_options()) {
    auto shelf = std::make_unique<server::ModelShelf>(std::vector<server::ModelSource>{
        {.name = "ocr",
         .modes = {"auto", "native"},
         .prompts = {"free"},
         .load =
             [this] {
               auto made = std::make_unique<FakeModel>();
               model = made.get();
               return made;
             }},
        {.name = "lost", .modes = {}, .prompts = {}, .load = []() -> std::unique_ptr<server::ServedModel> {
           throw Error("/secret/place: lost");
         }}});
    shelf->load(shelf->sources().front());
    running = std::make_unique<server::Server>(std::move(options), std::move(shelf));
    const std::string url = running->url();
    port = std::stoi(url.substr(url.rfind(':') + 1));
  }

  HttpReply get(const std::string& path, const std::string& headers = "") const {
    return ask(port, "GET", path, "", headers);
  }
  // The value of a line of /metrics; empty where it lacks.
  std::string metric(const std::string& name) const {
    const std::string text = "\n" + get("/metrics").body;
    const size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "";
    const size_t value = at + name.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  void wait_for_metric(const std::string& name, const std::string& value) const {
    while (metric(name) != value) std::this_thread::yield();
  }

  FakeModel* model = nullptr;
  std::unique_ptr<server::Server> running;
  int port = 0;
};

inline nlohmann::json error_of(const HttpReply& reply) { return nlohmann::json::parse(reply.body).at("error"); }

}  // namespace lectern::testing
