// Text of several pages in one sequence, while it is written: parted at <PAGE> at the beginning of a line, as
// layout/raw_pages.h does when all of it is there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::server {

class GroupText {
 public:
  explicit GroupText(size_t pages) : told_(pages) {}

  // Of one page: what was told of it is cut to `keep` bytes, then `more` is appended.
  struct Piece {
    size_t page = 0;
    size_t keep = 0;
    std::string more;
  };
  // The text so far is cut to `keep` bytes, then `more` is appended. What may become a mark waits for what follows.
  std::vector<Piece> push(size_t keep, std::string_view more);

 private:
  void part(std::vector<Piece>& pieces);

  std::vector<size_t> told_;  // bytes of every page
  std::string text_;          // of all, from the beginning
  bool marked_ = false;       // a mark was seen
  size_t page_ = 0;           // that is written,
  size_t begin_ = 0;          // where its text begins,
  size_t end_ = 0;            // and up to where it was told
};

}  // namespace lectern::server
