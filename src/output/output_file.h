// Destination of a writer: a file that appears when it is finished, or standard output or a sink.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/files/file.h"
#include "lectern/output.h"

namespace lectern {

struct Destination {
  Destination(std::filesystem::path file) : path(std::move(file)) {}  // NOLINT(google-explicit-constructor)
  Destination(Sink to) : path("-"), sink(std::move(to)) {}            // NOLINT(google-explicit-constructor)

  std::filesystem::path path;  // "-" is standard output, and stands for the sink where there is one
  Sink sink;
};

class OutputFile {
 public:
  explicit OutputFile(const Destination& to);

  void write(std::string_view bytes);
  // Flushes the bytes so far to standard output or the sink.
  void flush();
  // Call it once, last.
  void finish();

  bool streams() const { return !file_; }

 private:
  void put(std::string_view bytes);

  const Sink sink_;
  const bool terminal_;  // standard output is one: what would act on it is replaced
  std::optional<AtomicFile> file_;
  std::string pending_;
};

}  // namespace lectern
