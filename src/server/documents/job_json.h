// Jobs and pages as JSON for clients, in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/output.h"
#include "lectern/page.h"
#include "server/documents/store/document_store.h"
#include "server/page_price.h"

namespace lectern::server {

// `keep_seconds`: from the end of a job until it expires.
std::string job_json(const DocumentJob& job, int64_t keep_seconds);
std::string list_json(const std::vector<DocumentJob>& jobs, bool has_more, int64_t keep_seconds);
std::string page_json(const StoredPage& page, const OutputOptions& options);
// Of a page that is not stored yet; `reading`: the expected cost of one that is being read.
std::string page_json(int number, const std::optional<PagePrice>& reading);

// Numbers, from 1, of the pages that a job reads; empty until they are known.
std::vector<int> page_numbers(const DocumentJob& job);
std::string numbers_json(const std::vector<int>& numbers);

// Facts for the head of documents, to JSON for the store and back.
std::string stored_info(const DocumentInfo& info);
DocumentInfo info_from(const std::string& stored);

std::string stored_page(const Page& page);
Page page_from(const StoredPage& page);

}  // namespace lectern::server
