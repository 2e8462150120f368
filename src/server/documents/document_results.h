// Results of a job, made of its stored pages on request: files of every format, an archive of all of them, and pictures
// of the pages. They are kept beside the job.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/output.h"
#include "server/documents/store/data_folder.h"
#include "server/documents/store/document_store.h"

namespace lectern::server {

struct ResultFormat {
  std::string_view name, type;  // in requests; of HTTP
};
// Throws ApiError for an unknown name.
const ResultFormat& result_format(std::string_view name);

// "scan.md" for the job of a file "scan.pdf".
std::string result_name(const DocumentJob& job, const ResultFormat& format);

struct MadeResult {
  std::filesystem::path file;
  std::vector<std::string> warnings;  // what could not be written as requested
};
// Makes the file unless it is there. Of each format, only the file with the latest options is kept. One call at a time.
// Throws ApiError if it cannot be made, and Error for failures of the server.
MadeResult make_result(const DocumentJob& job, const ResultFormat& format, const OutputOptions& options,
                       const DataFolder& folder, DocumentStore& store, int64_t max_pixels);

// The page as it was read, as a JPEG file at least so wide, if the page is; 0: in full size. Throws Error if it cannot
// be made.
std::filesystem::path make_page_picture(const DocumentJob& job, int number, int width, const DataFolder& folder,
                                        DocumentStore& store, int64_t max_pixels);

}  // namespace lectern::server
