// Text of a PDF that is not seen, such as that of an earlier recognition. Include it with POINTERHOLDER_TRANSITION set
// where qpdf's headers are wanted besides.
#pragma once

#include <memory>
#include <string>
#include <string_view>

class QPDF;
class QPDFObjectHandle;

namespace lectern::pdf {

struct FoundText {
  bool seen = false, hidden = false;
};

// Looks for text of a page.
class TextFinder {
 public:
  // The file in memory, which is not copied. A file that qpdf cannot read has none.
  TextFinder(std::string_view file, const std::string& password);
  TextFinder(const TextFinder&) = delete;
  TextFinder& operator=(const TextFinder&) = delete;
  ~TextFinder();

  FoundText text_of(int page);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Takes the text out of the page that is not seen (rendering mode 3), also within its forms; all else stays.
void drop_hidden_text(QPDF& pdf, QPDFObjectHandle& page);

}  // namespace lectern::pdf
