// Fields of a document's form besides the file: checked and parsed into the options of its pages.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "input/page_range.h"
#include "lectern/output.h"
#include "server/served_model.h"

namespace lectern::server {

inline constexpr size_t max_field_bytes = 16 << 10;

struct DocumentFields {
  std::string model;  // empty: the first
  PageRange pages;
  double dpi = 0;        // at which pages of a PDF are rendered; 0: as SourceOptions
  std::string password;  // of an encrypted PDF
  bool upright = false;  // turn scans that lie on their side or upside down
  PageOptions options;
  OutputOptions output;  // of its results, unless a request for one gives others
};

inline constexpr std::string_view secret_field = "password";  // never shown

bool is_document_field(std::string_view name);

// Throws ApiError, naming the field.
DocumentFields parse_document_fields(const std::map<std::string, std::string>& fields);

// The fields as given, to JSON and back.
std::string fields_to_json(const std::map<std::string, std::string>& fields);
std::map<std::string, std::string> fields_from_json(const std::string& json);

}  // namespace lectern::server
