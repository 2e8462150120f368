// Builder of a searchable PDF: pictures of pages under invisible text; or the text alone, as layers to be put over
// existing pages.
//
// Pictures and texts are kept in an unnamed file, so that memory does not grow with them.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "core/files/original_file.h"
#include "core/picture.h"
#include "lectern/page.h"

namespace lectern {

class PdfDocument {
 public:
  using Sink = std::function<void(std::string_view)>;

  // The file without a name lies in `folder`. Throws Error, here and below, when something cannot be written.
  PdfDocument(const DocumentInfo& info, const std::filesystem::path& folder);
  PdfDocument(const PdfDocument&) = delete;
  PdfDocument& operator=(const PdfDocument&) = delete;
  ~PdfDocument();

  // `picture` may be null. A picture goes in as its file has it, where a PDF can carry that.
  void add(const Page& page, const Picture* picture, const PageOrigin& origin = {});
  // A page to be laid over another one: its text, and its picture where it is shown; `picture` may be null. -> its
  // index.
  int add_layer(const Page& page, const Picture* picture, bool shows_picture);
  // Once, after the last page.
  void write(const Sink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lectern
