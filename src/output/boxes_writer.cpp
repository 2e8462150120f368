#include "output/boxes_writer.h"

#include <string>
#include <system_error>

#include "image/picture_encoder.h"
#include "lectern/error.h"
#include "output/box_drawing.h"
#include "output/output_file.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

class BoxesWriter final : public DocumentWriter {
 public:
  BoxesWriter(const fs::path& path, const DocumentInfo& info) : path_(path) {
    if (info.pages <= 1) return;
    if (path == "-") throw Error("pictures of several pages do not fit onto standard output; name a folder with -o");
    std::string name = path.stem().string();
    if (name.ends_with(".boxes")) name.resize(name.size() - 6);
    folder_ = path.parent_path() / (name + "_boxes");
    std::error_code code;
    fs::create_directories(folder_, code);
    if (code) throw Error(folder_.string() + ": the folder cannot be made: " + code.message());
  }

  void page(const DocumentPage& page, const Picture* picture) override {
    if (folder_.empty() && pages_++ > 0) throw Error(path_.string() + ": is for one page, and there are more");
    OutputFile file(folder_.empty() ? path_ : folder_ / ("page-" + std::to_string(page.number) + ".png"));
    file.write(encode_png(with_boxes(page, picture)));
    file.finish();
  }

  void finish() override {}

 private:
  const fs::path path_;
  fs::path folder_;  // of a document of several pages
  int pages_ = 0;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_boxes_writer(const fs::path& path, const DocumentInfo& info) {
  return std::make_unique<BoxesWriter>(path, info);
}

}  // namespace lectern
