// How a page is read once more on which the model repeated itself to the end: first cut into tiles, where the model
// knows them and they were not tried, then in two halves.
//
//   for (int attempt = 0; page.finish == "loop"; ++attempt) {
//     const auto retry = next_retry(attempt, used, native_size, picture);
//     if (!retry) break;
//     DocumentPage again = <as page before it was read>;
//     for (const PagePart& part : retry->parts) append_part(again, <what is read with retry->plan of part>, part.top);
//     page = better_of(std::move(page), std::move(again), retry->action);
//   }
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/picture.h"
#include "lectern/document.h"
#include "vision/views.h"

namespace lectern {

struct PagePart {
  int top = 0;
  int bottom = 0;  // exclusive
};

struct RetryPlan {
  std::string action;  // "tiles" or "halves", as in GuardReport
  ViewPlan plan;
  std::vector<PagePart> parts;  // from the top, to be read one after the other
};

// The plan of attempt 0, 1, ... for a page that was read with `used` first; nothing when all were taken.
std::optional<RetryPlan> next_retry(int attempt, const ViewPlan& used, int native_size, const Picture& page);

// Of two readings of a page, the one that came to its end, or else got farther; its guard tells of all loops found.
DocumentPage better_of(DocumentPage before, DocumentPage again, const std::string& action);

}  // namespace lectern
