// Writers of documents: each takes the pages of one document in order, one at a time, and leaves one finished file.
//
// Memory does not grow with the number of pages. The file appears under its name when finish() returns, and not at
// all when the writer is destroyed before. A page that could not be read, or not wholly, is marked in every format.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/picture.h"
#include "lectern/document.h"
#include "lectern/output.h"

namespace lectern {

enum class Format { markdown, text, json, html, hocr, pdf, boxes, raw };

struct FormatName {
  Format format;
  std::string_view name;       // on the command line
  std::string_view extension;  // with its dot
  std::string_view meaning;
};
// In the order in which they are documented.
std::span<const FormatName> format_names();
const FormatName& name_of(Format format);

// By name, as in "md". Throws Error listing the names.
Format format_named(std::string_view name);

// Whether page() wants the picture of this page.
bool needs_picture(Format format, const DocumentPage& page, const OutputOptions& options = {});

class DocumentWriter {
 public:
  DocumentWriter() = default;
  DocumentWriter(const DocumentWriter&) = delete;
  DocumentWriter& operator=(const DocumentWriter&) = delete;
  virtual ~DocumentWriter() = default;

  // The picture is the page as displayed, or null where there is none or it is not needed.
  virtual void page(const DocumentPage& page, const Picture* picture) = 0;
  // Once, after the last page.
  virtual void finish() = 0;

  // What could not be written as asked; complete after finish().
  const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  void warn(std::string message) { warnings_.push_back(std::move(message)); }

 private:
  std::vector<std::string> warnings_;
};

// `path` "-" is standard output, to which pages are written as they come. Throws Error, now or from the writer's
// functions, when the file cannot be written.
std::unique_ptr<DocumentWriter> make_writer(Format format, const std::filesystem::path& path, const DocumentInfo& info,
                                            const OutputOptions& options);

}  // namespace lectern
