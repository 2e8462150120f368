// Batch reading of documents: pictures, PDFs and folders go in, finished files come out.
//
//   lectern::Model model = lectern::Model::load("models/DeepSeek-OCR", {.weights = lectern::Weights::bf16});
//   lectern::DocumentOptions options;
//   options.inputs = {"scans/"};
//   options.out = "texts/";
//   options.formats = {lectern::Format::markdown, lectern::Format::pdf};
//   lectern::RunReport report = lectern::read_documents({model}, options);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/error.h"
#include "lectern/export.h"
#include "lectern/model.h"
#include "lectern/output.h"
#include "lectern/page.h"
#include "lectern/reader.h"

namespace lectern {

struct DocumentOptions {
  // Files, folders, patterns such as "scans/*.png", or "-" for standard input.
  std::vector<std::string> inputs;
  std::string pages;     // "1-3,8,12-"; empty: all
  std::string password;  // of encrypted PDFs
  double dpi = 0;        // at which PDF pages are rendered; 0: 200, less for very large pages
  bool upright = false;  // turn scans that lie on their side or upside down, told by their letters
  ReadOptions read;      // empty prompt: markdown where a format needs the layout and the model knows it, else free
  int batch = 0;         // pages read together on a device; 0: as many as speed it up and fit into memory
  // Pages of a PDF or a TIFF that a model trained for it reads in one sequence; its text is then split into pages. If
  // one page of such a group is missing after an interrupted run, the whole group is read again.
  int pages_together = 1;

  // Output: a file, a folder that gets NAME.FORMAT for every input NAME.*, "-" for standard output, or empty for none
  // (pages go to DocumentEvents only). A path is a folder if it exists as one, ends in '/', or has no extension while
  // there are several inputs or formats.
  std::string out;
  std::vector<Format> formats;  // empty: by the extension of `out`, else md or txt, depending on the prompt
  OutputOptions output;
  // Threshold of confidence for review by a person: pages and blocks below it, and pages of which hardly anything was
  // read, are reported as messages and in the report. 0: none.
  double review_below = 0;
  // File to which the caller will write the report; checked for conflicts with inputs and outputs. Empty: none.
  std::string report;

  // A run that writes files keeps a journal beside them until every page was read. automatic: reuse the pages of an
  // interrupted run with the same settings. required: throw Error when the settings differ. never: start over.
  enum class Resume { automatic, required, never };
  Resume resume = Resume::automatic;
};

// Progress of a run.
struct RunProgress {
  size_t inputs = 0;         // in all
  size_t opened = 0;         // inputs opened so far, including those that failed to open
  int64_t pages = 0;         // chosen pages of the opened inputs
  int64_t done = 0;          // finished pages, including failures and those of an earlier run
  int64_t failed = 0;        // of them
  int64_t from_journal = 0;  // of them
  int64_t tokens = 0;        // of the pages read now
  double seconds = 0;
  // The page with the latest event.
  std::string name;
  Progress page;
};

// All on the thread that called read_documents; all may be empty.
struct DocumentEvents {
  std::function<void(const std::string& line)> message;  // for people: failures, missing files, changes of settings
  std::function<void(const std::string& input, const Page& page)> page;  // in order
  // Text of the next page in order while it is being read: cut the page's text so far to `keep` bytes, then append
  // `more`. `input` is an index into the files that `inputs` expands to.
  std::function<void(size_t input, int page, size_t keep, std::string_view more)> text;
  std::function<void(const RunProgress&)> progress;
  std::stop_token stop;  // ends the run soon; finished pages stay in the journal
};

struct InputReport {
  std::string source;
  std::string error;  // why it could not be opened or an output not be written; empty: no error
  ErrorCode error_code = ErrorCode::invalid_argument;  // of the error
  bool done_before = false;                            // its outputs are those of an earlier run
  int64_t pages = 0;                                   // chosen
  int64_t read = 0;                                    // including blank pages and those of an earlier run
  int64_t failed = 0;                                  // could not be read
  int64_t blank = 0;                                   // of those read: nothing is on them
  int64_t kept = 0;                  // pages of a PDF that go into the new PDF unread, with their own text
  int64_t from_journal = 0;          // of those read: by an earlier run
  std::vector<std::string> outputs;  // files that were written
  struct Note {
    int page = 0;
    Warning warning;  // WarningCode::failed for a page that failed
  };
  std::vector<Note> notes;
  std::optional<double> confidence;  // the mean of that of its pages
  // What a person should check, if DocumentOptions::review_below asks for it.
  struct Review {
    int page = 0;
    std::optional<double> confidence;  // of the page
    bool whole_page = false;           // the page, not only some blocks
    struct Block {
      size_t number = 0;  // among the blocks of the page, from 1
      std::string label;
      std::string text;  // its beginning
      double confidence = 0;
      std::optional<Box> box;
    };
    std::vector<Block> blocks;
  };
  std::vector<Review> reviews;
};

struct DeviceReport {
  std::string device;
  int64_t pages = 0;
  double seconds = 0;   // at work
  std::string failure;  // why it failed, its pages then read by others; empty: it did not
};

// Outcome of a run.
enum class RunOutcome : uint8_t {
  everything,   // was read
  part,         // some pages or inputs were not, or not to their end
  nothing,      // could be done
  interrupted,  // it was stopped
};

struct LECTERN_EXPORT RunReport {
  DocumentInfo info;  // what all inputs have in common
  std::vector<InputReport> inputs;
  std::vector<std::string> errors;  // inputs that stand for no file, outputs that could not be written
  std::vector<DeviceReport> devices;
  int64_t pages = 0, read = 0, failed = 0;
  int64_t incomplete = 0;  // of those read: the context was used up, or the model repeated itself to the end
  PageStats stats;         // of all pages read now
  double seconds = 0;      // from beginning to end
  size_t peak_picture_bytes = 0;
  bool interrupted = false;
  bool output_failed = false;  // the run ended since a file could not be written

  RunOutcome outcome() const;
  // Another run would have nothing to do: no page or input failed, and none was interrupted.
  bool is_done() const;
  // With the exit code of the calling program, if it has one.
  std::string to_json(std::optional<int> exit_code = {}) const;
};

// Checks options before the model in this folder is loaded. Throws Error for whatever read_documents() would refuse,
// above all for outputs that are inputs, would replace files of another kind, or would be written twice.
LECTERN_EXPORT void check_documents(const DocumentOptions& options, const std::filesystem::path& model_folder);

// Spreads pages over the models, one for each device. Throws Error for unsupported options and unwritable outputs
// before anything is read; later failures are in the report.
LECTERN_EXPORT RunReport read_documents(const std::vector<Model>& models, const DocumentOptions& options,
                                        const DocumentEvents& events = {});

}  // namespace lectern
