#include "output/writer.h"

#include <algorithm>
#include <array>

#include "layout/text_tree.h"
#include "lectern/error.h"
#include "output/boxes_writer.h"
#include "output/html/hocr_writer.h"
#include "output/html/html_writer.h"
#include "output/json_writer.h"
#include "output/markdown_writer.h"
#include "output/pdf/pdf_writer.h"
#include "output/raw_writer.h"
#include "output/text_writer.h"

namespace lectern {
namespace {

constexpr std::array<FormatName, 8> names = {{
    {Format::markdown, "md", ".md", "Markdown, with the figures in a folder beside it"},
    {Format::text, "txt", ".txt", "plain text"},
    {Format::json, "json", ".json", "everything that is known: blocks, boxes, tokens, timings, warnings"},
    {Format::html, "html", ".html", "one file with the pictures of the pages beside the text"},
    {Format::hocr, "hocr", ".hocr", "hOCR, as Tesseract writes it"},
    {Format::pdf, "pdf", ".pdf", "the pictures of the pages, with text that can be searched"},
    {Format::boxes, "boxes", ".boxes.png", "the pictures of the pages, with boxes drawn"},
    {Format::raw, "raw", ".mmd", "what the model wrote, byte for byte"},
}};

}  // namespace

std::span<const FormatName> format_names() { return names; }

const FormatName& name_of(Format format) { return *std::ranges::find(names, format, &FormatName::format); }

Format format_named(std::string_view name) {
  const auto* const found = std::ranges::find(names, name, &FormatName::name);
  if (found != names.end()) return found->format;
  std::string known;
  for (const FormatName& format : names) known += (known.empty() ? "" : ", ") + std::string(format.name);
  throw Error("there is no format '" + std::string(name) + "'; expected one of " + known);
}

bool needs_picture(Format format, const DocumentPage& page, const OutputOptions& options) {
  switch (format) {
    case Format::markdown:
      return options.figures && std::ranges::any_of(page.blocks, [](const Block& block) {
               return !block.boxes.empty() && is_figure(block);
             });
    case Format::html:
    case Format::hocr:
    case Format::pdf:
    case Format::boxes: return true;
    case Format::text:
    case Format::json:
    case Format::raw: break;
  }
  return false;
}

std::unique_ptr<DocumentWriter> make_writer(Format format, const std::filesystem::path& path, const DocumentInfo& info,
                                            const OutputOptions& options) {
  switch (format) {
    case Format::markdown: return make_markdown_writer(path, info, options);
    case Format::text: return make_text_writer(path, options);
    case Format::json: return make_json_writer(path, info);
    case Format::html: return make_html_writer(path, info, options);
    case Format::hocr: return make_hocr_writer(path, info);
    case Format::pdf: return make_pdf_writer(path, info);
    case Format::boxes: return make_boxes_writer(path, info);
    case Format::raw: return make_raw_writer(path);
  }
  throw Error("there is no such format");
}

}  // namespace lectern
