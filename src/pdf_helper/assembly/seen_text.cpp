// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include "pdf_helper/assembly/seen_text.h"

#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-page.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <qpdf/Buffer.hh>
#include <qpdf/Pl_String.hh>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFPageObjectHelper.hh>
#include <qpdf/QPDFWriter.hh>

namespace lectern::pdf {
namespace {

// Passes a layer on without some of its words. It is one that Lectern made: each word has a size, a stretching, a place
// and two bytes a letter, all of one width.
class WordFilter final : public QPDFObjectHandle::TokenFilter {
 public:
  WordFilter(const Matrix& matrix, const std::vector<Rectangle>& rectangles)
      : matrix_(matrix), rectangles_(rectangles) {}

  void handleToken(const QPDFTokenizer::Token& token) override {
    const auto type = token.getType();
    pending_ += token.getRawValue();
    if (type == QPDFTokenizer::tt_integer || type == QPDFTokenizer::tt_real) {
      numbers_.push_back(std::strtod(token.getRawValue().c_str(), nullptr));
    }
    if (type == QPDFTokenizer::tt_string) letters_ = token.getValue().size() / 2;
    if (type != QPDFTokenizer::tt_word) return;
    const std::string& command = token.getRawValue();
    if (command == "Tf" && !numbers_.empty()) size_ = numbers_.back();
    if (command == "Tz" && !numbers_.empty()) stretching_ = numbers_.back() / 100;
    if (command == "Tm" && numbers_.size() == place_.size())
      std::copy(numbers_.begin(), numbers_.end(), place_.begin());
    if (command != "Tj" || !lies_over()) write(pending_);
    pending_.clear();
    numbers_.clear();
  }
  void handleEOF() override { write(pending_); }

 private:
  bool lies_over() const {
    constexpr double letter_width = 0.5, middle = 0.3;  // of the font's size, above the line
    const double width = static_cast<double>(letters_) * size_ * letter_width * stretching_;
    const auto inside = moved(place_, width / 2, size_ * middle);
    const auto on_page = moved(matrix_, inside[0], inside[1]);
    return std::any_of(rectangles_.begin(), rectangles_.end(), [&](const Rectangle& r) {
      return on_page[0] >= r.left && on_page[0] <= r.right && on_page[1] >= r.bottom && on_page[1] <= r.top;
    });
  }

  const Matrix& matrix_;
  const std::vector<Rectangle>& rectangles_;
  std::string pending_;  // up to the next command
  std::vector<double> numbers_;
  double size_ = 0, stretching_ = 1;
  Matrix place_{1, 0, 0, 1, 0, 0};
  size_t letters_ = 0;
};

}  // namespace

std::vector<Rectangle> seen_words(const QPDFObjectHandle& page, const Rectangle& shown, int turn) {
  QPDF alone;
  alone.emptyPDF();
  alone.addPage(page, false);
  QPDFWriter writer(alone);
  writer.setOutputMemory();
  writer.setStreamDataMode(qpdf_s_preserve);
  writer.write();
  const std::shared_ptr<Buffer> bytes = writer.getBufferSharedPointer();
  const std::unique_ptr<poppler::document> document(poppler::document::load_from_raw_data(
      reinterpret_cast<const char*>(bytes->getBuffer()), static_cast<int>(bytes->getSize())));
  const std::unique_ptr<poppler::page> seen(document ? document->create_page(0) : nullptr);
  if (!seen) return {};
  const bool lies = turn == 90 || turn == 270;
  const double width = shown.right - shown.left, height = shown.top - shown.bottom;
  const Rectangle upright{0, 0, lies ? height : width, lies ? width : height};
  const Matrix matrix = to_page(upright, shown, turn);
  std::vector<Rectangle> words;
  for (const poppler::text_box& word : seen->text_list()) {
    const poppler::rectf box = word.bbox();  // from the upper left corner of what is shown
    const auto a = moved(matrix, box.left(), upright.top - box.top());
    const auto b = moved(matrix, box.right(), upright.top - box.bottom());
    // With half of the gap to the next word.
    const double more = 0.25 * std::min(std::abs(a[0] - b[0]), std::abs(a[1] - b[1]));
    words.push_back({std::min(a[0], b[0]) - more, std::min(a[1], b[1]) - more, std::max(a[0], b[0]) + more,
                     std::max(a[1], b[1]) + more});
  }
  return words;
}

std::string without_words_over(const QPDFObjectHandle& layer, const Matrix& matrix,
                               const std::vector<Rectangle>& rectangles) {
  WordFilter filter(matrix, rectangles);
  std::string rest;
  Pl_String to_string("rest", nullptr, rest);
  QPDFPageObjectHelper(layer).filterContents(&filter, &to_string);
  return rest;
}

}  // namespace lectern::pdf
