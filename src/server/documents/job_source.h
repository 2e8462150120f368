// Opening of a job's document by its fields, the same for reading it and for making results and pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "input/page_source.h"
#include "server/documents/document_fields.h"
#include "server/documents/store/data_folder.h"
#include "server/documents/store/document_store.h"

namespace lectern::server {

DocumentFields fields_of(const DocumentJob& job);

// `max_pixels`: of a page. Throws Error, with the client's name of the document, if it cannot be opened.
std::unique_ptr<PageSource> open_job(const DocumentJob& job, const DataFolder& folder, int64_t max_pixels,
                                     FindText find_text = FindText::no, const std::stop_token& stop = {});

// A page as it was read; `turn` is that of the stored page. Throws Error.
SourcePage page_as_read(PageSource& source, int number, int turn);

}  // namespace lectern::server
