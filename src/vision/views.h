// The views of a page that the model looks at: the whole page in one square and, in gundam mode, square tiles of it at
// a higher resolution. Bit by bit as the published code makes them with Pillow. All sizes are in pixels.
#pragma once

#include <utility>
#include <vector>

#include "checkpoint/model_description.h"
#include "core/picture.h"

namespace lectern {

struct Views {
  Picture whole;               // [plan.whole, plan.whole, 3]
  std::vector<Picture> tiles;  // rows * columns of [plan.tile, plan.tile, 3], row by row; none for a small page
  int columns = 1, rows = 1;   // of tiles
  std::vector<Views> further;  // pages after this one in the same sequence
};

// The (columns, rows) of tiles whose aspect ratio is closest to that of a page of width x height, among the grids of
// min_tiles to max_tiles. On an exact tie the larger grid wins only when the page covers more than half of its area.
std::pair<int, int> tile_grid(int width, int height, int tile, int min_tiles, int max_tiles);

// Throws Error when the page has no pixels or the plan has a side that is not positive.
Views make_views(const Picture& page, const ViewPlan& plan);

}  // namespace lectern
