// hOCR: the subset that Tesseract writes and OCRmyPDF reads, as XHTML. The words of a block have boxes in proportion
// to their lengths, since the model says where blocks are.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "layout/markup.h"
#include "layout/text/shown_text.h"
#include "layout/text/text_tree.h"
#include "layout/word_boxes.h"
#include "output/document_names.h"
#include "output/output_file.h"
#include "output/page_note.h"
#include "output/writers.h"

namespace lectern {
namespace {

// Outwards to whole pixels.
std::string bbox(const Box& box) {
  return fmt::format("bbox {:.0f} {:.0f} {:.0f} {:.0f}", std::floor(box.left), std::floor(box.top),
                     std::ceil(box.right), std::ceil(box.bottom));
}

class HocrWriter final : public DocumentWriter {
 public:
  HocrWriter(const Destination& to, const DocumentInfo& info) : file_(to), info_(info) {
    const auto meta = [](std::string_view name, std::string_view content) {
      if (content.empty()) return std::string();
      return fmt::format("  <meta name=\"{}\" content=\"{}\"/>\n", name, escape_markup(content));
    };
    file_.write(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Transitional//EN\"\n"
        "    \"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd\">\n"
        "<html xmlns=\"http://www.w3.org/1999/xhtml\">\n <head>\n  <title>" +
        escape_markup(document_title(info.source)) +
        "</title>\n  <meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\"/>\n" +
        meta("ocr-system", "lectern " + info.version) +
        meta("ocr-capabilities", "ocr_page ocr_carea ocr_par ocr_line ocrx_word ocr_photo ocrp_wconf") +
        meta("ocr-number-of-pages", std::to_string(info.pages)) + meta("lectern-prompt", info.prompt) +
        meta("lectern-model", model_label(info.model)) + meta("lectern-weights", name_of(info.weights)) +
        meta("lectern-device", info.device) + " </head>\n <body>\n");
  }

  void page(const Page& page, const Picture* picture) override {
    number_ = page.number;
    blocks_ = paragraphs_ = lines_ = words_ = 0;
    std::string title = fmt::format("image \"{}\"; bbox 0 0 {} {}; ppageno {}", hocr_property(info_.source), page.width,
                                    page.height, pages_++);
    if (page.dpi > 0) title += fmt::format("; scan_res {0:.0f} {0:.0f}", page.dpi);
    title +=
        fmt::format("; x_mode {}; x_turn {}; x_vision_tokens {}; x_text_tokens {}",
                    page.mode ? name_of(*page.mode) : "none", page.turn, page.stats.vision_tokens, page.stats.tokens);
    file_.write(fmt::format("  <div class=\"ocr_page\" id=\"page_{}\" title=\"{}\">\n", number_, escape_markup(title)));
    if (const std::string note = page_note(page); !note.empty()) {
      file_.write("   <p class=\"lectern_note\">" + escape_markup(note) + "</p>\n");
    }
    const Box whole{0, 0, static_cast<double>(std::max(page.width, 1)), static_cast<double>(std::max(page.height, 1))};
    std::optional<PageInk> ink;
    if (picture != nullptr) ink.emplace(*picture);
    for (const Block& block : page.blocks) {
      if (is_figure(block)) {
        for (const Box& box : block.boxes)
          file_.write("   " + element("div", "ocr_photo", "block", ++blocks_, box) + "</div>\n");
      }
      for (const PlacedText& text : place_words(block, whole, ink ? &*ink : nullptr)) write_text(text);
    }
    file_.write("  </div>\n");
    if (file_.streams()) file_.flush();
  }

  void finish() override {
    file_.write(" </body>\n</html>\n");
    file_.finish();
  }

 private:
  std::string element(std::string_view tag, std::string_view type, std::string_view id, int index, const Box& box,
                      std::string_view more = "") const {
    return fmt::format("<{} class=\"{}\" id=\"{}_{}_{}\" title=\"{}{}\">", tag, type, id, number_, index, bbox(box),
                       more);
  }

  void write_text(const PlacedText& text) {
    std::string out = "   " + element("div", "ocr_carea", "block", ++blocks_, text.box) + "\n    " +
                      element("p", "ocr_par", "par", ++paragraphs_, text.box) + "\n";
    for (const PlacedLine& line : text.lines) {
      out += "     " + element("span", "ocr_line", "line", ++lines_, line.box, line.upward ? "; textangle 90" : "");
      for (size_t i = 0; i < line.words.size(); ++i) {
        const PlacedWord& word = line.words[i];
        const std::string sure =
            word.confidence ? fmt::format("; x_wconf {:.0f}", std::floor(*word.confidence * 100)) : "";
        out += (i > 0 ? " " : "") + element("span", "ocrx_word", "word", ++words_, word.box, sure) +
               escape_markup(word.text) + "</span>";
      }
      out += "</span>\n";
    }
    file_.write(out + "    </p>\n   </div>\n");
  }

  OutputFile file_;
  const DocumentInfo info_;
  int pages_ = 0;
  int number_ = 0, blocks_ = 0, paragraphs_ = 0, lines_ = 0, words_ = 0;  // of the page
};

}  // namespace

std::unique_ptr<DocumentWriter> make_hocr_writer(const Destination& to, const DocumentInfo& info) {
  return std::make_unique<HocrWriter>(to, info);
}

}  // namespace lectern
