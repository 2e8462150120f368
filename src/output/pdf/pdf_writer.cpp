#include "output/pdf/pdf_writer.h"

#include <string_view>

#include "output/output_file.h"
#include "output/pdf/pdf_document.h"

namespace lectern {
namespace {

class PdfWriter final : public DocumentWriter {
 public:
  PdfWriter(const std::filesystem::path& path, const DocumentInfo& info)
      : file_(path), document_(info, path == "-" ? std::filesystem::temp_directory_path() : path.parent_path()) {}

  void page(const DocumentPage& page, const Picture* picture) override { document_.add(page, picture); }

  void finish() override {
    document_.write([this](std::string_view bytes) { file_.write(bytes); });
    file_.finish();
  }

 private:
  OutputFile file_;
  PdfDocument document_;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_pdf_writer(const std::filesystem::path& path, const DocumentInfo& info) {
  return std::make_unique<PdfWriter>(path, info);
}

}  // namespace lectern
