// Child process lectern-pdf: started on a file, called with deadlines, killed and reaped by the destructor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>

#include "core/unique_fd.h"

namespace lectern {

class PdfHelper {
 public:
  // Thrown when the helper died, timed out or sent invalid data; it cannot be used any more.
  struct Lost {
    std::string reason;  // "crashed (Segmentation fault)"
  };
  // The latest time of an answer. Stopped is thrown soon after a request to stop.
  struct Deadline {
    std::chrono::steady_clock::time_point time;
    std::stop_token stop;
  };

  // Starts `program` with the file as pdf::file_descriptor and no other file of this process. Throws Error.
  PdfHelper(const std::filesystem::path& program, int file);
  PdfHelper(const PdfHelper&) = delete;
  PdfHelper& operator=(const PdfHelper&) = delete;
  ~PdfHelper();

  // All of the bytes, or Lost or Stopped is thrown.
  void send(std::span<const std::byte> bytes, const Deadline& deadline);
  void receive(std::span<std::byte> bytes, const Deadline& deadline);

  pid_t process() const { return process_; }

 private:
  void wait_for(short events, const Deadline& deadline);
  Lost ended();
  int end();

  UniqueFd channel_;
  pid_t process_ = -1;
};

// $LECTERN_PDF, or lectern-pdf beside the running program, in ../libexec/lectern, or in PATH. Throws Error.
std::filesystem::path find_pdf_helper();

}  // namespace lectern
