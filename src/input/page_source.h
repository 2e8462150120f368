// Pages of one input file as upright pictures, in any order.
#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "core/files/original_file.h"
#include "core/picture.h"
#include "image/picture_file.h"
#include "input/input_file.h"
#include "lectern/page.h"

namespace lectern {

// Whether a page of a PDF is asked if it has text: any, or such as is seen and none that is hidden.
enum class FindText : uint8_t { no, any, all_seen };

struct SourceOptions {
  // Of rendered PDF pages; 0: 200, less for pages of more than 40 million pixels. Less, too, where a page would pass
  // the limits.
  double dpi = 0;
  std::string password{};
  PictureLimits limits{};
  double page_seconds = 60;  // that opening a PDF, or rendering a page of one, may take
  FindText find_text = FindText::no;
  std::stop_token stop{};  // opening a PDF and page() then throw Stopped soon
};

struct SourcePage {
  Picture picture;        // as displayed
  double dpi = 0;         // as rendered, or as a picture says; 0: not known
  int turn = 0;           // degrees clockwise that /Rotate or EXIF asked for, already applied
  bool of_pdf = false;    // drawn from a PDF
  bool has_text = false;  // as SourceOptions::find_text asks
  // What was reported while it was made ("damaged_input": some of it may be missing from the picture), and what was
  // done to it.
  std::vector<Warning> warnings{};
};

// Throws Error for a resolution that is none.
void check_dpi(double dpi);

// True if part of the page may be missing from its picture.
bool may_be_incomplete(const std::vector<Warning>& warnings);

class PageSource {
 public:
  virtual ~PageSource() = default;
  virtual int pages() const = 0;
  // About the file as a whole: "damaged_input", and "not_read" for what it holds besides the pages counted.
  virtual std::vector<Warning> warnings() const = 0;
  // The open file, shared with its holders; null if there is none.
  virtual std::shared_ptr<const OriginalFile> original() const { return nullptr; }
  // Page `index`, from 0. Throws Error, naming file and page, when it cannot be had; other pages can still be.
  // One call at a time.
  virtual SourcePage page(int index) = 0;
};

// A picture, a TIFF of several pages, or a PDF, told apart by their first bytes; "-" is standard input.
// Throws Error when the file cannot be opened at all.
std::unique_ptr<PageSource> open_source(const std::filesystem::path& file, const SourceOptions& options);
std::unique_ptr<PageSource> open_source(InputFile file, const SourceOptions& options);

// The same, but a PDF is refused.
std::unique_ptr<PageSource> open_picture(InputFile file, const SourceOptions& options);

}  // namespace lectern
