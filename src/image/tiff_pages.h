// The pages of a TIFF, each to be read as if it were alone in its file. libvips finds a page by walking through all
// before it, and counts all whenever it opens one, so that thousands of pages would take time like their square.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>
#include <vips/vips8>

namespace lectern {

class TiffPages {
 public:
  // `file` must stay open for reading while this object lives. No pages for a file that is not a TIFF; none after a
  // damaged one.
  explicit TiffPages(int file);

  // How the list of pages ends.
  enum class End {
    whole,
    beyond_file,  // it points beyond the end of the file, which was cut
    unreadable,   // it points back, or to something other than a page
  };

  size_t size() const { return directories_.size(); }
  End end() const { return end_; }

  // Whether it is only a smaller copy of another page, or a mask (tags 254 and 255).
  bool is_copy(size_t index) const { return directories_[index].copy; }

  // The file, but for its header, which leads to this page, and the page's directory, which leads no further.
  vips::VSource page(size_t index) const;

 private:
  struct Directory {
    uint64_t begin = 0, next = 0;  // where it lies, and where it says where the next one lies
    bool copy = false;
  };
  End read_chain(uint64_t size);
  bool says_copy(uint64_t directory, uint64_t entries) const;
  uint64_t number_at(uint64_t at, size_t bytes) const;  // 0 where the file ends before it

  int file_;
  bool little_ = false;  // the first byte of a number is its lowest
  bool big_ = false;     // BigTIFF: 64-bit offsets
  std::vector<Directory> directories_;
  End end_ = End::whole;
};

}  // namespace lectern
