// Independent columns, such as a side bar and the text beside it: their lines do not stand in rows.
#pragma once

#include <optional>

#include "lines/segmentation/part_grid.h"

namespace lectern {

struct SideColumns {
  Parts above, left, right, below;
};

// The longest stretch of a page, in lines, that white divides from top to bottom into such columns.
std::optional<SideColumns> find_side_columns(const Parts& parts);

}  // namespace lectern
