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
  std::string name;                                       // for messages
  std::function<std::unique_ptr<PageSource>()> open;      // on the rendering thread; throws Error
  std::function<std::vector<int>(int pages)> choose;      // indices of the pages to read, ascending; all when empty
  std::function<std::optional<DocumentPage>(int)> known;  // a page by its index that was read before; may be empty
};

struct PipelineOptions {
  size_t memory = size_t{256} << 20;                       // bytes of the pictures alive
  size_t ahead = 8;                                        // rendered pages that wait for a reader
  size_t waiting = 1024;                                   // pages not yet handed on
  std::function<bool(const DocumentPage&)> wants_picture;  // to be handed on with this page; on any thread
  // On the rendering thread, before a page is read: may turn it, and sets `finish` of a page that need not be read.
  std::function<void(SourcePage&, DocumentPage&)> prepare;
  std::stop_token stop;
};

// All on the caller's thread, all may be empty. An exception from one ends the run and is passed on.
struct PipelineEvents {
  // In the order of documents and pages.
  std::function<void(size_t document, int pages, size_t chosen)> begin;
  std::function<void(size_t document, const DocumentPage& page, const std::shared_ptr<const Picture>& picture)> page;
  std::function<void(size_t document)> end;  // after the last page; not when the run was stopped before
  std::function<void(size_t document, const std::string& message)> failed;  // could not be opened; no other event
  // As it happens.
  std::function<void(size_t document, int pages, size_t chosen)> opened;
  std::function<void(size_t document, const DocumentPage& page)> known;
  std::function<void(size_t document, const DocumentPage& page)> finished;  // read now; not for a known page
  // As in PageJob, for the page whose turn it is.
  std::function<void(size_t document, int number, size_t keep, std::string_view more)> text;
  std::function<void(size_t document, int number, const Progress& progress)> progress;
  std::function<void(const std::string& device, const std::string& failure)> lost;  // a worker, and why
};

struct PipelineReport {
  std::vector<WorkerReport> workers;
  size_t peak_picture_bytes = 0;
  bool stopped = false;
};

// Throws Error when no worker could be made.
PipelineReport run_pipeline(const std::vector<PipelineDocument>& documents, const std::vector<PageWorker>& workers,
                            const PipelineOptions& options, const PipelineEvents& events);

}  // namespace lectern
