// Pictures of a PDF with less data than their size needs, of which poppler says nothing: it draws what there is.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace lectern::pdf {

class PictureChecker {
 public:
  // The file in memory, which is not copied. Of a file that qpdf cannot read nothing is known.
  PictureChecker(std::string_view file, const std::string& password);
  PictureChecker(const PictureChecker&) = delete;
  PictureChecker& operator=(const PictureChecker&) = delete;
  ~PictureChecker();

  // Whether the page, or a form that it draws, has such a picture in its resources or its content. Data in filters of
  // pictures (JPEG, CCITT and the like) is left to poppler, which reports what is wrong with it.
  bool has_short_picture(int page);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lectern::pdf
