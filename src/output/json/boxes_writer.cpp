// Pictures of the pages with the boxes of their blocks, as PNG: FILE for a document of one page, else a folder beside
// it, NAME_boxes/page-N.png for NAME.boxes.png.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/files/own_output.h"
#include "image/picture_encoder.h"
#include "lectern/error.h"
#include "output/box_drawing.h"
#include "output/output_file.h"
#include "output/page_folder.h"
#include "output/pdf/spool.h"
#include "output/writers.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// Pictures are kept in a file without a name until the document is finished: then they appear, all together.
class BoxesWriter final : public DocumentWriter {
 public:
  BoxesWriter(const Destination& to, const DocumentInfo& info)
      : path_(to.path), to_sink_(to.sink), several_(info.pages > 1) {
    if (several_ && to.sink) throw Error(one_page_a_sink);
    if (several_ && path_ == "-") {
      throw Error("pictures of several pages do not fit onto standard output; name a folder with `out`");
    }
    // What cannot be written is noticed before a page is read.
    if (!several_) file_.emplace(to);
  }

  void page(const Page& page, const Picture* picture) override {
    if (to_sink_ && written_ > 0) throw Error(one_page_a_sink);
    if (!several_ && written_++ > 0) {
      throw Error("a picture with boxes is of one page, and there are more; name a folder with `out`", ErrorCode::io);
    }
    const std::string png = with_png_mark(encode_png(with_boxes(page, picture)));
    if (!several_) return file_->write(png);
    if (!spool_) spool_.emplace(path_.parent_path());
    pages_.emplace_back("page-" + std::to_string(page.number) + ".png", spool_->add(png));
  }

  void finish() override {
    if (!several_) return file_->finish();
    const fs::path folder = page_folder_of(path_, Format::boxes);
    if (spool_) put_pictures(folder, *spool_, pages_);
    for (const auto& [name, place] : pages_) add_file(folder / name);
    if (const std::string older = older_pictures(folder, pages_); !older.empty()) warn(older);
  }

 private:
  static constexpr const char* one_page_a_sink = "format boxes: a picture is of one page; give each a sink of its own";

  const fs::path path_;
  const bool to_sink_;
  const bool several_;
  std::optional<OutputFile> file_;  // of a document of one page
  std::optional<Spool> spool_;      // of several
  PicturePlaces pages_;
  int written_ = 0;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_boxes_writer(const Destination& to, const DocumentInfo& info) {
  return std::make_unique<BoxesWriter>(to, info);
}

}  // namespace lectern
