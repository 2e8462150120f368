// How a page is read once more on which the model repeated itself to the end: first cut into tiles, where the model
// knows them and they were not tried, then in two halves, then block by block, as the lines of its text stand.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/picture.h"
#include "lectern/page.h"
#include "vision/views.h"

namespace lectern {

struct RetryPlan {
  Retry action = Retry::none;  // as in GuardReport
  ViewPlan plan;
  std::vector<Box> parts;  // to be read one after the other, in pixels of the page; empty: the page as it is
};

// The plan of attempt 0, 1, ... for a page that was read with `used` first; nothing when all were taken. `tiled`: the
// plan with tiles of a model that knows them.
std::optional<RetryPlan> next_retry(int attempt, const ViewPlan& used, const std::optional<ViewPlan>& tiled,
                                    const Picture& page);

// Of two readings of a page, the one that came to its end, or else got farther; its guard tells of all loops found.
Page better_of(Page before, Page again, Retry action);

// A page that is read in as many attempts as it takes:
//
//   do {
//     Page part = attempts.part();
//     <read attempts.picture() with attempts.plan() into it>
//   } while (attempts.take(std::move(part)));
//   Page page = attempts.result();
class PageAttempts {
 public:
  // `page` is what is known before it is read; `picture` is all of it. Unless it may be read again, there is one
  // attempt. With `by_blocks` the page is read block by block at once, and in no other way. No attempt has more than
  // `max_tokens`, in all of its parts; 0: as many as there are.
  PageAttempts(Page page, std::shared_ptr<const Picture> picture, const ViewPlan& plan,
               const std::optional<ViewPlan>& tiled, bool may_retry = true, bool by_blocks = false,
               int64_t max_tokens = 0);

  const Picture& picture() const { return now_.parts.empty() ? *picture_ : part_picture_; }  // what to read now
  const ViewPlan& plan() const { return now_.plan; }
  int64_t max_tokens() const;  // of it; 0: as many as there are
  Page part() const;           // what is known of it
  bool take(Page part);        // what was read of it, blocks included; whether there is more to read
  bool is_first() const { return attempts_ == 0; }               // attempt: nothing was read before
  bool begins_anew() const { return next_part_ == 0; }           // what is to be read now stands at the top of the page
  bool last_is_best() const { return last_is_best_; }            // the result is of the last attempt
  const std::vector<Box>& parts() const { return best_parts_; }  // of the page that the result is made of; empty: all
  Page result() { return std::move(best_); }

 private:
  void begin_part();
  bool goes_on(const Page& part);

  Page known_;
  std::shared_ptr<const Picture> picture_;
  ViewPlan first_plan_;
  std::optional<ViewPlan> tiled_plan_;
  bool may_retry_;
  int64_t max_tokens_;
  int attempts_ = 0;      // before the one that is under way
  RetryPlan now_;         // what is under way
  size_t next_part_ = 0;  // of it
  Picture part_picture_;
  Page again_;  // its parts so far
  Page best_;
  std::vector<Box> best_parts_;
  bool last_is_best_ = true;
};

}  // namespace lectern
