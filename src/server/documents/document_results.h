// What is made of a job's pages when it is asked for: files of every format, all of them as one archive, and pictures
// of the pages. Nothing is read again; what was made stays beside the job.
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
  std::string_view name, type;  // as asked for; of HTTP
};
// Throws ApiError for a name that is none.
const ResultFormat& result_format(std::string_view name);

// "scan.md" for the job of a file "scan.pdf".
std::string result_name(const DocumentJob& job, const ResultFormat& format);

struct MadeResult {
  std::filesystem::path file;
  std::vector<std::string> warnings;  // what could not be written as asked
};
// The file, made now unless it is there; of every format the one with the options that were asked for last stays. One
// call at a time. Throws ApiError where it cannot be made, and Error.
MadeResult make_result(const DocumentJob& job, const ResultFormat& format, const OutputOptions& options,
                       const DataFolder& folder, DocumentStore& store, int64_t max_pixels);

// The page as it was read, as a JPEG file, of at least this width where it is so wide; 0: in its full size. Throws
// Error where it cannot be had.
std::filesystem::path make_page_picture(const DocumentJob& job, int number, int width, const DataFolder& folder,
                                        DocumentStore& store, int64_t max_pixels);

}  // namespace lectern::server
