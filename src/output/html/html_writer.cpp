// HTML: one file that needs no other, each page's picture with its blocks marked beside their text.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/text.h"
#include "image/picture_encoder.h"
#include "layout/markup.h"
#include "layout/text/text_tree.h"
#include "output/base64.h"
#include "output/document_names.h"
#include "output/html/block_html.h"
#include "output/html/html_page.h"
#include "output/output_file.h"
#include "output/page_blocks.h"
#include "output/page_note.h"
#include "output/writers.h"

namespace lectern {
namespace {

constexpr int picture_quality = 70;
constexpr int max_side = 1400;  // pixels; small print stays readable

std::string facts_of(const DocumentInfo& info) {
  std::string facts = "Lectern " + info.version;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) facts += " \u00B7 " + name + " " + value;
  };
  add("model", model_label(info.model));
  add("weights", std::string(name_of(info.weights)));
  add("device", info.device);
  add("prompt", info.prompt);
  return facts;
}

std::string facts_of(const Page& page) {
  std::string facts = fmt::format("Page {}", page.number);
  if (page.mode) facts += fmt::format(" \u00B7 mode {}", name_of(*page.mode));
  if (page.turn != 0) facts += fmt::format(" \u00B7 turned by {}\u00B0", page.turn);
  if (page.stats.vision_tokens > 0) facts += fmt::format(" \u00B7 {} vision tokens", page.stats.vision_tokens);
  if (page.stats.tokens > 0) facts += fmt::format(" \u00B7 {} text tokens", page.stats.tokens);
  return facts;
}

// The language of a script that is mostly used for one; empty where the script does not tell.
std::string_view language_of(std::string_view text) {
  struct Script {
    char32_t first, last;
    std::string_view language;
  };
  constexpr Script scripts[] = {{0x0590, 0x05FF, "he"}, {0x0600, 0x06FF, "ar"}, {0x0370, 0x03FF, "el"},
                                {0x0E00, 0x0E7F, "th"}, {0x3040, 0x30FF, "ja"}, {0x4E00, 0x9FFF, "zh"},
                                {0xAC00, 0xD7A3, "ko"}};
  constexpr size_t enough = 2000;  // bytes
  std::array<size_t, std::size(scripts)> counts{};
  size_t letters = 0;
  for (const char32_t c : characters_of(text.substr(0, enough))) {
    letters += c >= 0xC0 || (c < 0x80 && is_letter(static_cast<char>(c))) ? 1 : 0;
    for (size_t i = 0; i < std::size(scripts); ++i) {
      counts[i] += scripts[i].first <= c && c <= scripts[i].last ? 1 : 0;
    }
  }
  // Some kana among Chinese characters make the text Japanese.
  counts[4] = counts[4] * 10 > counts[5] ? counts[4] + counts[5] : 0;
  const auto most = static_cast<size_t>(std::ranges::max_element(counts) - counts.begin());
  return 2 * counts[most] > letters ? scripts[most].language : std::string_view();
}

class HtmlWriter final : public DocumentWriter {
 public:
  HtmlWriter(const Destination& to, const DocumentInfo& info, const OutputOptions& options)
      : file_(to), options_(options) {
    file_.write(html_head(document_title(info.source), facts_of(info)));
  }

  void page(const Page& page, const Picture* picture) override {
    file_.write(fmt::format("<section id=\"page-{}\">\n<h2>{}</h2>\n", page.number, escape_markup(facts_of(page))));
    if (const std::string note = page_note(page); !note.empty()) {
      file_.write("<p class=\"note\">" + escape_markup(note) + "</p>\n");
    }
    const bool sized = page.width > 0 && page.height > 0;
    file_.write("<div class=\"pair\">\n");
    if (sized) write_picture(page, picture);
    file_.write("<div class=\"text\">\n");
    const std::vector<const Block*> blocks = blocks_to_write(page, options_);
    for (size_t i = 0; i < blocks.size(); ++i) {
      const std::string_view language = language_of(blocks[i]->text);
      file_.write(fmt::format("<div class=\"block\" tabindex=\"0\" dir=\"auto\"{} data-b=\"{}-{}\">",
                              language.empty() ? "" : fmt::format(" lang=\"{}\"", language), page.number, i));
      if (!blocks[i]->label.empty() && blocks[i]->label != blocks[i]->text) {
        file_.write("<div class=\"label\" dir=\"ltr\" lang=\"en\">" + escape_markup(blocks[i]->label) + "</div>");
      }
      if (is_figure(*blocks[i]) && picture != nullptr) write_figures(*blocks[i], page.number, *picture);
      file_.write(block_html(*blocks[i]) + "</div>\n");
    }
    file_.write("</div>\n</div>\n</section>\n");
    if (file_.streams()) file_.flush();
  }

  void finish() override {
    file_.write(html_foot());
    file_.finish();
  }

 private:
  void write_picture(const Page& page, const Picture* picture) {
    file_.write(fmt::format("<div class=\"picture\" style=\"--w:{};--h:{}\">", page.width, page.height));
    if (picture != nullptr) {
      file_.write("<img alt=\"\" loading=\"lazy\" src=\"data:image/jpeg;base64,");
      file_.write(base64(encode_jpeg(*picture, picture_quality, max_side)));
      file_.write("\">");
    }
    const std::vector<const Block*> blocks = blocks_to_write(page, options_);
    for (size_t i = 0; i < blocks.size(); ++i) {
      for (const Box& box : blocks[i]->boxes) {
        file_.write(
            fmt::format("<div class=\"box\" data-b=\"{}-{}\" style=\"left:{:.2f}%;top:{:.2f}%;width:{:.2f}%;"
                        "height:{:.2f}%\"></div>",
                        page.number, i, 100 * box.left / page.width, 100 * box.top / page.height,
                        100 * (box.right - box.left) / page.width, 100 * (box.bottom - box.top) / page.height));
      }
    }
    file_.write("</div>\n");
  }

  void write_figures(const Block& block, int page, const Picture& picture) {
    for (const Box& box : block.boxes) {
      file_.write(fmt::format(
          "<img class=\"figure\" alt=\"Figure on page {}\" loading=\"lazy\" src=\"data:image/jpeg;base64,", page));
      file_.write(base64(encode_jpeg(crop(picture, box), picture_quality, max_side)));
      file_.write("\">");
    }
  }

  OutputFile file_;
  const OutputOptions options_;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_html_writer(const Destination& to, const DocumentInfo& info,
                                                 const OutputOptions& options) {
  return std::make_unique<HtmlWriter>(to, info, options);
}

}  // namespace lectern
