#include "pdf_helper/missing_glyphs.h"

#include <ft2build.h>
#include FT_FREETYPE_H
#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-font.h>
#include <poppler/cpp/poppler-page.h>

#include <filesystem>
#include <map>
#include <memory>
#include <type_traits>
#include <vector>

namespace lectern::pdf {
namespace {

bool is_composite(const poppler::font_info& font) {
  using Type = poppler::font_info::type_enum;
  const Type type = font.type();
  return type == Type::cid_type0 || type == Type::cid_type0c || type == Type::cid_type0c_ot ||
         type == Type::cid_truetype || type == Type::cid_truetype_ot;
}

// What stands for a font.
class Substitute {
 public:
  Substitute(FT_Library library, std::string file) : file_(std::move(file)) {
    FT_Face face = nullptr;
    if (FT_New_Face(library, file_.c_str(), 0, &face) == 0) face_.reset(face);
  }

  bool is_known() const { return face_ != nullptr && face_->charmap != nullptr; }
  std::string name() const { return std::filesystem::path(file_).filename().string(); }
  void show(char32_t character) {
    constexpr char32_t no_break_space = 0xA0, ideographic_space = 0x3000;
    if (character <= ' ' || character == no_break_space || character == ideographic_space) return;
    if (FT_Get_Char_Index(face_.get(), character) == 0) ++missing_;
  }
  int missing() const { return missing_; }

 private:
  struct CloseFace {
    void operator()(FT_Face face) const { FT_Done_Face(face); }
  };
  std::string file_;
  std::unique_ptr<std::remove_pointer_t<FT_Face>, CloseFace> face_;
  int missing_ = 0;
};

struct EndLibrary {
  void operator()(FT_Library library) const { FT_Done_FreeType(library); }
};

// From UTF-16.
std::vector<char32_t> code_points(const poppler::ustring& text) {
  std::vector<char32_t> points;
  for (size_t i = 0; i < text.size(); ++i) {
    char32_t point = text[i];
    if (point >= 0xD800 && point < 0xDC00 && i + 1 < text.size()) {
      point = 0x10000 + ((point - 0xD800) << 10) + (text[++i] - 0xDC00U);
    }
    points.push_back(point);
  }
  return points;
}

}  // namespace

std::vector<std::string> missing_glyphs(const poppler::document& document, const poppler::page& page, int index) {
  const std::unique_ptr<poppler::font_iterator> fonts(
      const_cast<poppler::document&>(document).create_font_iterator(index));
  if (!fonts || !fonts->has_next()) return {};
  FT_Library started = nullptr;
  if (FT_Init_FreeType(&started) != 0) return {};
  const std::unique_ptr<std::remove_pointer_t<FT_Library>, EndLibrary> library(started);
  std::map<std::string, Substitute> substitutes;  // by the name of the font; they end before the library
  for (const poppler::font_info& font : fonts->next()) {
    if (font.is_embedded() || font.file().empty() || !is_composite(font)) continue;
    Substitute substitute(library.get(), font.file());
    if (substitute.is_known()) substitutes.emplace(font.name(), std::move(substitute));
  }
  if (substitutes.empty()) return {};
  for (const poppler::text_box& word : page.text_list(poppler::page::text_list_include_font)) {
    if (!word.has_font_info()) continue;
    const std::vector<char32_t> characters = code_points(word.text());
    for (size_t i = 0; i < characters.size(); ++i) {
      const auto found = substitutes.find(word.get_font_name(static_cast<int>(i)));
      if (found != substitutes.end()) found->second.show(characters[i]);
    }
  }
  std::vector<std::string> lines;
  for (const auto& [font, substitute] : substitutes) {
    if (substitute.missing() == 0) continue;
    const bool one = substitute.missing() == 1;
    lines.push_back(std::to_string(substitute.missing()) + (one ? " character is" : " characters are") +
                    " not drawn: the font " + font + " is not in the file, and " + substitute.name() +
                    ", which stands for it, lacks " + (one ? "it" : "them") + "; install a font that has " +
                    (one ? "it" : "them"));
  }
  return lines;
}

}  // namespace lectern::pdf
