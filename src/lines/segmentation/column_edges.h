// Columns after a narrow gap: parts of lines are split where other rows begin a part.
#pragma once

#include "lines/segmentation/part_grid.h"

namespace lectern {

Parts part_at_columns(Parts parts);

}  // namespace lectern
