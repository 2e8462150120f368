// Child process lectern-pdf, started on a file.
#pragma once

#include <filesystem>

#include "core/system/child_process.h"

namespace lectern {

class PdfHelper final : public ChildProcess {
 public:
  // Starts `program` with the file as pdf::file_descriptor and no other file of this process. Throws Error.
  PdfHelper(const std::filesystem::path& program, int file);
};

// $LECTERN_PDF, or lectern-pdf beside the running program, in ../libexec/lectern, or in PATH. Throws Error.
std::filesystem::path find_pdf_helper();

}  // namespace lectern
