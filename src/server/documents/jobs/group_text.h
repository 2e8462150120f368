// Splitting of streamed text of several pages in one sequence, at <PAGE> at the beginning of a line; as
// layout/raw_pages.h does with complete text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::server {

class GroupText {
 public:
  explicit GroupText(size_t pages) : told_(pages) {}

  // Change of one page's text: cut to `keep` bytes, then append `more`.
  struct Piece {
    size_t page = 0;
    size_t keep = 0;
    std::string more;
  };
  // Cuts the whole text so far to `keep` bytes, then appends `more`. Holds back what may be the beginning of a mark.
  std::vector<Piece> push(size_t keep, std::string_view more);

 private:
  void part(std::vector<Piece>& pieces);

  std::vector<size_t> told_;  // bytes of every page
  std::string text_;          // of all, from the beginning
  bool marked_ = false;       // a mark was seen
  size_t page_ = 0;           // being written
  size_t begin_ = 0;          // of its text
  size_t end_ = 0;            // of what was told of it
};

}  // namespace lectern::server
