// Content stream of a PDF page: its picture under text in an invisible font.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

// The codes that the characters of a document have in the font: each gets the next one when it first appears, and the
// font says at the end what they stand for.
class CharacterCodes {
 public:
  // Four hexadecimal digits a character.
  std::string encode(std::string_view text);
  // A CMap for /ToUnicode.
  std::string to_unicode() const;
  size_t count() const { return codes_.size() + 1; }

 private:
  std::map<char32_t, unsigned> codes_;  // from 1
};

// Points for a pixel of the page: from its dpi, or 200 where it has none; less for pages larger than a PDF may have.
double points_per_pixel(const Page& page);

// [a b c d e f], as in PDF, of the picture of a page: from a square of 1, as stored, to one of 1, as shown.
using PicturePlace = std::array<double, 6>;

// Of a page with the resources /Page (its picture, where one is shown) and /Hidden (the font). `picture` may be null;
// words are placed by its ink.
std::string page_content(const Page& page, const Picture* picture, const std::optional<PicturePlace>& shown,
                         CharacterCodes& codes);

// Of a page that shows nothing but a note, with the resource /Shown, a font of Latin letters.
std::string note_content(std::string_view note, double page_height);

}  // namespace lectern
