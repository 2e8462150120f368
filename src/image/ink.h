// Checks on the ink of a page: blank pages, and text that the model missed.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// True if the page shows only paper, noise, specks, ruling lines and black borders of a scanner. In doubt, a page is
// not blank.
bool is_blank(const Picture& page);

// Finds lines of text outside all boxes; neighbouring lines form one box, sorted from the top.
std::vector<Box> uncovered_ink(const Picture& page, std::span<const Box> covered);

// Warning "nothing_read": there is ink, but neither text nor a figure was read.
std::optional<Warning> unread_ink(const Page& page, const Picture& picture);

// Warning "little_read": hardly any text was read from a page with many letters and no figure.
std::optional<Warning> little_read(const Page& page, const Picture& picture);

}  // namespace lectern
