// Picture of a page with the boxes of its blocks drawn on it.
#pragma once

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// Each box in a colour of its label, with the block's number and label above it. A page without a picture is drawn on
// white, at its size if it has one; what must be said about the page stands at its top.
Picture with_boxes(const Page& page, const Picture* picture);

}  // namespace lectern
