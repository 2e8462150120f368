// Which pages and blocks a person should look at, since they are less sure than was asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lectern/documents.h"

namespace lectern {

// Nothing for a page that is sure enough, blank or could not be read.
std::optional<InputReport::Review> review_of(const Page& page, double below);

// A line for the page, where it is all to be looked at, and one for each of its blocks.
std::vector<std::string> lines_of(const InputReport::Review& review);

}  // namespace lectern
