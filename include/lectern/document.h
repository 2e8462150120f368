// Documents of several pages, opened: PDFs, TIFFs and pictures, from a file or from memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/export.h"
#include "lectern/image.h"
#include "lectern/page.h"
#include "lectern/reader.h"

namespace lectern {

struct OriginalFile;
class PageSource;

struct DocumentSettings {
  double dpi = 0;          // at which PDF pages are rendered; 0: 200, less for very large pages
  std::string password{};  // of an encrypted PDF
};

// One thread at a time. PDFs are rendered by lectern-pdf, a sandboxed child process with access to that file alone. It
// is found at $LECTERN_PDF, beside this program, in ../libexec/lectern, or in PATH.
class LECTERN_EXPORT Document {
 public:
  // The format is detected from the first bytes. Throws Error, naming the file, when it cannot be opened.
  static Document open(const std::filesystem::path& file, const DocumentSettings& settings = {});
  // The same from memory, which is copied; `name` stands for it in messages.
  static Document from_bytes(std::span<const std::byte> bytes, std::string_view name = "document",
                             const DocumentSettings& settings = {});
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  const std::string& name() const { return name_; }
  int pages() const;
  // Warnings about the file as a whole: damage, and content beside its pages.
  std::vector<Warning> warnings() const;
  // Page `index`, from 0, as displayed. Throws Error, naming file and page; other pages can still be read. A PDF made
  // of such images keeps the pages of the file (output.h), which stays open while one of the images lives.
  Image image(int index);

 private:
  Document(std::unique_ptr<PageSource> source, std::string name);

  std::unique_ptr<PageSource> source_;
  std::shared_ptr<const OriginalFile> original_;
  std::string name_;
};

// Reads every page, several at a time. `each` gets them in order on the calling thread; an exception from it ends the
// reading and is passed on. A page that cannot be rendered or read has Page::error, and its image may be null. Only a
// few images are in memory at a time.
LECTERN_EXPORT void read_pages(Reader& reader, Document& document,
                               const std::function<void(const Page&, const Image*)>& each,
                               const std::optional<ReadOptions>& options = {});

}  // namespace lectern
