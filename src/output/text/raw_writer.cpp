// What the model wrote, byte for byte; pages parted by the line of the published code: <--- Page Split --->.
#include "layout/raw_pages.h"
#include "layout/text/shown_text.h"
#include "output/output_file.h"
#include "output/page_note.h"
#include "output/writers.h"

namespace lectern {
namespace {

class RawWriter final : public DocumentWriter {
 public:
  explicit RawWriter(const Destination& to) : file_(to) {}

  void page(const Page& page, const Picture*) override {
    if (any_) file_.write(page_split);
    any_ = true;
    file_.write(page.raw);
    // Nothing was written for a page that failed; its gap says so.
    if (page.raw.empty() && !page_note(page).empty()) file_.write("<!-- " + comment_text(page_note(page)) + " -->\n");
    if (file_.streams()) file_.flush();
  }

  void finish() override { file_.finish(); }

 private:
  OutputFile file_;
  bool any_ = false;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_raw_writer(const Destination& to) { return std::make_unique<RawWriter>(to); }

}  // namespace lectern
