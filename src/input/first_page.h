// A picture file as one page: of a file with several pages the first, with a warning that there are more.
#pragma once

#include <string>

#include "image/picture_file.h"
#include "input/input_file.h"
#include "lectern/image.h"

namespace lectern {

// Throws Error, naming the file as it names itself, when it cannot be read. `name` is that of the image.
Image first_page(InputFile file, std::string name, const PictureLimits& limits);

}  // namespace lectern
