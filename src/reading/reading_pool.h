// Interface of pools that read the pages of a run: workers of its own (page_workers.h), or those that a server shares.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reading/page_reader.h"

namespace lectern {

struct WorkerReport {
  std::string device;
  int64_t pages = 0;    // read by it
  double seconds = 0;   // at work
  std::string failure;  // not empty: why it was taken out
};

// A page to be read.
struct PageTask {
  PageJob job;         // its ticket orders the pages
  std::string name;    // for messages
  int attempts = 0;    // on readers that failed
  bool alone = false;  // it was in flight when a step failed: whose fault that was shows when each is read by itself
  bool cancelled = false;
  std::vector<size_t> too_large_for;  // workers that had not the memory for it, even alone,
  std::string too_large;              // and what the last of them said
};

// Events of pages and workers.
struct WorkerEvent {
  enum class Kind : uint8_t {
    text,      // as in PageEvent
    progress,  // as in PageEvent
    finished,  // the page was read, or says why not; its last event
    lost,      // a worker was taken out
  };
  Kind kind = Kind::text;
  size_t ticket = 0;                         // not of lost
  size_t keep = 0;                           // text
  std::string more{};                        // text
  Progress progress{};                       // progress
  Page page{};                               // finished
  std::vector<FurtherPage> further{};        // finished: of the same sequence
  std::shared_ptr<const Picture> picture{};  // finished: of the page
  std::string device{}, failure{};           // lost
};

// One thread adds pages; any thread may call the rest. A stop, of which a pool is told when it is made, ends the pages
// on their way.
class ReadingPool {
 public:
  virtual ~ReadingPool() = default;

  // Waits until fewer than `max_waiting` pages wait for a reader, or for the stop.
  virtual void wait_for_room(size_t max_waiting) = 0;
  virtual void add(PageTask task) = 0;
  // No page will be added any more.
  virtual void close() = 0;
  // Why no page can be read any more; empty: pages can be read.
  virtual std::string dead() const = 0;
  // Waits for the last page, or for the end of those in flight after a stop. Throws Error when no worker could be made.
  virtual std::vector<WorkerReport> join() = 0;
};

}  // namespace lectern
