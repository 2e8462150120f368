#include <utility>

#include "lectern/output.h"
#include "lectern/version.h"
#include "output/writer.h"

namespace lectern {
namespace {

DocumentInfo with_version(DocumentInfo info) {
  if (info.version.empty()) info.version = LECTERN_VERSION;
  return info;
}

}  // namespace

Writer::Writer(Format format, Sink sink, const DocumentInfo& info, const OutputOptions& options)
    : writer_(make_writer(format, std::move(sink), with_version(info), options)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

void Writer::add(const Page& page, const Image* image) {
  writer_->page(page, image == nullptr ? nullptr : image->picture().get());
}

void Writer::finish() { writer_->finish(); }

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
