// Selection of the blocks of a page that formats for reading write.
#pragma once

#include <vector>

#include "output/writer.h"

namespace lectern {

// All but the headers, footers and page numbers that are not wanted; in order.
inline std::vector<const Block*> blocks_to_write(const Page& page, const OutputOptions& options) {
  std::vector<const Block*> blocks;
  for (const Block& block : page.blocks) {
    const BlockKind kind = block.kind();
    const bool dropped = (kind == BlockKind::header && !options.headers) ||
                         (kind == BlockKind::footer && !options.footers) ||
                         (kind == BlockKind::page_number && !options.page_numbers);
    if (!dropped) blocks.push_back(&block);
  }
  return blocks;
}

}  // namespace lectern
