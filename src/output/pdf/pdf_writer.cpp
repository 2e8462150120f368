#include "output/pdf/pdf_writer.h"

#include <string_view>

#include "output/output_file.h"
#include "output/pdf/pdf_document.h"

namespace lectern {
namespace {

class PdfWriter final : public DocumentWriter {
 public:
  PdfWriter(const Destination& to, const DocumentInfo& info)
      : file_(to), document_(info, file_.streams() ? std::filesystem::temp_directory_path() : to.path.parent_path()) {}

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

std::unique_ptr<DocumentWriter> make_pdf_writer(const Destination& to, const DocumentInfo& info) {
  return std::make_unique<PdfWriter>(to, info);
}

}  // namespace lectern
