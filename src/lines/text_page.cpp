#include "lines/text_page.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lines/deskew.h"
#include "lines/segmentation/check_boxes.h"
#include "lines/segmentation/column_edges.h"
#include "lines/segmentation/frames.h"
#include "lines/segmentation/letters.h"
#include "lines/segmentation/line_parts.h"
#include "lines/segmentation/part_grid.h"
#include "lines/segmentation/reading_order.h"
#include "lines/segmentation/tables/ruled_tables.h"

namespace lectern {
namespace {

bool side_by_side(const PixelBox& a, const PixelBox& b) { return a.right <= b.left || b.right <= a.left; }

// A table is read before what stands below it in its column, else after what stands above it there.
void insert_table(TextBlock table, std::vector<TextBlock>& blocks) {
  auto place = blocks.end();
  for (auto block = blocks.begin(); block != blocks.end(); ++block) {
    if (side_by_side(block->box, table.box)) continue;
    if (block->box.middle() > table.box.middle()) {
      place = block;
      break;
    }
    place = block + 1;
  }
  blocks.insert(place, std::move(table));
}

}  // namespace

TextPage find_text(const Picture& page) {
  TextPage found;
  found.angle = skew_of(page);
  found.picture = turned(page, found.angle);
  Letters letters = find_letters(found.picture);
  std::vector<TextBlock> tables =
      take_ruled_tables(find_ruled_tables(letters.rules, letters.bars, letters.height), letters);
  found.blocks = arrange(part_at_columns(join_justified(find_line_parts(letters))), letters.rules.across,
                         find_frames(letters.rules, letters.height));
  for (TextBlock& table : tables) insert_table(std::move(table), found.blocks);
  mark_check_boxes(letters.check_boxes, found.blocks);
  return found;
}

Box on_page(const TextPage& page, const PixelBox& box) {
  const double width = page.picture.width, height = page.picture.height;
  const double angle = page.angle * std::numbers::pi / 180;
  const double dx = (box.left + box.right - width) / 2, dy = (box.top + box.bottom - height) / 2;
  const double x = width / 2 + dx * std::cos(angle) + dy * std::sin(angle);
  const double y = height / 2 - dx * std::sin(angle) + dy * std::cos(angle);
  return {std::clamp(x - box.width() / 2.0, 0.0, width), std::clamp(y - box.height() / 2.0, 0.0, height),
          std::clamp(x + box.width() / 2.0, 0.0, width), std::clamp(y + box.height() / 2.0, 0.0, height)};
}

}  // namespace lectern
