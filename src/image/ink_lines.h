// Lines of text within a part of a page, found in its ink.
#pragma once

#include <vector>

#include "core/picture.h"
#include "image/ink_mask.h"
#include "lectern/page.h"

namespace lectern {

class PageInk {
 public:
  explicit PageInk(const Picture& page);

  // From the top, each as wide as its ink; lines that run from left to right or from right to left. Marks above and
  // below letters belong to their line. Empty where there is no ink, or more lines than text could have.
  std::vector<Box> lines(const Box& part) const;

 private:
  InkMask mask_;
};

}  // namespace lectern
