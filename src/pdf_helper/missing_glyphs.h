// Characters of a page for which poppler draws a box or nothing: their font is not in the file, and the one that stands
// for it does not have them. poppler says nothing of that.
#pragma once

#include <string>
#include <vector>

namespace poppler {
class document;
class page;
}  // namespace poppler

namespace lectern::pdf {

// A line for each such font. `index` is that of the page. Looks at composite fonts alone, as those of Chinese, Japanese
// and Korean; what stands for the others has their characters.
std::vector<std::string> missing_glyphs(const poppler::document& document, const poppler::page& page, int index);

}  // namespace lectern::pdf
