#include "server/documents/jobs/group_text.h"

#include <algorithm>

#include "core/text.h"
#include "layout/raw_pages.h"

namespace lectern::server {

std::vector<GroupText::Piece> GroupText::push(size_t keep, std::string_view more) {
  std::vector<Piece> pieces;
  if (keep < end_) {  // taken back: all is told anew
    for (size_t i = 0; i < told_.size(); ++i) {
      if (told_[i] > 0) pieces.push_back({i, 0, ""});
      told_[i] = 0;
    }
    marked_ = false;
    page_ = begin_ = end_ = 0;
  }
  text_.resize(std::min(keep, text_.size()));
  text_ += more;
  part(pieces);
  return pieces;
}

void GroupText::part(std::vector<Piece>& pieces) {
  const auto tell = [&](size_t end) {
    if (end <= end_) return;
    pieces.push_back({page_, told_[page_], text_.substr(end_, end - end_)});
    told_[page_] += end - end_;
    end_ = end;
  };
  const std::string_view text = text_;
  size_t at = text.find('<', end_);
  while (at != std::string_view::npos) {
    const bool may_be_one =
        (at == 0 || text[at - 1] == '\n') && page_begin.starts_with(text.substr(at, page_begin.size()));
    if (!may_be_one) {
      at = text.find('<', at + 1);
      continue;
    }
    const size_t behind = at + page_begin.size();
    if (behind >= text.size()) return tell(at);  // it, or the line break behind it, has not come yet
    const bool begins_first = !marked_ && is_blank(text.substr(begin_, at - begin_));
    if (!begins_first && page_ + 1 == told_.size()) break;  // one too many belongs to the last page
    if (!begins_first) {
      tell(at);
      ++page_;
    }
    marked_ = true;
    begin_ = end_ = behind + (text[behind] == '\n' ? 1 : 0);
    at = text.find('<', end_);
  }
  tell(text.size());
}

}  // namespace lectern::server
