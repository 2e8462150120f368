// Streaming of page text to a terminal.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

namespace lectern::cli {

class LiveText {
 public:
  using PageKey = std::pair<size_t, int>;  // input and page number

  // As in DocumentEvents. Nothing can be taken back: a page that is read anew is written anew below.
  void text(const PageKey& page, size_t keep, std::string_view more);
  // Whether the cursor stands at the end of an unfinished line.
  bool line_open() const { return line_open_; }
  void close_line();

 private:
  void put(std::string_view text);

  PageKey page_{};
  size_t put_ = 0;  // bytes of its text
  bool written_ = false;
  bool line_open_ = false;
};

}  // namespace lectern::cli
