// Reads whole documents, many at a time: pictures, PDFs and folders go in, finished files come out.
//
//   lectern::Model model = lectern::Model::load("DeepSeek-OCR", {.weights = lectern::Weights::bf16});
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
  ReadOptions read;      // no prompt: markdown where a format lives from the layout and the model knows it, else free
  int batch = 0;         // pages read together on a device; 0: as many as help and as the memory holds
  // Pages of a PDF or a TIFF that the model reads in one sequence, where it was trained to; what it writes of them is
  // parted again. When one of them is missing after an interrupted run, all are read.
  int pages_together = 1;

  // A file, a folder that gets NAME.FORMAT for every input NAME.*, "-" for standard output, or empty: nothing is
  // written, the pages go to DocumentEvents. A folder is one that exists, ends in '/', or has no extension where there
  // are several inputs or formats.
  std::string out;
  std::vector<Format> formats;  // empty: what the extension of `out` says, else md or txt, as the prompt asks for
  OutputOptions output;
  // Pages and blocks whose confidence is lower are told and listed in the report, to be looked at by a person, and so
  // are pages of which nothing or hardly anything was read. 0: none.
  double review_below = 0;
  // A file that the caller means to write the report to; it is held against all others. Empty: none.
  std::string report;

  // A run that writes files keeps a journal beside them until every page was read. What an interrupted run of the same
  // settings left there is not read again: `automatic`. `required`: a journal of other settings is an Error.
  enum class Resume { automatic, required, never };
  Resume resume = Resume::automatic;
};

// How far a run is.
struct RunProgress {
  size_t inputs = 0;         // in all
  size_t opened = 0;         // of them, those that could not be opened included
  int64_t pages = 0;         // to be read of those opened
  int64_t done = 0;          // of them, failures and pages of an earlier run among them
  int64_t failed = 0;        // of them
  int64_t from_journal = 0;  // of them
  int64_t tokens = 0;        // of the pages read now
  double seconds = 0;
  // The page at which something happened last.
  std::string name;
  Progress page;
};

// All on the thread that called read_documents; all may be empty.
struct DocumentEvents {
  std::function<void(const std::string& line)> message;  // for people: what failed, is missing, or went otherwise
  std::function<void(const std::string& input, const Page& page)> page;  // in order
  // Text of the page in turn while it is read: what was given for it so far is cut to `keep` bytes, then `more` is
  // appended. `input` counts the files that `inputs` stands for.
  std::function<void(size_t input, int page, size_t keep, std::string_view more)> text;
  std::function<void(const RunProgress&)> progress;
  std::stop_token stop;  // ends the run soon; finished pages stay in the journal
};

struct InputReport {
  std::string source;
  std::string error;         // not empty: it could not be opened, or a file of it could not be written
  bool done_before = false;  // its outputs are those of an earlier run
  int64_t pages = 0;         // chosen
  int64_t read = 0;          // blank ones and those of an earlier run among them
  int64_t failed = 0;        //
  int64_t blank = 0;         //
  int64_t kept = 0;          // whose text is that which they had; of a PDF that becomes a PDF
  int64_t from_journal = 0;  //
  std::vector<std::string> outputs;
  struct Note {
    int page = 0;
    Warning warning;  // of a page that failed, WarningCode::failed
  };
  std::vector<Note> notes;
  std::optional<double> confidence;  // the mean of that of its pages
  // What a person should look at, where DocumentOptions ask for it.
  struct Review {
    int page = 0;
    std::optional<double> confidence;  // of the page
    bool whole_page = false;           // not only the blocks
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
  std::string failure;  // not empty: it failed, and other devices read its pages
};

// What a run came to.
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
  // Nothing is left that another run could do: no page or input failed, and none was interrupted.
  bool is_done() const;
  // With the exit code of the program that ran it, where it has one.
  std::string to_json(std::optional<int> exit_code = {}) const;
};

// Throws Error for all that read_documents() would refuse and that is known before the model in this folder is loaded.
// Above all for files that must not be written: inputs, files of another kind, and files that would be written twice.
LECTERN_EXPORT void check_documents(const DocumentOptions& options, const std::filesystem::path& model_folder);

// One model a device; pages are spread over them. Throws Error for options that cannot be served and for a place that
// cannot be written, before anything is read; what fails later is in the report.
LECTERN_EXPORT RunReport read_documents(const std::vector<Model>& models, const DocumentOptions& options,
                                        const DocumentEvents& events = {});

}  // namespace lectern
