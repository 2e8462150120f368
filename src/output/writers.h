// The writers of all formats, each in a file of its name: markdown_writer.cpp in text/, and so on. make_writer
// (output/writer.h) chooses among them.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_markdown_writer(const Destination& to, const DocumentInfo& info,
                                                     const OutputOptions& options);
std::unique_ptr<DocumentWriter> make_text_writer(const Destination& to, const OutputOptions& options);
std::unique_ptr<DocumentWriter> make_json_writer(const Destination& to, const DocumentInfo& info);
std::unique_ptr<DocumentWriter> make_html_writer(const Destination& to, const DocumentInfo& info,
                                                 const OutputOptions& options);
std::unique_ptr<DocumentWriter> make_hocr_writer(const Destination& to, const DocumentInfo& info);
std::unique_ptr<DocumentWriter> make_pdf_writer(const Destination& to, const DocumentInfo& info,
                                                const OutputOptions& options, const AssemblePdf& assemble);
std::unique_ptr<DocumentWriter> make_boxes_writer(const Destination& to, const DocumentInfo& info);
std::unique_ptr<DocumentWriter> make_raw_writer(const Destination& to);

}  // namespace lectern
