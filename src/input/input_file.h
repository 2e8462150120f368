// Opened input: a regular file, or a pipe whose bytes are copied into an unnamed temporary file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/unique_fd.h"

namespace lectern {

class InputFile {
 public:
  // "-" is standard input. Throws Error for what is missing, empty, or neither a regular file nor a pipe, saying what
  // was `expected`; and Stopped soon after the request to stop, however long the other end of a pipe is silent.
  explicit InputFile(const std::filesystem::path& path, const std::stop_token& stop = {},
                     std::string_view expected = "a picture or a PDF");
  // A file that messages call `name`.
  static InputFile named(const std::filesystem::path& path, const std::string& name, const std::stop_token& stop = {});
  // Bytes in memory as a file. `name` is used in messages.
  static InputFile of_bytes(std::span<const std::byte> bytes, const std::string& name, std::string_view expected);

  const std::string& name() const { return name_; }            // for messages
  const std::filesystem::path& path() const { return path_; }  // to open it by, while this object lives
  int descriptor() const { return file_.get(); }
  UniqueFd another_descriptor() const;  // of the same file, for whoever outlives this
  bool is_pdf() const;                  // by its first bytes, or by its name where they say nothing

 private:
  InputFile() = default;

  std::string name_;
  std::filesystem::path path_;
  UniqueFd file_;
};

}  // namespace lectern
