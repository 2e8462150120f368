// Which blocks of a page the formats for reading write.
#pragma once

#include <vector>

#include "layout/labels.h"
#include "output/writer.h"

namespace lectern {

// All but the headers, footers and page numbers that are not wanted; in order.
inline std::vector<const Block*> blocks_to_write(const DocumentPage& page, const OutputOptions& options) {
  std::vector<const Block*> blocks;
  for (const Block& block : page.blocks) {
    const LabelKind kind = kind_of(block.label);
    const bool dropped = (kind == LabelKind::header && !options.headers) ||
                         (kind == LabelKind::footer && !options.footers) ||
                         (kind == LabelKind::page_number && !options.page_numbers);
    if (!dropped) blocks.push_back(&block);
  }
  return blocks;
}

}  // namespace lectern
