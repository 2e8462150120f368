#include "job/output_names.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "core/files/file.h"
#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// "stdin" for standard input.
fs::path named(const fs::path& input) { return input == "-" ? fs::path("stdin") : input; }

// With the names of so many folders before it, as in "b-a-x.png".
std::string longer_name(const fs::path& input, size_t folders, bool extension) {
  std::string name = (extension ? input.filename() : input.stem()).string();
  fs::path folder = input.parent_path();
  for (size_t i = 0; i < folders && folder.has_filename(); ++i, folder = folder.parent_path()) {
    if (folder.filename() == "." || folder.filename() == "..") continue;
    name.insert(0, folder.filename().string() + "-");
  }
  return name;
}

size_t count_distinct(const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (const std::string& name : names) seen.insert(lower_case(name));
  return seen.size();
}

// For inputs of one name: the shortest names that tell the most of them apart. Where one input appears twice, that
// is not all.
std::vector<std::string> told_apart(const std::vector<fs::path>& inputs) {
  std::vector<std::string> best;
  size_t best_count = 0, max_folders = 0;
  for (const fs::path& input : inputs) {
    max_folders = std::max(max_folders, static_cast<size_t>(std::distance(input.begin(), input.end())));
  }
  for (size_t folders = 0; folders <= max_folders && best_count < inputs.size(); ++folders) {
    for (const bool extension : {false, true}) {
      std::vector<std::string> names;
      names.reserve(inputs.size());
      for (const fs::path& input : inputs) names.push_back(longer_name(input, folders, extension));
      const size_t count = count_distinct(names);
      if (count > best_count) {
        best_count = count;
        best = std::move(names);
      }
    }
  }
  return best;
}

// Whether the folder, or the nearest one above it that exists, can be written to.
void check_folder(const std::string& out) {
  std::error_code ignored;
  fs::path there = fs::absolute(out).lexically_normal();
  if (!there.has_filename()) there = there.parent_path();  // behind a last slash
  while (!fs::exists(there, ignored) && there.has_relative_path()) {
    if (fs::is_symlink(fs::symlink_status(there, ignored))) {
      throw Error(out + ": the folder cannot be made: " + there.string() + " is a link that leads nowhere");
    }
    there = there.parent_path();
  }
  if (!fs::is_directory(there, ignored)) {
    throw Error(out + ": the folder cannot be made: " + there.string() + " is no folder");
  }
  if (::access(there.c_str(), W_OK | X_OK) != 0) throw system_error(out, "the folder cannot be written to", errno);
}

}  // namespace

std::vector<fs::path> distinct_names(std::span<const Input> inputs) {
  const auto folder_of = [](const Input& input) { return input.below.parent_path(); };
  const auto path_of = [](const Input& input) { return named(input.file).lexically_normal(); };
  std::map<std::string, std::vector<size_t>> groups;  // by folder and name
  for (size_t i = 0; i < inputs.size(); ++i) {
    groups[lower_case((folder_of(inputs[i]) / path_of(inputs[i]).stem()).string())].push_back(i);
  }
  std::vector<fs::path> names(inputs.size());
  for (const auto& [stem, members] : groups) {
    std::vector<fs::path> paths;
    for (const size_t i : members) paths.push_back(path_of(inputs[i]));
    const std::vector<std::string> apart = told_apart(paths);
    for (size_t k = 0; k < members.size(); ++k) names[members[k]] = folder_of(inputs[members[k]]) / apart[k];
  }
  // What is still the same, or became the name of another group, is numbered.
  std::set<std::string> taken;
  for (fs::path& name : names) {
    const std::string base = name.string();
    for (int i = 2; !taken.insert(lower_case(name.string())).second; ++i) name = base + "-" + std::to_string(i);
  }
  return names;
}

OutputNames::OutputNames(const std::string& out, std::span<const Input> inputs, std::vector<Format> formats,
                         bool several)
    : formats_(std::move(formats)), inputs_(inputs.size()) {
  const auto one_page_only =
      std::ranges::find_if(formats_, [](Format format) { return !format_info(format).many_pages; });
  if (out.empty() || out == "-") {
    if (formats_.size() > 1) throw Error("several formats need files to go to; name a file or a folder with `out`");
    if (one_page_only != formats_.end() && inputs_ > 1) {
      throw Error("pictures of several pages do not fit onto standard output; name a folder with `out`");
    }
    return;
  }
  out_ = out;
  std::error_code code;
  const bool bare = (several || inputs_ > 1 || formats_.size() > 1) && !out_.has_extension();
  if (fs::is_directory(out_, code) || out.ends_with('/') || bare) {
    if (bare && fs::exists(out_, code) && !fs::is_directory(out_, code)) {
      throw Error(out + ": is a file; for several inputs or formats a name without extension means a folder");
    }
    check_folder(out);
    names_ = distinct_names(inputs);
    return;
  }
  if (combined() && one_page_only != formats_.end()) {
    throw Error(fmt::format("{}: {} is a file for each page, and there are {} inputs; name a folder with `out`",
                            path(0, *one_page_only).string(), format_info(*one_page_only).name(), inputs_));
  }
}

fs::path OutputNames::path(size_t input, Format format) const {
  if (to_stdout()) return "-";
  const std::string extension(format_info(format).extensions[0]);
  if (!names_.empty()) return out_ / (names_[input].string() + extension);
  if (formats_.size() <= 1) return out_;
  const std::optional<Format> named = format_of(out_);
  return out_.parent_path() / ((named ? name_without_extension(out_, *named) : out_.filename().string()) + extension);
}

void OutputNames::pass(FileGate& gate, const OutputOptions& options) const {
  if (to_stdout()) return gate.check_standard_output();
  for (size_t i = 0; i < (names_.empty() ? 1 : inputs_); ++i) {
    for (const Format format : formats_) {
      const FormatInfo& info = format_info(format);
      gate.add_output(path(i, format), info.name(), info.kind);
      const bool pictures = format != Format::markdown || options.figures;
      if (const fs::path folder = page_folder_of(path(i, format), format); pictures && !folder.empty()) {
        gate.add_page_folder(folder, info.name());
      }
    }
  }
  // A file that cannot be made is noticed now.
  if (names_.empty() && !formats_.empty()) const AtomicFile probe(path(0, formats_[0]));
}

}  // namespace lectern
