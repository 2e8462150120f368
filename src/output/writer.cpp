#include "output/writer.h"

#include <algorithm>
#include <array>

#include "core/text.h"
#include "layout/text/text_tree.h"
#include "lectern/error.h"
#include "output/writers.h"

namespace lectern {
namespace {

using Kind = FileKind;

constexpr std::array<FormatInfo, 8> infos = {{
    {.format = Format::markdown,
     .extensions = {".md", ".markdown"},
     .meaning = "Markdown, with the figures in a folder beside it",
     .kind = Kind::text,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = true,
     .page_folder = "_figures"},
    {.format = Format::text,
     .extensions = {".txt", ".text"},
     .meaning = "plain text",
     .kind = Kind::text,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = false,
     .page_folder = ""},
    {.format = Format::json,
     .extensions = {".json"},
     .meaning = "everything that is known: blocks, boxes, tokens, timings, warnings",
     .kind = Kind::json,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = true,
     .page_folder = ""},
    {.format = Format::html,
     .extensions = {".html", ".htm"},
     .meaning = "one file with the pictures of the pages beside the text",
     .kind = Kind::text,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = true,
     .page_folder = ""},
    {.format = Format::hocr,
     .extensions = {".hocr"},
     .meaning = "hOCR, as Tesseract writes it",
     .kind = Kind::text,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = true,
     .page_folder = ""},
    {.format = Format::pdf,
     .extensions = {".pdf"},
     .meaning = "the pages, with text that can be searched; those of a PDF as they are",
     .kind = Kind::pdf,
     .many_pages = true,
     .for_terminals = false,
     .needs_pictures = true,
     .needs_layout = true,
     .page_folder = ""},
    {.format = Format::boxes,
     .extensions = {".boxes.png", ".png"},
     .meaning = "the pictures of the pages, with boxes drawn",
     .kind = Kind::png,
     .many_pages = false,
     .for_terminals = false,
     .needs_pictures = true,
     .needs_layout = true,
     .page_folder = "_boxes"},
    {.format = Format::raw,
     .extensions = {".mmd"},
     .meaning = "what the model wrote, byte for byte",
     .kind = Kind::text,
     .many_pages = true,
     .for_terminals = true,
     .needs_pictures = false,
     .needs_layout = false,
     .page_folder = ""},
}};

// The longest of the format's extensions that the name ends in, with something before it.
std::string_view extension_in(std::string_view name, const FormatInfo& info) {
  const std::string lower = lower_case(name);
  std::string_view longest;
  for (const std::string_view extension : info.extensions) {
    if (extension.size() > longest.size() && lower.size() > extension.size() && lower.ends_with(extension)) {
      longest = extension;
    }
  }
  return longest;
}

}  // namespace

std::span<const FormatInfo> format_infos() { return infos; }

const FormatInfo& format_info(Format format) { return *std::ranges::find(infos, format, &FormatInfo::format); }

Format format_named(std::string_view name) {
  if (const std::optional<Format> format = named<Format>(name)) return *format;
  std::string known;
  for (const FormatInfo& info : infos) known += (known.empty() ? "" : ", ") + std::string(info.name());
  throw Error("there is no format '" + std::string(name) + "'; expected one of " + known);
}

std::optional<Format> format_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const auto* const found =
      std::ranges::find_if(infos, [&](const FormatInfo& info) { return !extension_in(name, info).empty(); });
  if (found == infos.end()) return std::nullopt;
  return found->format;
}

std::string name_without_extension(const std::filesystem::path& file, Format format) {
  const std::string name = file.filename().string();
  const std::string_view extension = extension_in(name, format_info(format));
  return extension.empty() ? file.stem().string() : name.substr(0, name.size() - extension.size());
}

std::filesystem::path page_folder_of(const std::filesystem::path& file, Format format) {
  const std::string_view end = format_info(format).page_folder;
  if (end.empty() || file == "-") return {};
  return file.parent_path() / (name_without_extension(file, format) + std::string(end));
}

bool stays_as_it_is(const Page& page, const OutputOptions& options) {
  return page.has_text && options.existing_text != OutputOptions::ExistingText::force;
}

void check_original(const OriginalFile& file, const OutputOptions& options) {
  if (!file.is_pdf) return;
  if (file.is_encrypted && !options.decrypt) {
    throw Error(file.name + ": is encrypted, and a searchable PDF made of it would not be; allow that with `decrypt`");
  }
  if (file.is_signed && !options.invalidate_signatures) {
    throw Error(file.name +
                ": is digitally signed, and text that is laid over its pages breaks the signatures; allow that "
                "with `invalidate_signatures`");
  }
}

bool needs_picture(Format format, const Page& page, const OutputOptions& options) {
  switch (format) {
    case Format::markdown:
      return options.figures && std::ranges::any_of(page.blocks, [](const Block& block) {
               return !block.boxes.empty() && is_figure(block);
             });
    case Format::pdf: return !stays_as_it_is(page, options);
    case Format::html:
    case Format::hocr:
    case Format::boxes: return true;
    case Format::text:
    case Format::json:
    case Format::raw: break;
  }
  return false;
}

std::unique_ptr<DocumentWriter> make_writer(Format format, const Destination& to, const DocumentInfo& info,
                                            const OutputOptions& options, const AssemblePdf& assemble) {
  switch (format) {
    case Format::markdown: return make_markdown_writer(to, info, options);
    case Format::text: return make_text_writer(to, options);
    case Format::json: return make_json_writer(to, info);
    case Format::html: return make_html_writer(to, info, options);
    case Format::hocr: return make_hocr_writer(to, info);
    case Format::pdf: return make_pdf_writer(to, info, options, assemble);
    case Format::boxes: return make_boxes_writer(to, info);
    case Format::raw: return make_raw_writer(to);
  }
  throw Error("there is no such format");
}

}  // namespace lectern
