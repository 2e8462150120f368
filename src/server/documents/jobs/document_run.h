// Run of one job through the pipeline of the command line (job/pipeline.h): pages go through the feed and are stored as
// they finish. Pages that are stored already are not read again.
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

// What all jobs use. It must outlive them.
struct DocumentPlace {
  const DataFolder& folder;
  DocumentStore& store;
  DocumentEvents& events;
  PageFeed& feed;
  // A model by its name; null if the server does not have it any more. Throws Error if it cannot be loaded.
  std::function<std::shared_ptr<ServedModel>(const std::string&)> model;
  int64_t max_pixels = 64'000'000;  // of a page
  int64_t keep_seconds = 0;         // from the end of a job until it expires
  std::function<int64_t()> now;     // seconds since 1970
};

enum class RunEnd : uint8_t {
  ended,     // nothing is left to do
  stopped,   // by `stop` or `hold`: the other pages wait
  no_room,   // the disk is full: likewise
  no_model,  // the model could not be loaded: likewise
};

// Tells watching clients the state of the job.
void tell_change(const DocumentPlace& place, const std::string& id);
// Tells them that it has ended.
void tell_end(const DocumentPlace& place, const std::string& id);

// `hold` lets the pages finish that are being read, `stop` does not. If the model cannot be loaded, the job fails on
// the last try.
RunEnd run_document(const DocumentJob& job, const DocumentPlace& place, const std::stop_token& stop,
                    const std::stop_token& hold, bool is_last_try);

}  // namespace lectern::server
