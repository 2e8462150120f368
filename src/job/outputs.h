// Where the documents of a run go: to standard output, into one file of each format, or into a folder with a file of
// each format for each input. Files appear when they are finished, and only then.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/files/file_gate.h"
#include "input/inputs.h"
#include "input/page_source.h"
#include "job/output_names.h"
#include "output/writer.h"

namespace lectern {

// The formats that `out` and the names given stand for: none given is what the file's extension says, else `otherwise`.
// Throws Error for an extension, or a name, that is no format's.
std::vector<Format> formats_for(const std::string& out, const std::vector<Format>& asked, Format otherwise);

// What a PDF is asked of the text that it has, when it becomes a PDF anew.
FindText text_to_find(const OutputOptions& options);

class Outputs {
 public:
  // `out` and `several` as for OutputNames, but nothing is written where `out` is "". Nothing is made yet. Throws Error
  // when it cannot be written, so that nothing is read in vain, and when the gate, which has all inputs, refuses a
  // file.
  Outputs(const std::string& out, std::vector<Format> formats, const OutputOptions& options,
          const std::vector<Input>& inputs, bool several, FileGate& gate);
  ~Outputs();
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  bool to_stdout() const { return names_ && names_->to_stdout(); }
  // All inputs go into one document, one after the other.
  bool merges() const { return names_ && names_->combined(); }
  const std::vector<Format>& formats() const { return formats_; }
  // For the journal of the run; none for standard output.
  const std::optional<std::filesystem::path>& journal_path() const { return journal_; }
  // Makes the folder that all goes to. Throws Error.
  void make_folder() const;
  // What is to be written for an input.
  const std::vector<std::filesystem::path>& paths(size_t input) const { return paths_[input]; }
  bool wants_picture(const Page& page) const;
  // What pages are asked of text that they have, and whether one that has it need be read.
  FindText asks_for_text() const;
  bool reads(const Page& page) const;
  // Throws Error for a file that must not become what is to be written.
  void check(const OriginalFile& file) const;

  // In the order of the inputs. Where an input has files of its own, a writer that fails is given up and leaves its
  // reason for take_failures(). Throw Error for the others, and when the place takes no more files. The info of the
  // first input counts where inputs are merged.
  void begin(size_t input, const DocumentInfo& info);
  void page(const Page& page, const Picture* picture, const PageOrigin& origin = {});
  // An input that could not be opened.
  void failed(size_t input, const DocumentInfo& info, const std::string& message);
  // After the last page of an input. -> the files that were finished: none of an input of which no page could be read.
  std::vector<std::filesystem::path> end(size_t input);
  // After the last input, or when the run was interrupted: standard output is brought to an end then, files are not.
  std::vector<std::filesystem::path> finish(bool interrupted);

  // Since the last call: what the writers could not do as asked, and why writers were given up.
  std::vector<std::string> take_warnings();
  std::vector<std::string> take_failures();

 private:
  // Of one format.
  struct Target {
    std::filesystem::path path;
    std::unique_ptr<DocumentWriter> writer;  // none once it was given up
  };
  void open(size_t input, const DocumentInfo& info);
  std::vector<std::filesystem::path> close();
  template <typename Work>
  void attempt(Target& target, const Work& work);

  std::vector<Format> formats_;  // none when nothing is written
  OutputOptions options_;
  std::optional<OutputNames> names_;
  std::filesystem::path folder_;  // empty for files and for standard output
  std::optional<std::filesystem::path> journal_;
  std::vector<std::vector<std::filesystem::path>> paths_;  // of every input, in the order of the formats
  std::vector<Target> targets_;                            // of the document being written
  int pages_ = 0;                                          // of it
  bool any_read_ = false;                                  // of them
  bool written_ = false;                                   // to standard output
  std::vector<std::string> warnings_, failures_;
};

}  // namespace lectern
