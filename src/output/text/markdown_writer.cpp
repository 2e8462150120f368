// Markdown: blocks parted by blank lines, tables as HTML or pipes, figures cut out and linked.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/files/own_output.h"
#include "image/picture_encoder.h"
#include "layout/text/shown_text.h"
#include "output/document_names.h"
#include "output/output_file.h"
#include "output/page_blocks.h"
#include "output/page_folder.h"
#include "output/page_note.h"
#include "output/pdf/spool.h"
#include "output/text/markdown_text.h"
#include "output/writers.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

class MarkdownWriter final : public DocumentWriter {
 public:
  MarkdownWriter(const Destination& to, const DocumentInfo& info, const OutputOptions& options)
      : file_(to), options_(options), info_(info), figures_(page_folder_of(to.path, Format::markdown)) {}

  void page(const Page& page, const Picture* picture) override {
    if (pages_++ > 0 && options_.page_breaks) paragraph(fmt::format("---\n\n<!-- page {} -->", page.number));
    int figure = 0;
    for (const Block* block : blocks_to_write(page, options_)) {
      if (is_figure(*block)) {
        for (const Box& box : block->boxes) write_figure(page, box, ++figure, picture);
      }
      write_text(*block, page.number);
    }
    if (const std::string note = page_note(page); !note.empty()) paragraph("> **" + markdown_text(note) + "**");
    vision_tokens_ += page.stats.vision_tokens;
    tokens_ += page.stats.tokens;
    if (page.mode) modes_.insert(name_of(*page.mode));
    if (page.turn != 0)
      turns_ += fmt::format("{}page {} turned by {}", turns_.empty() ? "" : ", ", page.number, page.turn);
    if (file_.streams()) file_.flush();
  }

  void finish() override {
    if (spanning_tables_ > 0) {
      warn(fmt::format("{} {} kept as HTML, since Markdown has no merged cells (the first is on page {})",
                       spanning_tables_, spanning_tables_ == 1 ? "table was" : "tables were", first_spanning_page_));
    }
    if (!file_.streams()) paragraph("<!-- " + comment_text(provenance()) + " -->");
    if (figures_kept_) put_pictures(figures_, *figures_kept_, names_);
    file_.finish();
    if (figures_.empty() || !options_.figures) return;
    if (const std::string older = older_pictures(figures_, names_); !older.empty()) warn(older);
  }

 private:
  void paragraph(const std::string& text) {
    if (text.empty()) return;
    file_.write((begun_ ? "\n" : "") + text + "\n");
    begun_ = true;
  }

  void write_text(const Block& block, int page) {
    const MarkdownBlock written = markdown_block(block, options_);
    if (spanning_tables_ == 0) first_spanning_page_ = page;
    spanning_tables_ += written.spanning_tables;
    if (!is_figure(block) || block.kind() == BlockKind::image) paragraph(written.text);
  }

  void write_figure(const Page& page, const Box& box, int index, const Picture* picture) {
    if (figures_.empty() || !options_.figures || picture == nullptr) {
      paragraph(fmt::format("<!-- figure on page {} at {:.0f}, {:.0f}, {:.0f}, {:.0f} -->", page.number, box.left,
                            box.top, box.right, box.bottom));
      return;
    }
    if (!figures_kept_) figures_kept_.emplace(figures_.parent_path());
    const std::string name = fmt::format("page-{}-figure-{}.png", page.number, index);
    names_.emplace_back(name, figures_kept_->add(with_png_mark(encode_png(crop(*picture, box)))));
    paragraph(fmt::format("![Figure {} on page {}]({})", index, page.number,
                          markdown_destination((figures_.filename() / name).string())));
  }

  std::string provenance() const {
    std::string modes;
    for (const std::string_view mode : modes_) modes += fmt::format("{}{}", modes.empty() ? "" : " and ", mode);
    std::string text = fmt::format("lectern {}; source {}; pages {}", info_.version, info_.source, pages_);
    const auto add = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) text += fmt::format("; {} {}", name, value);
    };
    add("prompt", info_.prompt);
    add("mode", modes);
    add("model", model_label(info_.model));
    add("weights", std::string(name_of(info_.weights)));
    add("device", info_.device);
    if (vision_tokens_ > 0) text += fmt::format("; vision tokens {}; text tokens {}", vision_tokens_, tokens_);
    return turns_.empty() ? text : text + "; " + turns_;
  }

  OutputFile file_;
  const OutputOptions options_;
  const DocumentInfo info_;
  const fs::path figures_;             // empty where there is no place for them
  std::optional<Spool> figures_kept_;  // until the document is finished
  PicturePlaces names_;                // of them
  bool begun_ = false;
  int pages_ = 0;
  int spanning_tables_ = 0, first_spanning_page_ = 0;
  int64_t vision_tokens_ = 0, tokens_ = 0;
  std::set<std::string_view> modes_;
  std::string turns_;
};

}  // namespace

std::unique_ptr<DocumentWriter> make_markdown_writer(const Destination& to, const DocumentInfo& info,
                                                     const OutputOptions& options) {
  return std::make_unique<MarkdownWriter>(to, info, options);
}

}  // namespace lectern
