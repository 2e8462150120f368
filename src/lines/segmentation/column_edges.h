// Parts of lines parted where a column begins behind a narrow gap: other rows begin a part there.
#pragma once

#include "lines/segmentation/part_grid.h"

namespace lectern {

Parts part_at_columns(Parts parts);

}  // namespace lectern
