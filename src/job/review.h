// Selection of pages and blocks with low confidence for review by a person.
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
