#include "job/page_preparation.h"

#include <utility>

#include "image/ink.h"
#include "image/orientation.h"

namespace lectern {

void prepare_page(SourcePage& source, Page& page, bool upright) {
  if (upright) {
    const int turn = detect_orientation(source.picture).turn;
    source.picture = turned(std::move(source.picture), turn);
    source.turn = (source.turn + turn) % 360;
  }
  if (!is_blank(source.picture)) return;
  if (may_be_incomplete(page.warnings)) {
    page.finish = Finish::end;  // no model is asked: of nothing it would make something
    page.warnings.push_back({WarningCode::nothing_read, "nothing of the page can be seen", std::nullopt});
    return;
  }
  page.blank = true;
  page.finish = Finish::blank;
}

}  // namespace lectern
