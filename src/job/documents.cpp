#include "lectern/documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <new>
#include <system_error>

#include "core/confidence.h"
#include "core/files/file.h"
#include "core/log.h"
#include "core/stopwatch.h"
#include "engine/loaded_model.h"
#include "job/document_plan.h"
#include "job/journal/run_identity.h"
#include "job/journal/run_journal.h"
#include "job/page_preparation.h"
#include "job/pipeline.h"
#include "job/review.h"
#include "job/run_prompt.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/page_readers.h"
#include "reading/read_settings.h"

namespace lectern {
namespace {

constexpr size_t picture_memory = size_t{256} << 20;         // of pages that wait, before a reader or behind it
constexpr size_t picture_memory_of_page = size_t{24} << 20;  // and of one that is being read: some A4 page at 300 dpi

std::filesystem::path folder_of(const std::vector<Model>& models) {
  if (models.empty()) throw Error("there is no model to read with");
  return files_of(models.front()).checkpoint.folder();
}

class DocumentRun {
 public:
  DocumentRun(const std::vector<Model>& models, const DocumentOptions& options, const DocumentEvents& events);

  RunReport run();

 private:
  void open_journal(const Model& model);
  std::vector<FileStamp> files_of_run() const;
  std::vector<PipelineDocument> documents();
  void take(const PipelineEvent& event);
  void failed(size_t input, const std::string& message, ErrorCode code);
  void tell(const std::string& line) const;
  void progressed();
  void finished(size_t input, const Page& page);
  void hand_on(size_t input, const Page& page, const std::shared_ptr<const Picture>& picture);
  void ended(size_t input);
  void finish_outputs(bool stopped);
  DocumentInfo info_of(size_t input, int pages) const;
  std::string name_of_page(size_t input, int number) const;

  const DocumentOptions& options_;
  const DocumentEvents& events_;
  DocumentPlan plan_;
  const std::vector<Input>& inputs_;  // of the plan
  Outputs& outputs_;                  // of the plan
  std::vector<PageWorker> workers_;
  std::string prompt_;   // as named, or as chosen
  size_t together_ = 0;  // pages that all workers read at a time
  RunReport report_;
  std::optional<RunJournal> journal_;
  std::vector<std::optional<FileStamp>> stamps_;
  std::vector<size_t> inputs_read_;               // of the pipeline's documents
  std::vector<int> pages_of_;                     // of every input's file
  std::vector<MeanConfidence> confidence_of_;     // the pages of every input
  std::shared_ptr<const OriginalFile> original_;  // of the input whose turn it is
  RunProgress progress_;
  Stopwatch running_;
};

DocumentRun::DocumentRun(const std::vector<Model>& models, const DocumentOptions& options, const DocumentEvents& events)
    : options_(options),
      events_(events),
      plan_(options, folder_of(models)),
      inputs_(plan_.inputs.files),
      outputs_(plan_.outputs),
      stamps_(inputs_.size()),
      pages_of_(inputs_.size()),
      confidence_of_(inputs_.size()) {
  prompt_ = choose_prompt(models.front(), options_, plan_, [this](const std::string& line) { tell(line); });
  ReadOptions read = options.read;
  read.prompt = prompt_;
  report_.info = describe_models(models);
  report_.info.prompt = prompt_;
  if (options.pages_together > 1) check_pages_together(models.front(), options.read, options.pages_together);
  for (const Model& model : models) {
    const int batch = batch_size(model, options.batch);
    together_ += static_cast<size_t>(batch);
    // Options that the model cannot serve are refused here, before anything is read.
    check_read_options(model, read);
    check_max_tiles(model, read, options.pages_together);
    workers_.push_back({label_of(model), [model, read, batch] { return make_page_reader(model, read, batch); }});
  }
  report_.errors = plan_.inputs.errors;
  for (const std::string& error : plan_.inputs.errors) tell(error);
  for (const std::string& note : plan_.inputs.notes) tell(note);
  for (size_t i = 0; i < inputs_.size(); ++i) {
    report_.inputs.emplace_back().source = inputs_[i].file.string();
    if (inputs_[i].file != "-") stamps_[i] = stamp_of(inputs_[i].file);
  }
  if (inputs_.empty()) return;
  outputs_.make_folder();
  open_journal(models.front());
}

void DocumentRun::tell(const std::string& line) const {
  if (events_.message) events_.message(line);
}

void DocumentRun::open_journal(const Model& model) {
  const std::optional<std::filesystem::path>& path = outputs_.journal_path();
  if (!path) {
    if (options_.resume == DocumentOptions::Resume::required) {
      throw Error("`resume = required` needs a place where a journal can lie; name a file or a folder with `out`");
    }
    return;
  }
  const nlohmann::json identity = page_identity(report_.info, model.native_size(), options_,
                                                parse_prompt(prompt_, plan_.model, options_.read.force_mode));
  journal_.emplace(*path, identity, options_.resume, files_of_run(), [this](const std::string& line) { tell(line); });
}

DocumentInfo DocumentRun::info_of(size_t input, int pages) const {
  DocumentInfo info = report_.info;
  info.source = report_.inputs[input].source;
  info.pages = pages;
  if (!outputs_.merges()) return info;
  info.pages = 0;  // not known before the last input is open
  for (size_t i = 1; i < report_.inputs.size(); ++i) info.source += ", " + report_.inputs[i].source;
  return info;
}

std::string DocumentRun::name_of_page(size_t input, int number) const {
  const std::string& source = report_.inputs[input].source;
  return pages_of_[input] > 1 ? fmt::format("{}: page {}", source, number) : source;
}

std::vector<FileStamp> DocumentRun::files_of_run() const {
  std::vector<FileStamp> files;
  for (const auto& stamp : stamps_) {
    if (stamp) files.push_back(*stamp);
  }
  return files;
}

std::vector<PipelineDocument> DocumentRun::documents() {
  std::vector<PipelineDocument> all;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    InputReport& report = report_.inputs[i];
    if (journal_ && stamps_[i] && !outputs_.merges()) {
      report.outputs = journal_->outputs(*stamps_[i], output_identity(options_, outputs_.paths(i)));
      report.done_before = !report.outputs.empty();
      if (report.done_before) continue;
    }
    PipelineDocument document;
    document.name = report.source;
    SourceOptions source;
    source.dpi = options_.dpi;
    source.password = options_.password;
    source.stop = events_.stop;
    source.find_text = outputs_.asks_for_text();
    document.open = [this, file = inputs_[i].file, source] {
      std::unique_ptr<PageSource> opened = open_source(file, source);
      outputs_.check(*opened->original());
      return opened;
    };
    document.choose = [this, name = report.source](int pages) {
      try {
        return pages_in(plan_.range, pages);
      } catch (const Error& error) {
        throw Error(fmt::format("{}: {}", name, error.what()), error.code());
      }
    };
    if (journal_ && stamps_[i]) {
      document.known = [this, stamp = *stamps_[i]](int index) { return journal_->page(stamp, index + 1); };
    }
    all.push_back(std::move(document));
    inputs_read_.push_back(i);
  }
  return all;
}

void DocumentRun::progressed() {
  if (!events_.progress) return;
  progress_.seconds = running_.seconds();
  events_.progress(progress_);
}

// A page was read, or failed, in any order.
void DocumentRun::finished(size_t input, const Page& page) {
  report_.stats += page.stats;
  progress_.tokens += page.stats.tokens;
  ++progress_.done;
  log_info("page.done",
           {{"source", report_.inputs[input].source},
            {"page", page.number},
            {"mode", name_of(page.mode)},
            {"finish", name_of(page.finish)},
            {"tokens", page.stats.tokens},
            {"loops", page.guard.loops},
            {"seconds", page.stats.encode_seconds + page.stats.prefill_seconds + page.stats.decode_seconds}});
  if (!page.error.empty()) ++progress_.failed;
  if (journal_ && stamps_[input] && page.error.empty() && page.finish != Finish::stopped &&
      page.finish != Finish::kept) {
    journal_->add(*stamps_[input], page);
  }
  if (!page.error.empty()) tell(page.error);
  std::map<WarningCode, int> more;
  for (const Warning& warning : page.warnings) ++more[warning.code];
  for (const Warning& warning : page.warnings) {
    if (warning.code == WarningCode::malformed_tag) continue;  // no text is lost by it
    const int others = std::exchange(more[warning.code], 0) - 1;
    if (others < 0) continue;
    tell(fmt::format("{}: {}{}", name_of_page(input, page.number), warning.message,
                     others > 0 ? fmt::format(" (and {} more of the kind)", others) : ""));
  }
  progressed();
}

// A page in its turn.
void DocumentRun::hand_on(size_t input, const Page& page, const std::shared_ptr<const Picture>& picture) {
  InputReport& report = report_.inputs[input];
  if (page.finish != Finish::stopped) {
    ++(page.error.empty() ? report.read : report.failed);
    if (page.blank) ++report.blank;
    if (page.finish == Finish::context || page.finish == Finish::loop) ++report_.incomplete;
  }
  if (!page.error.empty()) report.notes.push_back({page.number, {WarningCode::failed, page.error, std::nullopt}});
  for (const Warning& warning : page.warnings) report.notes.push_back({page.number, warning});
  if (page.confidence) confidence_of_[input].add(*page.confidence);
  report.confidence = confidence_of_[input].value();
  if (std::optional<InputReport::Review> review = review_of(page, options_.review_below)) {
    for (const std::string& line : lines_of(*review)) {
      tell(fmt::format("{}: {}", name_of_page(input, page.number), line));
    }
    report.reviews.push_back(std::move(*review));
  }
  if (page.has_text) ++report.kept;
  outputs_.page(page, picture.get(), {original_, page.number - 1});
  if (events_.page) events_.page(report.source, page);
}

void DocumentRun::ended(size_t input) {
  const std::vector<std::filesystem::path> files = outputs_.end(input);
  InputReport& report = report_.inputs[input];
  for (const auto& path : files) {
    if (path != "-") report.outputs.push_back(path.string());
  }
  if (report.kept > 0) {
    tell(fmt::format("{}: {} text already and {} as {} (`existing_text`)", report.source,
                     pages_text(static_cast<size_t>(report.kept), "has", "have"), report.kept == 1 ? "stays" : "stay",
                     report.kept == 1 ? "it is" : "they are"));
  }
  for (const std::string& failure : outputs_.take_failures()) {
    tell(failure);
    if (!report.error.empty()) continue;
    report.error = failure;
    report.error_code = ErrorCode::io;
  }
  if (files.empty()) return;
  if (journal_ && stamps_[input] && report.failed == 0 && report.error.empty()) {
    journal_->add_outputs(*stamps_[input], output_identity(options_, outputs_.paths(input)), files);
  }
}

void DocumentRun::failed(size_t input, const std::string& message, ErrorCode code) {
  report_.inputs[input].error = message;
  report_.inputs[input].error_code = code;
  tell(message);
  ++progress_.opened;
  progressed();
  outputs_.failed(input, info_of(input, 0), message);
}

void DocumentRun::take(const PipelineEvent& event) {
  using Kind = PipelineEvent::Kind;
  if (event.kind == Kind::lost)
    return tell(fmt::format("{}: failed and is taken out: {}", event.device, event.message));
  const size_t input = inputs_read_[event.document];
  switch (event.kind) {
    case Kind::begin:
      report_.inputs[input].pages = static_cast<int64_t>(event.chosen);
      original_ = event.original;
      return outputs_.begin(input, info_of(input, event.pages));
    case Kind::page: return hand_on(input, *event.page, event.picture);
    case Kind::end: return ended(input);
    case Kind::failed: return failed(input, event.message, event.code);
    case Kind::opened:
      pages_of_[input] = event.pages;
      ++progress_.opened;
      progress_.pages += static_cast<int64_t>(event.chosen);
      return progressed();
    case Kind::known:
      ++report_.inputs[input].from_journal;
      ++progress_.done;
      ++progress_.from_journal;
      return progressed();
    case Kind::finished: return finished(input, *event.page);
    case Kind::text:
      if (events_.text) events_.text(input, event.number, event.keep, event.more);
      return;
    case Kind::progress:
      progress_.name = name_of_page(input, event.number);
      if (event.progress.stage == Stage::encode && event.progress.expected_seconds > 0) {
        tell(fmt::format("{}: {} views, {} tokens to look at, in about {:.0f} s; a smaller `max_tiles` takes less",
                         progress_.name, event.progress.views, event.progress.vision_tokens,
                         std::max(1.0, event.progress.expected_seconds)));
      }
      progress_.page = event.progress;
      return progressed();
    case Kind::lost: return;
  }
}

void DocumentRun::finish_outputs(bool stopped) {
  const std::vector<std::filesystem::path> files = outputs_.finish(stopped);
  if (!outputs_.merges()) return;
  for (const auto& path : files) report_.inputs[0].outputs.push_back(path.string());
}

RunReport DocumentRun::run() {
  progress_.inputs = inputs_.size();
  if (inputs_.empty()) return report_;
  log_info("run.started", {{"inputs", inputs_.size()},
                           {"prompt", prompt_},
                           {"devices", report_.info.device},
                           {"pages_together", together_},
                           {"from_journal", journal_ ? journal_->pages_found() : 0}});
  PipelineOptions options;
  options.memory = picture_memory + together_ * picture_memory_of_page;
  options.ahead = 2 * together_;
  options.wants_picture = [this](const Page& page) { return outputs_.wants_picture(page); };
  options.stop = events_.stop;
  options.pages_together = options_.pages_together;
  options.prepare = [this, upright = options_.upright](SourcePage& source, Page& page) {
    if (!outputs_.reads(page)) {
      page.finish = Finish::kept;
      return;
    }
    prepare_page(source, page, upright);
  };
  try {
    const std::vector<PipelineDocument> all = documents();
    progress_.inputs = all.size();
    const PipelineReport read =
        run_pipeline(all, workers_, options, [this](const PipelineEvent& event) { take(event); });
    for (const WorkerReport& worker : read.workers) {
      report_.devices.push_back({worker.device, worker.pages, worker.seconds, worker.failure});
    }
    report_.peak_picture_bytes = read.peak_picture_bytes;
    report_.interrupted = read.stopped;
    finish_outputs(read.stopped);
  } catch (const Error& error) {
    if (outputs_.to_stdout()) throw;
    report_.output_failed = true;
    report_.errors.emplace_back(error.what());
    tell(error.what());
  }
  for (const std::string& warning : outputs_.take_warnings()) tell(warning);
  report_.seconds = running_.seconds();
  for (const InputReport& input : report_.inputs) {
    report_.pages += input.pages;
    report_.read += input.read;
    report_.failed += input.failed;
  }
  if (journal_) {
    journal_->settle(report_.is_done(), files_of_run());
  }
  return report_;
}

}  // namespace

RunReport read_documents(const std::vector<Model>& models, const DocumentOptions& options,
                         const DocumentEvents& events) {
  return DocumentRun(models, options, events).run();
}

}  // namespace lectern
