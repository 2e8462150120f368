// The font of text that is searched but not seen: without outlines, every character as wide as half its height.
#pragma once

#include <string>

namespace lectern {

inline constexpr int glyphless_ascent = 800, glyphless_descent = -200, glyphless_width = 500;  // of 1000

// A TrueType file with one empty glyph.
std::string glyphless_font();

}  // namespace lectern
