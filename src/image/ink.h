// What the ink of a page tells without reading it: whether there is anything to read, and what was left out.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// Nothing on the page but paper, noise, specks, ruling lines and a scanner's black borders. In doubt, a page is not
// blank.
bool is_blank(const Picture& page);

// Where ink that looks like lines of text lies outside of every box: neighbouring lines as one box, from the top.
std::vector<Box> uncovered_ink(const Picture& page, std::span<const Box> covered);

// Ink on a page of which nothing came, neither text nor a figure: code "nothing_read".
std::optional<Warning> unread_ink(const Page& page, const Picture& picture);

// Many letters on a page, all of which should have been read to its end, of which hardly any came, and no figure: code
// "little_read".
std::optional<Warning> little_read(const Page& page, const Picture& picture);

}  // namespace lectern
