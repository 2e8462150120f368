// Interface of page readers, which read several pages at a time: a model on a device, or a fake for tests. Pages go in
// as jobs and come back as events; both are values.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/picture.h"
#include "device/device_failure.h"
#include "lectern/page.h"
#include "lectern/reader.h"

namespace lectern {

// A page that is read after another in one sequence.
struct FurtherPage {
  size_t ticket = 0;
  std::shared_ptr<const Picture> picture;
  Page page;
};

struct PageJob {
  size_t ticket = 0;                           // names the page in events; no two pages in flight have the same
  std::shared_ptr<const Picture> picture;      // upright
  Page page;                                   // what is known of it before it is read
  std::vector<FurtherPage> further;            // read with it, in one sequence, where the model knows that
  std::shared_ptr<const ReadOptions> options;  // of this page; none: those of the reader
  std::optional<std::chrono::steady_clock::time_point> deadline;  // ends it with what was read so far
};

// Marks a page as one that could not be read.
inline void fail(Page& page, std::string error, ErrorCode code) {
  page.error = std::move(error);
  page.error_code = code;
  page.finish = Finish::failed;
}

struct PageEvent {
  enum class Kind : uint8_t {
    text,      // more of it, while it is read
    progress,  // a stage begins, or a token was written
    finished,  // the last event: the page was read
    failed,    // the last event: it could not be read, for a reason that is its own
  };
  size_t ticket = 0;
  Kind kind = Kind::text;
  size_t keep = 0;            // text: cut the text so far to so many bytes,
  std::string more;           // then append this
  Progress progress;          // progress
  Page page;                  // finished
  std::vector<Page> further;  // finished: those of the job
  std::exception_ptr error;   // failed
};

// Thrown by add: the device had failed before, not because of this page.
class FailedBefore : public DeviceFailure {
 public:
  using DeviceFailure::DeviceFailure;
};

// One thread uses it. An exception from add concerns that page alone, which was not taken; one from step concerns all
// pages in flight, which are given up with clear(). DeviceFailure, from either, means that nothing works any more.
class PageReader {
 public:
  virtual ~PageReader() = default;
  virtual int room() const = 0;  // pages that can be added now
  virtual void add(PageJob job) = 0;
  // Ends the page soon, with what was read so far and finish "stopped". One that is not in flight is ignored.
  virtual void cancel(size_t ticket) = 0;
  // One step of every page in flight; what happened is appended to `events`, also when it throws.
  virtual void step(std::vector<PageEvent>& events) = 0;
  virtual void clear() = 0;  // drops the pages in flight
  // Load of its engine; `pages` is left 0.
  virtual ReaderLoad load() const { return {}; }
};

}  // namespace lectern
