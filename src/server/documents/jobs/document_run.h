// One job, read by the code that reads documents for the command line (job/pipeline.h): its pages go through the feed,
// and each is stored when it was read. What was stored before is not read again.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "server/documents/document_events.h"
#include "server/documents/store/data_folder.h"
#include "server/documents/store/document_store.h"
#include "server/page_feed.h"
#include "server/served_model.h"

namespace lectern::server {

// Where jobs come from and go to; all of it outlives them.
struct DocumentPlace {
  const DataFolder& folder;
  DocumentStore& store;
  DocumentEvents& events;
  PageFeed& feed;
  // By its name; null where there is none any more. Throws Error where it cannot be loaded.
  std::function<std::shared_ptr<ServedModel>(const std::string&)> model;
  int64_t max_pixels = 64'000'000;  // of a page
  int64_t keep_seconds = 0;         // jobs that have ended
  std::function<int64_t()> now;     // seconds since 1970
};

enum class RunEnd : uint8_t {
  ended,     // nothing is left to do
  stopped,   // by `stop` or `hold`: the rest of the pages waits
  no_room,   // the disk is full: likewise
  no_model,  // it could not be loaded: likewise
};

// Tells those who watch how the job stands now.
void tell_change(const DocumentPlace& place, const std::string& id);
// That it has ended.
void tell_end(const DocumentPlace& place, const std::string& id);

// `hold` lets pages that are being read come to their end, `stop` does not. The job fails when its model cannot be
// loaded and `is_last_try`.
RunEnd run_document(const DocumentJob& job, const DocumentPlace& place, const std::stop_token& stop,
                    const std::stop_token& hold, bool is_last_try);

}  // namespace lectern::server
