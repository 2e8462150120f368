#include "job/outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/files/file.h"
#include "input/pdf_assembly.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

void make_folders(const fs::path& folder) {
  std::error_code code;
  if (folder.empty() || fs::is_directory(folder, code)) return;
  fs::create_directories(folder, code);
  if (code) throw system_error(folder, "the folder cannot be made", code.value());
}

std::string known_extensions() {
  std::string known;
  for (const FormatInfo& info : format_infos()) {
    for (const std::string_view extension : info.extensions) {
      if (!extension.empty()) known += fmt::format("{}{}", known.empty() ? "" : ", ", extension);
    }
  }
  return known;
}

// Where one text follows the other on standard output, a form feed parts them, as between pages; what is no text for
// people has no room for it.
std::string_view between_documents(Format format) {
  return format == Format::text || format == Format::markdown || format == Format::raw ? "\f" : "\n";
}

}  // namespace

std::vector<Format> formats_for(const std::string& out, const std::vector<Format>& asked, Format otherwise) {
  std::vector<Format> formats;
  for (const Format format : asked) {
    if (std::ranges::find(formats, format) == formats.end()) formats.push_back(format);
  }
  if (!formats.empty()) return formats;
  std::error_code ignored;
  const fs::path file = out;
  if (out.ends_with('/') || !file.has_extension() || fs::is_directory(file, ignored)) return {otherwise};
  if (const std::optional<Format> format = format_of(file)) return {*format};
  throw Error(fmt::format("{}: there is no format of the name '{}'; expected one of {}, or a format named beside it",
                          out, file.extension().string(), known_extensions()));
}

Outputs::Outputs(const std::string& out, std::vector<Format> formats, const OutputOptions& options,
                 const std::vector<Input>& inputs, bool several, FileGate& gate)
    : formats_(std::move(formats)), options_(options), paths_(inputs.size()) {
  if (out.empty()) {
    formats_.clear();
    return;
  }
  names_.emplace(out, inputs, formats_, several);
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const Format format : formats_) paths_[i].push_back(names_->path(i, format));
  }
  names_->pass(gate, options_);
  if (out == "-") return;
  if (names_->in_folder()) folder_ = out;
  journal_ = names_->in_folder() ? folder_ / "lectern.journal" : fs::path(out + ".journal");
  gate.add_own(*journal_, "the journal");
}

Outputs::~Outputs() = default;

void Outputs::make_folder() const { make_folders(folder_); }

bool Outputs::wants_picture(const Page& page) const {
  return std::ranges::any_of(formats_, [&](Format format) { return needs_picture(format, page, options_); });
}

FindText text_to_find(const OutputOptions& options) {
  using ExistingText = OutputOptions::ExistingText;
  return options.existing_text == ExistingText::skip   ? FindText::any
         : options.existing_text == ExistingText::redo ? FindText::all_seen
                                                       : FindText::no;
}

FindText Outputs::asks_for_text() const {
  return std::ranges::find(formats_, Format::pdf) == formats_.end() ? FindText::no : text_to_find(options_);
}

bool Outputs::reads(const Page& page) const {
  const bool only_pdf = formats_.size() == 1 && formats_[0] == Format::pdf;
  return !only_pdf || !stays_as_it_is(page, options_);
}

void Outputs::check(const OriginalFile& file) const {
  if (std::ranges::find(formats_, Format::pdf) != formats_.end()) check_original(file, options_);
}

template <typename Work>
void Outputs::attempt(Target& target, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    target.writer.reset();
    if (merges() || to_stdout() || concerns_the_place(error)) throw;
    const std::string path = target.path.string();
    failures_.push_back(std::string_view(error.what()).starts_with(path)
                            ? error.what()
                            : fmt::format("{}: cannot be written: {}", path, error.what()));
  }
}

void Outputs::open(size_t input, const DocumentInfo& info) {
  if (written_ && !formats_.empty()) {
    const std::string_view between = between_documents(formats_[0]);
    if (std::fwrite(between.data(), 1, between.size(), stdout) != between.size()) {
      throw system_error("standard output", "cannot be written", errno);
    }
  }
  pages_ = 0;
  any_read_ = false;
  targets_.clear();
  for (size_t i = 0; i < formats_.size(); ++i) {
    Target& target = targets_.emplace_back(Target{paths_[input][i], nullptr});
    attempt(target, [&] {
      if (!to_stdout() && names_->in_folder()) make_folders(target.path.parent_path());
      target.writer = make_writer(formats_[i], target.path, info, options_, assemble_pdf);
    });
  }
}

void Outputs::begin(size_t input, const DocumentInfo& info) {
  if (!merges() || targets_.empty()) open(input, info);
}

void Outputs::page(const Page& page, const Picture* picture, const PageOrigin& origin) {
  ++pages_;
  any_read_ |= page.error.empty();
  if (to_stdout()) written_ = true;
  Page numbered;
  if (merges()) {
    numbered = page;
    numbered.number = pages_;
  }
  for (Target& target : targets_) {
    if (target.writer) attempt(target, [&] { target.writer->page_of(origin, merges() ? numbered : page, picture); });
  }
}

void Outputs::failed(size_t input, const DocumentInfo& info, const std::string& message) {
  if (!merges()) return;
  begin(input, info);
  Page gap;
  gap.error = message;
  gap.finish = Finish::failed;
  page(gap, nullptr);
}

std::vector<fs::path> Outputs::close() {
  const bool keep = any_read_ || (pages_ == 0 && !merges()) || to_stdout();
  std::vector<Target> targets = std::exchange(targets_, {});
  std::vector<fs::path> finished;
  for (Target& target : targets) {
    if (!keep || !target.writer) continue;
    attempt(target, [&] {
      target.writer->finish();
      const std::vector<fs::path>& files = target.writer->files();
      if (files.empty()) {
        finished.push_back(target.path);
      } else {
        finished.insert(finished.end(), files.begin(), files.end());
      }
      warnings_.insert(warnings_.end(), target.writer->warnings().begin(), target.writer->warnings().end());
    });
  }
  return finished;
}

std::vector<fs::path> Outputs::end(size_t) { return merges() ? std::vector<fs::path>() : close(); }

std::vector<fs::path> Outputs::finish(bool interrupted) {
  if (interrupted && !to_stdout()) {
    targets_.clear();
    return {};
  }
  return close();
}

std::vector<std::string> Outputs::take_warnings() { return std::exchange(warnings_, {}); }
std::vector<std::string> Outputs::take_failures() { return std::exchange(failures_, {}); }

}  // namespace lectern
