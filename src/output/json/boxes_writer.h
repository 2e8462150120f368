// Pictures of the pages with the boxes of their blocks, as PNG: FILE for a document of one page, else a folder beside
// it, NAME_boxes/page-N.png for NAME.boxes.png.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_boxes_writer(const Destination& to, const DocumentInfo& info);

}  // namespace lectern
