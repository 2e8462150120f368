// The document of a job, opened as its fields ask: the same way when it is read, and when results and pictures are
// made.
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

// Pages of `max_pixels` at most. Throws Error where it cannot be opened, naming it as it was sent.
std::unique_ptr<PageSource> open_job(const DocumentJob& job, const DataFolder& folder, int64_t max_pixels,
                                     FindText find_text = FindText::no, const std::stop_token& stop = {});

// A page as it was read: `turn` is that of the page that was stored. Throws Error.
SourcePage page_as_read(PageSource& source, int number, int turn);

}  // namespace lectern::server
