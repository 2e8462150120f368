// Where the results of each input go: standard output, one file, or a folder in which no two inputs share a name.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/files/file_gate.h"
#include "input/inputs.h"
#include "output/writer.h"

namespace lectern {

// NAME for each NAME.png; for a file of a folder that was typed, with the folders in which it lies there: a/NAME. So
// names do not depend on what else lies there. Inputs of one name take as much more of their paths as tells them apart:
// "x.png" and "x.jpg", or "a-x" and "b-x" for a/x.png and b/x.png. The same input again is "x-2". Names that differ
// only in case count as one.
std::vector<std::filesystem::path> distinct_names(std::span<const Input> inputs);

class OutputNames {
 public:
  // `out` is a file, a folder, or "" or "-" for standard output. A folder is what exists as one, ends in '/', or has no
  // extension where there are several inputs or formats; `several`: what was typed may stand for more inputs than it
  // does today. With several formats, a file's extension gives way to that of each. Nothing is made yet. Throws Error
  // when something cannot be written there, or does not hold what there is to write.
  OutputNames(const std::string& out, std::span<const Input> inputs, std::vector<Format> formats, bool several = false);

  bool to_stdout() const { return out_.empty(); }
  // Every input has files of its own in a folder.
  bool in_folder() const { return !names_.empty(); }
  // All inputs go into one file, one after the other.
  bool combined() const { return names_.empty() && !to_stdout() && inputs_ > 1; }
  // "-" for standard output.
  std::filesystem::path path(size_t input, Format format) const;
  // Hands all that may be written to the gate, which has all inputs.
  void pass(FileGate& gate, const OutputOptions& options) const;

 private:
  std::filesystem::path out_;                 // a file or a folder; empty for standard output
  std::vector<std::filesystem::path> names_;  // within the folder, one for each input; empty for a file
  std::vector<Format> formats_;
  size_t inputs_;
};

}  // namespace lectern
