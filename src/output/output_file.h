// Where a writer's bytes go: a file that appears when it is finished, or standard output as they come.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/file.h"

namespace lectern {

class OutputFile {
 public:
  // "-" is standard output.
  explicit OutputFile(const std::filesystem::path& path);

  void write(std::string_view bytes);
  // What was written so far reaches a reader of standard output.
  void flush();
  // Call it once, last.
  void finish();

  bool to_stdout() const { return !file_; }

 private:
  void put(std::string_view bytes);

  const bool terminal_;  // standard output is one: what would act on it is replaced
  std::optional<AtomicFile> file_;
  std::string pending_;
};

}  // namespace lectern
