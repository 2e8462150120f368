// Reads many documents: one thread renders their pages ahead of need, every reader works on a thread of its own on
// pages of any document together, and the caller's thread hands the pages on in order.
//
// Memory does not grow with the number of pages: rendering waits while the pictures alive fill the budget, or while
// too many pages wait for their turn. A reader that fails is taken out and its pages are read by the others.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "input/page_source.h"
#include "reading/page_workers.h"

namespace lectern {

struct PipelineDocument {
  std::string name;                                   // for messages
  std::function<std::unique_ptr<PageSource>()> open;  // on the rendering thread; throws Error
  std::function<std::vector<int>(int pages)> choose;  // indices of the pages to read, ascending; all when empty
  std::function<std::optional<Page>(int)> known;      // a page by its index that was read before; may be empty
};

struct PipelineOptions {
  size_t memory = size_t{256} << 20;               // bytes of the pictures alive
  size_t ahead = 8;                                // rendered pages that wait for a reader
  int pages_together = 1;                          // of one file, read in one sequence,
  size_t group_memory = SIZE_MAX;                  // or fewer: once their pictures have so many bytes, another begins
  size_t waiting = 1024;                           // pages not yet handed on
  std::function<bool(const Page&)> wants_picture;  // to be handed on with this page; on any thread
  // On the rendering thread, before a page is read: may turn it, and sets `finish` of a page that need not be read.
  std::function<void(SourcePage&, Page&)> prepare;
  std::stop_token stop;
};

// What happens in a run; which fields hold something depends on the kind.
struct PipelineEvent {
  enum class Kind : uint8_t {
    // In the order of documents and pages.
    begin,   // a document: document, pages, chosen
    page,    // of it: page, and its picture where it is wanted
    end,     // after its last page; not when the run was stopped before
    failed,  // it could not be opened: message, code; no other event of it
    // As it happens.
    opened,    // a document: document, pages, chosen
    known,     // a page that was read before: page
    finished,  // one that was read now: page
    text,      // as in PageEvent, of the page whose turn it is: number, keep, more
    progress,  // of a page: number, progress
    lost,      // a worker was taken out: device, message
  };
  Kind kind = Kind::begin;
  size_t document = 0;
  int pages = 0;                                 // of the file
  size_t chosen = 0;                             // of them
  std::shared_ptr<const OriginalFile> original;  // begin: of the document; may be null
  std::shared_ptr<const Page> page;
  std::shared_ptr<const Picture> picture;
  std::string message;
  ErrorCode code = ErrorCode::invalid_argument;
  std::string device;
  int number = 0;  // of the page
  size_t keep = 0;
  std::string more;
  Progress progress;
};

struct PipelineReport {
  std::vector<WorkerReport> workers;
  size_t peak_picture_bytes = 0;
  bool stopped = false;
};

// Makes what reads the pages; `stop` and `tell` as PageWorkers takes them.
using MakeReadingPool =
    std::function<std::unique_ptr<ReadingPool>(const std::stop_source& stop, std::function<void(WorkerEvent)> tell)>;

// `take` is called on the caller's thread; may be empty. An exception from it ends the run and is passed on. Throws
// Error when no worker could be made.
PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const MakeReadingPool& make_pool,
                            const PipelineOptions& options, const std::function<void(const PipelineEvent&)>& take);
// With workers of the run's own.
PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const std::vector<PageWorker>& workers,
                            const PipelineOptions& options, const std::function<void(const PipelineEvent&)>& take);

}  // namespace lectern
