// Options of a job's results, those of `lectern read`: fields of its form, and parameters in the query for a result.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lectern/output.h"
#include "server/documents/store/document_store.h"

namespace lectern::server {

bool is_result_option(std::string_view name);

// Parses those of `fields` that are result options. Throws ApiError, naming the field.
OutputOptions parse_result_options(const std::map<std::string, std::string>& fields);

// Options for a result of the job: those of the query, which override those of the form.
OutputOptions options_of_result(const DocumentJob& job, std::map<std::string, std::string> query);

// Part of a file's name: equal for equal options, empty for the default ones.
std::string result_tag(const OutputOptions& options);

}  // namespace lectern::server
