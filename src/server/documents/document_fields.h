// The fields of a document's form, beside the file: checked, and as the options of its pages.
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
  OutputOptions output;  // of its results, unless they are asked for with others
};

inline constexpr std::string_view secret_field = "password";  // that is shown to nobody

bool is_document_field(std::string_view name);

// Throws ApiError, naming the field.
DocumentFields parse_document_fields(const std::map<std::string, std::string>& fields);

// As they were given, and back.
std::string fields_to_json(const std::map<std::string, std::string>& fields);
std::map<std::string, std::string> fields_from_json(const std::string& json);

}  // namespace lectern::server
