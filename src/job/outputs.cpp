#include "job/outputs.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "core/file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

}  // namespace

std::vector<Format> formats_for(const std::string& out, const std::vector<std::string>& names, Format otherwise) {
  std::vector<Format> formats;
  for (const std::string& name : names) {
    const Format format = format_named(name);
    if (std::ranges::find(formats, format) == formats.end()) formats.push_back(format);
  }
  if (!formats.empty()) return formats;
  std::error_code ignored;
  const bool folder = out.ends_with('/') || fs::is_directory(out, ignored);
  return {folder ? otherwise : format_of(out).value_or(otherwise)};
}

Outputs::Outputs(const std::string& out, std::vector<Format> formats, const OutputOptions& options,
                 const std::vector<Input>& inputs, bool several)
    : formats_(std::move(formats)), options_(options), paths_(inputs.size()) {
  if (out.empty()) {
    formats_.clear();
    return;
  }
  std::vector<fs::path> files;
  files.reserve(inputs.size());
  for (const Input& input : inputs) files.push_back(input.file);
  names_.emplace(out, files, formats_, several);
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const Format format : formats_) paths_[i].push_back(names_->path(i, format));
  }
  if (out != "-") journal_ = names_->in_folder() ? fs::path(out) / "lectern.journal" : fs::path(out + ".journal");
}

Outputs::~Outputs() = default;

std::optional<fs::path> Outputs::journal_path() const { return journal_; }

bool Outputs::wants_picture(const DocumentPage& page) const {
  return std::ranges::any_of(formats_, [&](Format format) { return needs_picture(format, page, options_); });
}

void Outputs::open(size_t input, const DocumentInfo& info) {
  if (written_ && std::fputs("\n", stdout) < 0) throw system_error("standard output", "cannot be written", errno);
  pages_ = 0;
  any_read_ = false;
  for (size_t i = 0; i < formats_.size(); ++i) {
    writers_.push_back(make_writer(formats_[i], paths_[input][i], info, options_));
  }
}

void Outputs::begin(size_t input, const DocumentInfo& info) {
  if (!merges() || writers_.empty()) open(input, info);
}

void Outputs::page(const DocumentPage& page, const Picture* picture) {
  ++pages_;
  any_read_ |= page.error.empty();
  if (to_stdout()) written_ = true;
  if (!merges()) {
    for (const auto& writer : writers_) writer->page(page, picture);
    return;
  }
  DocumentPage numbered = page;
  numbered.number = pages_;
  for (const auto& writer : writers_) writer->page(numbered, picture);
}

void Outputs::failed(size_t input, const DocumentInfo& info, const std::string& message) {
  if (!merges()) return;
  begin(input, info);
  DocumentPage gap;
  gap.error = message;
  gap.finish = "failed";
  page(gap, nullptr);
}

bool Outputs::close() {
  const bool keep = any_read_ || (pages_ == 0 && !merges()) || to_stdout();
  const std::vector<std::unique_ptr<DocumentWriter>> writers = std::move(writers_);
  writers_.clear();
  if (!keep) return false;
  for (const auto& writer : writers) {
    writer->finish();
    warnings_.insert(warnings_.end(), writer->warnings().begin(), writer->warnings().end());
  }
  return !writers.empty();
}

bool Outputs::end(size_t) { return !merges() && close(); }

bool Outputs::finish(bool interrupted) {
  if (interrupted && !to_stdout()) {
    writers_.clear();
    return false;
  }
  return close();
}

std::vector<std::string> Outputs::take_warnings() { return std::exchange(warnings_, {}); }

}  // namespace lectern
