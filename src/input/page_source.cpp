#include "input/page_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/stopped.h"
#include "image/tiff_pages.h"
#include "input/pdf_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// A picture, or the pages of a TIFF; one page is in memory at a time.
class PictureSource : public PageSource {
 public:
  PictureSource(InputFile file, const SourceOptions& options)
      : file_(std::move(file)), options_(options), tiff_pages_(file_.descriptor()) {
    PictureContents contents = examine_picture(file_.path(), file_.name());
    warnings_ = std::move(contents.left_out);
    // Where libvips counts otherwise, which a damaged file may bring about, it is followed.
    alone_ = tiff_pages_.size() == static_cast<size_t>(contents.pages);
    for (int i = 0; i < contents.pages; ++i) {
      if (!alone_ || !tiff_pages_.is_copy(static_cast<size_t>(i))) indices_.push_back(i);
    }
    if (indices_.empty()) {  // every page calls itself a copy
      for (int i = 0; i < contents.pages; ++i) indices_.push_back(i);
    }
    if (const int copies = contents.pages - pages(); copies > 0) {
      warn(fmt::format("{} in it {} no page: a smaller copy of another, or a mask; not read",
                       copies == 1 ? "1 picture" : fmt::format("{} pictures", copies), copies == 1 ? "is" : "are"));
    }
    if (tiff_pages_.end() == TiffPages::End::beyond_file) warn("names more pages beyond its end: the file was cut");
    if (tiff_pages_.end() == TiffPages::End::unreadable) warn("names more pages where there are none");
  }

  int pages() const override { return static_cast<int>(indices_.size()); }
  std::vector<Warning> warnings() const override { return warnings_; }
  std::shared_ptr<const OriginalFile> original() const override {
    auto original = std::make_shared<OriginalFile>();
    original->file = file_.another_descriptor();
    original->name = file_.name();
    return original;
  }

  SourcePage page(int index) override {
    const std::string where = pages() == 1 ? file_.name() : fmt::format("{}: page {}", file_.name(), index + 1);
    if (index < 0 || index >= pages())
      throw Error(fmt::format("{} does not exist; there are {}", where, pages()), ErrorCode::not_found);
    throw_if_stopped(options_.stop);
    const int stored = indices_[static_cast<size_t>(index)];
    UprightPicture upright = alone_ ? read_tiff_page(tiff_pages_, where, stored, options_.limits)
                                    : read_picture_page(file_.path(), where, stored, options_.limits);
    return {.picture = std::move(upright.picture),
            .dpi = upright.dpi,
            .turn = upright.turn,
            .warnings = std::move(upright.warnings)};
  }

 private:
  void warn(std::string message) { warnings_.push_back({WarningCode::not_read, std::move(message), std::nullopt}); }

  InputFile file_;
  SourceOptions options_;
  TiffPages tiff_pages_;
  bool alone_ = false;        // pages are read through tiff_pages_
  std::vector<int> indices_;  // of the pictures in the file that are pages
  std::vector<Warning> warnings_;
};

}  // namespace

bool may_be_incomplete(const std::vector<Warning>& warnings) {
  return std::ranges::any_of(warnings,
                             [](const Warning& warning) { return warning.code == WarningCode::damaged_input; });
}

std::unique_ptr<PageSource> open_source(const std::filesystem::path& file, const SourceOptions& options) {
  return open_source(InputFile(file, options.stop), options);
}

void check_dpi(double dpi) {
  if (!std::isfinite(dpi) || dpi < 0) throw Error(fmt::format("`dpi` {}: expected 0, for the usual, or more", dpi));
}

std::unique_ptr<PageSource> open_source(InputFile file, const SourceOptions& options) {
  check_dpi(options.dpi);
  if (file.is_pdf()) return std::make_unique<PdfSource>(std::move(file), options);
  return open_picture(std::move(file), options);
}

std::unique_ptr<PageSource> open_picture(InputFile file, const SourceOptions& options) {
  return std::make_unique<PictureSource>(std::move(file), options);
}

}  // namespace lectern
