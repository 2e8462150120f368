// Where the documents of a run go: to standard output, into one file of each format, or into a folder with a file of
// each format for each input. Files appear when they are finished, and only then.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/inputs.h"
#include "job/output_names.h"
#include "output/writer.h"

namespace lectern {

// The formats that `out` and the names given stand for: none given is what the file's extension says, else `otherwise`.
std::vector<Format> formats_for(const std::string& out, const std::vector<std::string>& names, Format otherwise);

class Outputs {
 public:
  // `out` and `several` as for OutputNames, but nothing is written where `out` is "". Throws Error when it cannot be
  // written, so that nothing is read in vain, or when a file to be written is one of the inputs.
  Outputs(const std::string& out, std::vector<Format> formats, const OutputOptions& options,
          const std::vector<Input>& inputs, bool several = false);
  ~Outputs();
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  bool to_stdout() const { return names_ && names_->to_stdout(); }
  // All inputs go into one document, one after the other.
  bool merges() const { return names_ && names_->combined(); }
  // For the journal of the run; none for standard output.
  std::optional<std::filesystem::path> journal_path() const;
  // What is written for an input.
  const std::vector<std::filesystem::path>& paths(size_t input) const { return paths_[input]; }
  bool wants_picture(const DocumentPage& page) const;

  // In the order of the inputs; all throw Error when something cannot be written. The info of the first input counts
  // where inputs are merged.
  void begin(size_t input, const DocumentInfo& info);
  void page(const DocumentPage& page, const Picture* picture);
  // An input that could not be opened.
  void failed(size_t input, const DocumentInfo& info, const std::string& message);
  // After the last page of an input. Whether files were finished: not those of an input of which no page could be read.
  bool end(size_t input);
  // After the last input, or when the run was interrupted: standard output is brought to an end then, files are not.
  bool finish(bool interrupted);

  // What the writers could not do as asked, since the last call.
  std::vector<std::string> take_warnings();

 private:
  void open(size_t input, const DocumentInfo& info);
  bool close();

  std::vector<Format> formats_;  // none when nothing is written
  OutputOptions options_;
  std::optional<OutputNames> names_;
  std::optional<std::filesystem::path> journal_;
  std::vector<std::vector<std::filesystem::path>> paths_;  // of every input, in the order of the formats
  std::vector<std::unique_ptr<DocumentWriter>> writers_;
  int pages_ = 0;          // of the document being written
  bool any_read_ = false;  // of them
  bool written_ = false;   // to standard output
  std::vector<std::string> warnings_;
};

}  // namespace lectern
