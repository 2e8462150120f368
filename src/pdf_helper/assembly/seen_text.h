// Words that a page shows, and what of a layer of hidden words would say them again.
#pragma once

#include <qpdf/QPDFObjectHandle.hh>
#include <string>
#include <vector>

#include "pdf_helper/assembly/page_geometry.h"

namespace lectern::pdf {

// Where the page has words, as poppler finds them, in its own units. `shown` is the part of it that is seen, turned
// clockwise by so many degrees. Hidden words count too: they must be gone.
std::vector<Rectangle> seen_words(const QPDFObjectHandle& page, const Rectangle& shown, int turn);

// The content of a layer without the words whose middle lies in one of the rectangles, which `matrix` brings it to.
std::string without_words_over(const QPDFObjectHandle& layer, const Matrix& matrix,
                               const std::vector<Rectangle>& rectangles);

}  // namespace lectern::pdf
