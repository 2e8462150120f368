// PDF: the pages with their text, not seen but searched and copied, where the blocks stand. Pages of a PDF stay as they
// are, and the text is laid over them; others are pictures.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "output/document_names.h"
#include "output/output_file.h"
#include "output/page_note.h"
#include "output/pdf/pdf_document.h"
#include "output/pdf/spool.h"
#include "output/writers.h"

namespace lectern {
namespace {

class PdfWriter final : public DocumentWriter {
 public:
  PdfWriter(const Destination& to, const DocumentInfo& info, const OutputOptions& options, AssemblePdf assemble)
      : options_(options),
        assemble_(std::move(assemble)),
        file_(to),
        folder_(file_.streams() ? std::filesystem::temp_directory_path() : to.path.parent_path()),
        document_(info, folder_) {}

  void page(const Page& page, const Picture* picture) override { page_of({}, page, picture); }

  void page_of(const PageOrigin& origin, const Page& page, const Picture* picture) override {
    start_input(origin);
    pdf::PlannedPage planned;
    planned.part = static_cast<int32_t>(plan_.inputs.size()) - 1;
    planned.turn = page.turn;
    planned.layer = pages_;
    if (plan_.inputs.back().place.bytes == 0) {
      document_.add(page, picture, origin);
    } else {
      planned.page = origin.page;
      const bool forced = options_.existing_text == OutputOptions::ExistingText::force && picture != nullptr;
      const bool has_layer = !stays_as_it_is(page, options_) && (forced || !page.blocks.empty());
      if (has_layer || !page_note(page).empty()) {
        document_.add_layer(has_layer ? page : without_text(page), picture, forced);
      } else {
        planned.layer = -1;
      }
      if (forced) planned.use = pdf::LayerUse::instead;
      if (options_.existing_text == OutputOptions::ExistingText::redo && !stays_as_it_is(page, options_) &&
          page.error.empty()) {
        planned.use = pdf::LayerUse::anew;
      }
    }
    if (planned.layer >= 0) ++pages_;
    plan_.pages.push_back(planned);
  }

  void finish() override {
    const auto to_file = [this](std::string_view bytes) { file_.write(bytes); };
    if (!originals_) {
      document_.write(to_file);
    } else {
      document_.write([this](std::string_view bytes) {
        const Spool::Extent place = originals_->add(bytes);
        if (plan_.layers.bytes == 0) plan_.layers.offset = static_cast<uint64_t>(place.offset);
        plan_.layers.bytes += static_cast<uint64_t>(place.size);
      });
      for (const std::string& lost : assemble_(originals_->descriptor(), plan_, to_file)) {
        warn(fmt::format("{}: {} (`existing_text`)", names_, lost));
      }
    }
    file_.finish();
  }

 private:
  static Page without_text(Page page) {
    page.blocks.clear();
    return page;
  }

  // The file of the page is the next input, unless it was that of the page before.
  void start_input(const PageOrigin& origin) {
    if (!plan_.inputs.empty() && origin.file == last_) return;
    last_ = origin.file;
    pdf::AssemblyPlan::Input& input = plan_.inputs.emplace_back();
    if (!origin.file) return;
    input.title = document_title(origin.file->name);
    if (!origin.file->is_pdf || !assemble_) return;
    if (!origin.file->can_be_kept) {
      warn(origin.file->name + ": its pages cannot be taken over as they are; they became pictures");
      return;
    }
    names_ += (names_.empty() ? "" : ", ") + origin.file->name;
    if (!originals_) originals_.emplace(folder_);
    const Spool::Extent place = originals_->add_file(origin.file->file.get(), origin.file->name);
    input.place = {static_cast<uint64_t>(place.offset), static_cast<uint64_t>(place.size)};
    plan_.password = origin.file->password;
  }

  OutputOptions options_;
  AssemblePdf assemble_;
  OutputFile file_;
  std::filesystem::path folder_;
  PdfDocument document_;
  std::optional<Spool> originals_;  // PDFs whose pages are kept, and behind them the layers
  std::shared_ptr<const OriginalFile> last_;
  std::string names_;  // of them
  pdf::AssemblyPlan plan_;
  int32_t pages_ = 0;  // of document_
};

}  // namespace

std::unique_ptr<DocumentWriter> make_pdf_writer(const Destination& to, const DocumentInfo& info,
                                                const OutputOptions& options, const AssemblePdf& assemble) {
  return std::make_unique<PdfWriter>(to, info, options, assemble);
}

}  // namespace lectern
