// Forms as browsers send them, and what comes back of documents.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http_client.h"

namespace lectern::testing {

inline constexpr std::string_view form_type = "Content-Type: multipart/form-data; boundary=part\r\n";

inline std::string form_field(std::string_view name, std::string_view value) {
  return "--part\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"\r\n\r\n" + std::string(value) +
         "\r\n";
}

inline std::string form_file(std::string_view file_name, std::string_view content, std::string_view name = "file") {
  return "--part\r\nContent-Disposition: form-data; name=\"" + std::string(name) + "\"; filename=\"" +
         std::string(file_name) + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + std::string(content) +
         "\r\n";
}

inline constexpr std::string_view form_end = "--part--\r\n";

inline HttpReply send_form(int port, const std::string& parts, const std::string& headers = "") {
  return ask(port, "POST", "/v1/documents", parts + std::string(form_end), std::string(form_type) + headers);
}

}  // namespace lectern::testing
