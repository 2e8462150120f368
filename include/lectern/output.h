// Writers of Markdown, text, JSON, HTML, hOCR, PDF and box pictures, into a string or a sink.
//
//   std::string markdown = lectern::render(page, lectern::Format::markdown);
//   lectern::write(pages, lectern::Format::json, [&](std::string_view bytes) { file << bytes; });
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/enums.h"
#include "lectern/export.h"
#include "lectern/image.h"
#include "lectern/page.h"

namespace lectern {

class DocumentWriter;

struct OutputOptions {
  enum class Tables { html, pipe };
  enum class Formulas { dollar, paren };
  Tables tables = Tables::html;          // of markdown
  Formulas formulas = Formulas::dollar;  // of markdown
  bool figures = true;                   // cut figures out of the pages, beside the file; of markdown
  bool headers = true;                   // of markdown, text and html
  bool footers = true;
  bool page_numbers = true;
  bool page_breaks = false;  // a rule in markdown, a form feed in text

  // What becomes of PDF pages that already have text, when the format is pdf. skip: they stay as they are. redo: hidden
  // text is replaced by the text read; pages with visible text stay. force: they become pictures with the text read
  // laid over them.
  enum class ExistingText { skip, redo, force };
  ExistingText existing_text = ExistingText::skip;
  bool decrypt = false;                // allow writing an encrypted PDF without encryption
  bool invalidate_signatures = false;  // allow writing a signed PDF, which breaks its signatures
};

// Receives the bytes of a document in order. Its exceptions are passed on.
using Sink = std::function<void(std::string_view bytes)>;

// Writer of one document. Memory does not grow with the number of pages: text formats write each page to the sink, pdf
// and boxes buffer pages in a temporary file until finish(). Figures are not cut out, since there is no folder for
// them. One thread at a time. All functions throw Error when writing fails.
class LECTERN_EXPORT Writer {
 public:
  Writer(Format format, Sink sink, const DocumentInfo& info = {}, const OutputOptions& options = {});
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // Adds the next page. html, hocr, pdf and boxes show its `image` or locate words in it, and manage without one. Every
  // format marks a page that could not be read, or not completely.
  // A pdf of Document images keeps the original pages and lays the text over them; pages with text already get none
  // (OutputOptions::existing_text; redo works in read_documents() only). Throws Error for an encrypted or signed
  // PDF unless the options allow it.
  void add(const Page& page, const Image* image = nullptr);
  // Once, after the last page; nothing can be added then.
  void finish();
  // What could not be written as requested; complete after finish().
  const std::vector<std::string>& warnings() const;

 private:
  Format format_;
  OutputOptions options_;
  bool finished_ = false;
  std::unique_ptr<DocumentWriter> writer_;
};

// Renders one page as a whole document.
LECTERN_EXPORT std::string render(const Page& page, Format format, const Image* image = nullptr,
                                  const OutputOptions& options = {});

// Writes pages without their images.
LECTERN_EXPORT void write(std::span<const Page> pages, Format format, const Sink& sink, const DocumentInfo& info = {},
                          const OutputOptions& options = {});

}  // namespace lectern
