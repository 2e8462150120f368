#include <utility>

#include "core/files/original_file.h"
#include "input/image_parts.h"
#include "input/pdf_assembly.h"
#include "lectern/error.h"
#include "lectern/output.h"
#include "lectern/version.h"
#include "output/writer.h"

namespace lectern {
namespace {

DocumentInfo with_version(DocumentInfo info) {
  if (info.version.empty()) info.version = LECTERN_VERSION;
  return info;
}

Sink existing(Sink sink) {
  if (!sink) throw Error("there is no sink to write to");
  return sink;
}

void check_open(bool finished) {
  if (finished) throw Error("the document was finished; make a writer for another one");
}

}  // namespace

Writer::Writer(Format format, Sink sink, const DocumentInfo& info, const OutputOptions& options)
    : format_(format),
      options_(options),
      writer_(make_writer(format, existing(std::move(sink)), with_version(info), options, assemble_pdf)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

void Writer::add(const Page& page, const Image* image) {
  check_open(finished_);
  PageOrigin origin;
  if (format_ == Format::pdf && image != nullptr && origin_of(*image)) {
    origin = *origin_of(*image);
    check_original(*origin.file, options_);
    if (origin.file->is_pdf && options_.existing_text == OutputOptions::ExistingText::redo) {
      throw Error(origin.file->name + ": hidden text gives way (`existing_text` = redo) in read_documents() alone",
                  ErrorCode::unsupported);
    }
  }
  if (!origin.file || page.has_text == image->about().has_text) {
    return writer_->page_of(origin, page, image == nullptr ? nullptr : picture_of(*image).get());
  }
  Page known = page;  // read by a program of its own, which did not pass it on
  known.has_text = image->about().has_text;
  writer_->page_of(origin, known, picture_of(*image).get());
}

void Writer::finish() {
  check_open(finished_);
  finished_ = true;
  writer_->finish();
}

const std::vector<std::string>& Writer::warnings() const { return writer_->warnings(); }

std::string render(const Page& page, Format format, const Image* image, const OutputOptions& options) {
  std::string text;
  DocumentInfo info;
  info.pages = 1;
  Writer writer(
      format, [&](std::string_view bytes) { text += bytes; }, info, options);
  writer.add(page, image);
  writer.finish();
  return text;
}

void write(std::span<const Page> pages, Format format, const Sink& sink, const DocumentInfo& info,
           const OutputOptions& options) {
  DocumentInfo known = info;
  if (known.pages == 0) known.pages = static_cast<int>(pages.size());
  Writer writer(format, sink, known, options);
  for (const Page& page : pages) writer.add(page);
  writer.finish();
}

}  // namespace lectern
