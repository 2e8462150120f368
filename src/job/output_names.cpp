#include "job/output_names.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "core/file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

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
  size_t best_count = 0, most_folders = 0;
  for (const fs::path& input : inputs) {
    most_folders = std::max(most_folders, static_cast<size_t>(std::distance(input.begin(), input.end())));
  }
  for (size_t folders = 0; folders <= most_folders && best_count < inputs.size(); ++folders) {
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

struct Extension {
  std::string_view extension;
  Format format;
};
constexpr std::array<Extension, 10> extensions = {{{".md", Format::markdown},
                                                   {".markdown", Format::markdown},
                                                   {".txt", Format::text},
                                                   {".json", Format::json},
                                                   {".html", Format::html},
                                                   {".htm", Format::html},
                                                   {".hocr", Format::hocr},
                                                   {".pdf", Format::pdf},
                                                   {".png", Format::boxes},
                                                   {".mmd", Format::raw}}};

void refuse_inputs(const fs::path& path, std::span<const fs::path> inputs) {
  std::error_code code;
  for (const fs::path& input : inputs) {
    if (input != "-" && fs::equivalent(input, path, code)) {
      throw Error(path.string() + ": is an input; name another file or folder with -o");
    }
  }
}

}  // namespace

std::vector<std::string> distinct_names(std::span<const fs::path> inputs) {
  std::map<std::string, std::vector<size_t>> groups;  // by name
  for (size_t i = 0; i < inputs.size(); ++i) groups[lower_case(named(inputs[i]).stem().string())].push_back(i);
  std::vector<std::string> names(inputs.size());
  for (const auto& [stem, members] : groups) {
    std::vector<fs::path> paths;
    for (const size_t i : members) paths.push_back(named(inputs[i]).lexically_normal());
    const std::vector<std::string> apart = told_apart(paths);
    for (size_t k = 0; k < members.size(); ++k) names[members[k]] = apart[k];
  }
  // What is still the same, or became the name of another group, is numbered.
  std::set<std::string> taken;
  for (std::string& name : names) {
    const std::string base = name;
    for (int i = 2; !taken.insert(lower_case(name)).second; ++i) name = base + "-" + std::to_string(i);
  }
  return names;
}

std::optional<Format> format_of(const fs::path& file) {
  const std::string extension = lower_case(file.extension().string());
  const auto* const found = std::ranges::find(extensions, extension, &Extension::extension);
  if (found == extensions.end()) return std::nullopt;
  return found->format;
}

OutputNames::OutputNames(const std::string& out, std::span<const fs::path> inputs, std::vector<Format> formats,
                         bool several)
    : formats_(std::move(formats)), inputs_(inputs.size()) {
  if (out.empty() || out == "-") {
    if (formats_.size() > 1) throw Error("several formats need files to go to; name a file or a folder with -o");
    return;
  }
  out_ = out;
  std::error_code code;
  const bool bare = (several || inputs_ > 1 || formats_.size() > 1) && !out_.has_extension();
  if (fs::is_directory(out_, code) || out.ends_with('/') || bare) {
    if (bare && fs::exists(out_, code) && !fs::is_directory(out_, code)) {
      throw Error(out + ": is a file; for several inputs or formats a name without extension means a folder");
    }
    code.clear();
    fs::create_directories(out_, code);
    if (code) throw Error(out + ": the folder cannot be made: " + code.message());
    if (::access(out.c_str(), W_OK | X_OK) != 0) throw system_error(out, "the folder cannot be written to", errno);
    names_ = distinct_names(inputs);
  }
  for (size_t i = 0; i < (names_.empty() ? 1 : inputs_); ++i) {
    for (const Format format : formats_) refuse_inputs(path(i, format), inputs);
  }
  // A file that cannot be made here is noticed now.
  if (names_.empty() && !formats_.empty()) const AtomicFile probe(path(0, formats_[0]));
}

fs::path OutputNames::path(size_t input, Format format) const {
  if (to_stdout()) return "-";
  const std::string extension(name_of(format).extension);
  if (!names_.empty()) return out_ / (names_[input] + extension);
  if (formats_.size() <= 1) return out_;
  const bool known = format_of(out_).has_value();
  return out_.parent_path() / ((known ? out_.stem() : out_.filename()).string() + extension);
}

}  // namespace lectern
