// How the results of a job look: the switches of `lectern read`, as fields of its form and in the query of a result.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lectern/output.h"
#include "server/documents/store/document_store.h"

namespace lectern::server {

bool is_result_option(std::string_view name);

// Reads those of `fields` that are result options. Throws ApiError, naming the field.
OutputOptions parse_result_options(const std::map<std::string, std::string>& fields);

// Of a result of the job: what the query asks for goes before what came with the document.
OutputOptions options_of_result(const DocumentJob& job, std::map<std::string, std::string> query);

// Part of a file's name: equal for equal options, empty for those that nobody asked for.
std::string result_tag(const OutputOptions& options);

}  // namespace lectern::server
