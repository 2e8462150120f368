// Child process lectern-pdf, started on a file, and its protocol (pdf_helper/protocol.h).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/system/child_process.h"
#include "pdf_helper/protocol.h"

namespace lectern {

class PdfHelper final : public ChildProcess {
 public:
  // Starts `program` with the file as pdf::file_descriptor and no other file of this process. Throws Error.
  PdfHelper(const std::filesystem::path& program, int file);

  // A structure of the protocol. Throws Lost for one without the magic number, and as ChildProcess does.
  template <class T>
  void send_one(const T& value, const Deadline& deadline) {
    send(std::as_bytes(std::span(&value, 1)), deadline);
  }
  template <class T>
  T receive_one(const Deadline& deadline) {
    T value;
    receive(std::as_writable_bytes(std::span(&value, 1)), deadline);
    if (value.magic != pdf::magic) throw Lost{"does not talk as lectern-pdf does"};
    return value;
  }
  // The message of a failed answer, in one line; may be empty.
  std::string receive_message(const pdf::Answer& answer, const Deadline& deadline);
  // The notes after an answer.
  struct Note {
    char kind = pdf::reported;
    std::string text;  // one line
  };
  std::vector<Note> receive_notes(const Deadline& deadline);
};

// $LECTERN_PDF, or lectern-pdf beside the running program, in ../libexec/lectern, or in PATH. Throws Error.
std::filesystem::path find_pdf_helper();

}  // namespace lectern
