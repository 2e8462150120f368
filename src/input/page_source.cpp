#include "input/page_source.h"

#include <fmt/format.h>

#include <utility>

#include "core/stopped.h"
#include "image/tiff_pages.h"
#include "input/input_file.h"
#include "input/pdf_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// A picture, or the pages of a TIFF; one page is in memory at a time.
class PictureSource : public PageSource {
 public:
  PictureSource(InputFile file, const SourceOptions& options)
      : file_(std::move(file)),
        options_(options),
        pages_(count_pictures(file_.path(), file_.name())),
        tiff_pages_(file_.descriptor()) {}

  int pages() const override { return pages_; }

  SourcePage page(int index) override {
    const std::string where = pages_ == 1 ? file_.name() : fmt::format("{}: page {}", file_.name(), index + 1);
    if (index < 0 || index >= pages_) throw Error(fmt::format("{} does not exist; there are {}", where, pages_));
    throw_if_stopped(options_.stop);
    // Where libvips counts otherwise, which a damaged file may bring about, it is followed.
    const bool single = tiff_pages_.size() == static_cast<size_t>(pages_);
    UprightPicture upright = single ? read_tiff_page(tiff_pages_, where, index, options_.limits)
                                    : read_picture_page(file_.path(), where, index, options_.limits);
    return {std::move(upright.picture), 0, upright.turn};
  }

 private:
  InputFile file_;
  SourceOptions options_;
  int pages_;
  TiffPages tiff_pages_;
};

}  // namespace

std::unique_ptr<PageSource> open_source(const std::filesystem::path& file, const SourceOptions& options) {
  InputFile input(file);
  if (input.is_pdf()) return std::make_unique<PdfSource>(std::move(input), options);
  return std::make_unique<PictureSource>(std::move(input), options);
}

}  // namespace lectern
