// A running lectern-pdf: started on a file, talked to within deadlines, killed and reaped when the object goes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

#include "core/descriptor.h"

namespace lectern {

class PdfHelper {
 public:
  // The helper died, fell silent or talks nonsense: it is of no more use.
  struct Lost {
    std::string reason;  // "crashed (Segmentation fault)"
  };
  // Until when an answer must be here; Stopped is thrown soon after the request to stop.
  struct Patience {
    std::chrono::steady_clock::time_point deadline;
    std::stop_token stop;
  };

  // Starts `program` with the file as pdf::file_descriptor and no other file of this process. Throws Error.
  PdfHelper(const std::filesystem::path& program, int file);
  PdfHelper(const PdfHelper&) = delete;
  PdfHelper& operator=(const PdfHelper&) = delete;
  ~PdfHelper();

  // All of the bytes, or Lost or Stopped is thrown.
  void send(std::span<const std::byte> bytes, const Patience& patience);
  void receive(std::span<std::byte> bytes, const Patience& patience);

  pid_t process() const { return process_; }

 private:
  void wait_for(short events, const Patience& patience);
  Lost ended();
  int end();

  Descriptor channel_;
  pid_t process_ = -1;
};

// $LECTERN_PDF, or lectern-pdf beside the running program, in ../libexec/lectern, or in PATH. Throws Error.
std::filesystem::path find_pdf_helper();

}  // namespace lectern
