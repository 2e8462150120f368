// A hub of one small model, as Hugging Face lays it out: /api/models/NAME/revision/R lists the files,
// /NAME/resolve/COMMIT/FILE gives small ones and sends large ones' readers on to another host.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "hub/digest.h"
#include "hub/http_server.h"

namespace lectern::testing {

inline std::string digest_of(hub::DigestKind kind, const std::string& content) {
  hub::Digest digest(kind, static_cast<int64_t>(content.size()));
  digest.add(std::as_bytes(std::span(content)));
  return digest.finish();
}

// The content from the byte that the request's Range names on, if it has one.
inline std::string ranged_answer(const ServedRequest& request, const std::string& content) {
  const std::string range = request.header("Range");
  if (range.empty()) return http_answer("200 OK", "Accept-Ranges: bytes\r\nETag: \"tag\"\r\n", content);
  const size_t from = std::stoul(range.substr(std::string("bytes=").size()));
  const std::string total = std::to_string(content.size());
  if (from >= content.size())
    return http_answer("416 Range Not Satisfiable", "Content-Range: bytes */" + total + "\r\n", "");
  return http_answer("206 Partial Content",
                     "ETag: \"tag\"\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                         std::to_string(content.size() - 1) + "/" + total + "\r\n",
                     content.substr(from));
}

class FakeHub {
 public:
  static constexpr const char* commit = "0123456789abcdef0123456789abcdef01234567";
  static constexpr const char* weights_name = "model-00001-of-000001.safetensors";

  FakeHub()
      : files{{"config.json", R"({"model_type": "test"})"},
              {"tokenizer.json", R"({"version": "1.0"})"},
              {weights_name, weights()},
              {"modeling_deepseekocr.py", "import os"},
              {"assets/show1.jpg", "picture"},
              {"README.md", "# read me"}},
        store_([this](const ServedRequest& request) { return on_store(request); }),
        hub_([this](const ServedRequest& request) { return on_hub(request); }) {}

  std::string url() const { return hub_.url(); }
  const HttpServer& hub() const { return hub_; }
  const HttpServer& store() const { return store_; }

  nlohmann::json listing() const {
    nlohmann::json list{{"id", "deepseek-ai/DeepSeek-OCR"}, {"sha", commit}, {"gated", false}};
    for (const auto& [name, content] : files) {
      nlohmann::json file{
          {"rfilename", name}, {"size", content.size()}, {"blobId", digest_of(hub::DigestKind::git_blob, content)}};
      if (name.ends_with(".safetensors")) {
        file["lfs"] = {
            {"sha256", digest_of(hub::DigestKind::sha256, content)}, {"size", content.size()}, {"pointerSize", 135}};
      }
      list["siblings"].push_back(file);
    }
    return list;
  }

  // Enough that it does not come in one piece.
  static std::string weights() {
    std::string content(300'000, '\0');
    unsigned state = 1;
    for (char& c : content) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return content;
  }

  // Set before the first request. An answer that is not given is the usual one.
  using Instead = std::function<std::optional<std::string>(const ServedRequest&)>;
  std::map<std::string, std::string> files;
  Instead instead_of_list, instead_of_file, instead_of_weights;

 private:
  std::string on_hub(const ServedRequest& request) {
    const std::string api = "/api/models/deepseek-ai/DeepSeek-OCR/revision/";
    const std::string resolve = std::string("/deepseek-ai/DeepSeek-OCR/resolve/") + commit + "/";
    if (request.target.starts_with(api)) {
      if (instead_of_list) {
        if (const auto answer = instead_of_list(request)) return *answer;
      }
      return http_answer("200 OK", "Content-Type: application/json\r\n", listing().dump());
    }
    if (!request.target.starts_with(resolve)) return http_answer("404 Not Found", "", "");
    if (instead_of_file) {
      if (const auto answer = instead_of_file(request)) return *answer;
    }
    const std::string name = request.target.substr(resolve.size());
    if (name == weights_name) {
      return http_answer("302 Found",
                         "Location: " + store_.url() +
                             "/blob?signature=1\r\nX-Linked-Size: " + std::to_string(files.at(name).size()) + "\r\n",
                         "Found. Redirecting");
    }
    const auto file = files.find(name);
    return file == files.end() ? http_answer("404 Not Found", "X-Error-Code: EntryNotFound\r\n", "")
                               : ranged_answer(request, file->second);
  }

  std::string on_store(const ServedRequest& request) {
    if (instead_of_weights) {
      if (const auto answer = instead_of_weights(request)) return *answer;
    }
    return ranged_answer(request, files.at(weights_name));
  }

  HttpServer store_, hub_;
};

}  // namespace lectern::testing
