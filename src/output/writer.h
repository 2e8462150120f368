// Writers of documents: each takes the pages of one document in order, one at a time, and leaves one finished file.
//
// Memory does not grow with the number of pages. The file appears under its name when finish() returns, and not at
// all when the writer is destroyed before. A page that could not be read, or not wholly, is marked in every format.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/files/file_gate.h"
#include "core/files/original_file.h"
#include "core/picture.h"
#include "lectern/output.h"
#include "lectern/page.h"
#include "output/output_file.h"
#include "pdf_helper/assembly/assembly_plan.h"

namespace lectern {

// Properties of a format.
struct FormatInfo {
  Format format;
  std::array<std::string_view, 3> extensions;  // with their dots; the first is given, all are known; may be empty
  std::string_view meaning;
  FileKind kind;
  bool many_pages;     // one file holds them; else each page is a file, those of several pages in a folder
  bool for_terminals;  // text that a terminal can show
  bool needs_pictures;
  bool needs_layout;             // shows where blocks stand, which a grounded prompt asks for
  std::string_view page_folder;  // NAME and this is a folder of pictures beside it; empty: there is none

  std::string_view name() const { return name_of(format); }  // on the command line
};
// In the order in which they are documented.
std::span<const FormatInfo> format_infos();
const FormatInfo& format_info(Format format);

// By name, as in "md". Throws Error listing the names.
Format format_named(std::string_view name);

// Of a file called so, by its extension.
std::optional<Format> format_of(const std::filesystem::path& file);

// NAME of a document whose file in this format is called so: without the format's extension.
std::string name_without_extension(const std::filesystem::path& file, Format format);

// The folder beside `file` that pictures of its pages go to; empty where the format has none.
std::filesystem::path page_folder_of(const std::filesystem::path& file, Format format);

// Whether a page of a PDF goes into a new PDF as it is, since it has text.
bool stays_as_it_is(const Page& page, const OutputOptions& options);

// Throws Error for a file of which, by these options, no new PDF may be made.
void check_original(const OriginalFile& file, const OutputOptions& options);

// True if the format needs the picture of this page.
bool needs_picture(Format format, const Page& page, const OutputOptions& options = {});

class DocumentWriter {
 public:
  DocumentWriter() = default;
  DocumentWriter(const DocumentWriter&) = delete;
  DocumentWriter& operator=(const DocumentWriter&) = delete;
  virtual ~DocumentWriter() = default;

  // The picture is the page as displayed, or null where there is none or it is not needed.
  virtual void page(const Page& page, const Picture* picture) = 0;
  // The same, for formats that keep what is in the file that the page comes from.
  virtual void page_of(const PageOrigin&, const Page& page, const Picture* picture) { this->page(page, picture); }
  // Once, after the last page.
  virtual void finish() = 0;

  // The files made in place of the one that it was made for, after finish(); empty: that one.
  const std::vector<std::filesystem::path>& files() const { return files_; }
  // What could not be written as asked; complete after finish().
  const std::vector<std::string>& warnings() const { return warnings_; }

 protected:
  void warn(std::string message) { warnings_.push_back(std::move(message)); }
  void add_file(std::filesystem::path file) { files_.push_back(std::move(file)); }

 private:
  std::vector<std::filesystem::path> files_;
  std::vector<std::string> warnings_;
};

// Makes a new PDF as input/pdf_assembly does, and says what of the pages was lost.
using AssemblePdf = std::function<std::vector<std::string>(int file, const pdf::AssemblyPlan& plan,
                                                           const std::function<void(std::string_view)>& sink)>;

// `assemble` may be empty: pages of PDFs become pictures then. Standard output ("-") and sinks get pages as they come.
// Throws Error, now or from the writer's functions, when something cannot be written.
std::unique_ptr<DocumentWriter> make_writer(Format format, const Destination& to, const DocumentInfo& info,
                                            const OutputOptions& options, const AssemblePdf& assemble = {});

}  // namespace lectern
