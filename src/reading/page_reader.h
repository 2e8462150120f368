// What reads pages, several at a time: a model on a device, or a stand-in for tests.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/picture.h"
#include "lectern/document.h"
#include "lectern/reader.h"

namespace lectern {

struct PageJob {
  std::shared_ptr<const Picture> picture;  // upright
  DocumentPage page;                       // what is known of it before it is read
  std::stop_token stop;                    // ends the page soon, with what was read so far and finish "stopped"
  // More text to show while the page is read: what was given so far is cut to `keep` bytes, then `more` is appended.
  std::function<void(size_t keep, std::string_view more)> text;
  std::function<void(const Progress&)> progress;
  std::function<void(DocumentPage)> done;  // called once, from add or step; not for a page that was dropped
};

// One thread uses it. An exception from add concerns that page alone, which was not taken; one from step concerns all
// pages in flight, which are given up with clear(). DeviceFailure, from either, means that nothing works any more.
class PageReader {
 public:
  virtual ~PageReader() = default;
  virtual int room() const = 0;       // pages that can be added now
  virtual void add(PageJob job) = 0;  // takes as long as looking at the page does
  virtual void step() = 0;            // one step of every page in flight
  virtual void clear() = 0;           // drops the pages in flight
};

}  // namespace lectern
