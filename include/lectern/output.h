// Pages as Markdown, text, JSON, HTML, hOCR, PDF and pictures: into a string, or piece by piece into anything.
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

  // Pages of a PDF that have text, when the format is pdf. skip: they stay as they are. redo: text that is not seen
  // gives way to what is read; pages with text that is seen stay. force: they become pictures with the text that was
  // read.
  enum class ExistingText { skip, redo, force };
  ExistingText existing_text = ExistingText::skip;
  bool decrypt = false;                // an encrypted PDF may become one that is not
  bool invalidate_signatures = false;  // a signed PDF may become one whose signatures no longer hold
};

// Takes the bytes of a document in order. What it throws is passed on.
using Sink = std::function<void(std::string_view bytes)>;

// One document in the making. Memory does not grow with its pages: text formats give theirs to the sink page by page,
// pdf and boxes keep them in a temporary file until finish(). Figures are not cut out, since there is no folder for
// them. One thread at a time. All functions throw Error when something cannot be written.
class LECTERN_EXPORT Writer {
 public:
  Writer(Format format, Sink sink, const DocumentInfo& info = {}, const OutputOptions& options = {});
  Writer(Writer&&) noexcept;
  Writer& operator=(Writer&&) noexcept;
  ~Writer();

  // In order. `image` is the page's; html, hocr, pdf and boxes show it, or tell from it where words stand, and do
  // without where there is none. A page that could not be read, or not wholly, is marked in every format.
  // A pdf made of images of a Document keeps its pages as they are and lays the text over them; those that have text
  // already get none (OutputOptions::existing_text, of which only read_documents() knows redo). Throws Error for an
  // encrypted or signed one unless the options allow it.
  void add(const Page& page, const Image* image = nullptr);
  // Once, after the last page.
  void finish();
  // What could not be written as asked; complete after finish().
  const std::vector<std::string>& warnings() const;

 private:
  Format format_;
  OutputOptions options_;
  std::unique_ptr<DocumentWriter> writer_;
};

// A page as a document of its own.
LECTERN_EXPORT std::string render(const Page& page, Format format, const Image* image = nullptr,
                                  const OutputOptions& options = {});

// Pages without their images.
LECTERN_EXPORT void write(std::span<const Page> pages, Format format, const Sink& sink, const DocumentInfo& info = {},
                          const OutputOptions& options = {});

}  // namespace lectern
