// Plain text: no marks, a row of a table a line with tabs between its cells, a form feed between pages if asked.
#include "layout/text/block_text.h"
#include "output/output_file.h"
#include "output/page_blocks.h"
#include "output/page_note.h"
#include "output/writers.h"

namespace lectern {
namespace {

class TextWriter final : public DocumentWriter {
 public:
  TextWriter(const Destination& to, const OutputOptions& options) : file_(to), options_(options) {}

  void page(const Page& page, const Picture*) override {
    if (pages_++ > 0 && options_.page_breaks) file_.write("\f");
    begun_ = begun_ && !options_.page_breaks;
    for (const Block* block : blocks_to_write(page, options_)) paragraph(plain_text(*block));
    if (const std::string note = page_note(page); !note.empty()) paragraph("[" + note + "]");
    if (file_.streams()) file_.flush();
  }

  void finish() override { file_.finish(); }

 private:
  void paragraph(const std::string& text) {
    if (text.empty()) return;
    file_.write((begun_ ? "\n" : "") + text + "\n");
    begun_ = true;
  }

  OutputFile file_;
  const OutputOptions options_;
  int pages_ = 0;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_text_writer(const Destination& to, const OutputOptions& options) {
  return std::make_unique<TextWriter>(to, options);
}

}  // namespace lectern
