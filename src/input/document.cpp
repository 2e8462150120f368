#include "lectern/document.h"

#include <fmt/format.h>

#include <utility>

#include "core/files/original_file.h"
#include "input/image_parts.h"
#include "input/input_file.h"
#include "input/page_source.h"

namespace lectern {
namespace {

std::unique_ptr<PageSource> open(InputFile file, const DocumentSettings& settings) {
  SourceOptions options;
  options.dpi = settings.dpi;
  options.password = settings.password;
  options.find_text = FindText::any;
  return open_source(std::move(file), options);
}

}  // namespace

Document::Document(std::unique_ptr<PageSource> source, std::string name)
    : source_(std::move(source)), original_(source_->original()), name_(std::move(name)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Document Document::open(const std::filesystem::path& file, const DocumentSettings& settings) {
  return {lectern::open(InputFile(file), settings), file.string()};
}

Document Document::from_bytes(std::span<const std::byte> bytes, std::string_view name,
                              const DocumentSettings& settings) {
  const std::string named(name);
  return {lectern::open(InputFile::of_bytes(bytes, named, "a picture or a PDF"), settings), named};
}

int Document::pages() const { return source_->pages(); }

std::vector<Warning> Document::warnings() const { return source_->warnings(); }

Image Document::image(int index) {
  SourcePage page = source_->page(index);
  Page about;
  about.number = index + 1;
  about.dpi = page.dpi;
  about.turn = page.turn;
  about.has_text = page.has_text;
  about.of_pdf = page.of_pdf;
  about.warnings = std::move(page.warnings);
  return ImageParts::make(std::make_shared<const Picture>(std::move(page.picture)),
                          pages() == 1 ? name_ : fmt::format("{}: page {}", name_, index + 1), std::move(about),
                          std::make_shared<const PageOrigin>(PageOrigin{original_, index}));
}

}  // namespace lectern
