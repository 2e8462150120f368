#include "input/inputs.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/files/own_output.h"
#include "core/text.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 13> extensions = {".pdf", ".png",  ".jpg", ".jpeg", ".jpe",  ".jfif", ".webp",
                                                         ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"};

bool is_known(const fs::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), lower);
  return std::ranges::find(extensions, extension) != extensions.end();
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

// <0, 0 or >0. Runs of digits count as numbers of any length.
int compare_natural(std::string_view a, std::string_view b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const auto number = [](std::string_view text, size_t& at) {
        while (at < text.size() && text[at] == '0') ++at;
        const size_t start = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return text.substr(start, at - start);
      };
      const std::string_view x = number(a, i), y = number(b, j);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
    } else {
      const auto x = static_cast<unsigned char>(lower(a[i++])), y = static_cast<unsigned char>(lower(b[j++]));
      if (x != y) return x < y ? -1 : 1;
    }
  }
  return (i < a.size() ? 1 : 0) - (j < b.size() ? 1 : 0);
}

using Identity = std::pair<dev_t, ino_t>;

std::string files_text(size_t count, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", count, count == 1 ? one : more);
}

class Collector {
 public:
  explicit Collector(Inputs& inputs) : inputs_(inputs) {}

  void folder(const fs::path& typed) {
    const size_t files = inputs_.files.size(), errors = inputs_.errors.size(), again = again_;
    own_ = 0;
    seen_folders_.clear();
    walk(typed, {});
    const std::string own =
        own_ == 0 ? ""
                  : files_text(own_, "file that lectern wrote is left out", "files that lectern wrote are left out");
    if (inputs_.files.size() == files && inputs_.errors.size() == errors && again_ == again) {
      inputs_.errors.push_back(
          fmt::format("{}: holds no picture or PDF{}", typed.string(), own.empty() ? "" : "; " + own));
    } else if (!own.empty()) {
      inputs_.notes.push_back(fmt::format("{}: {}", typed.string(), own));
    }
  }

  void finish() {
    if (again_ == 0) return;
    inputs_.notes.push_back(
        fmt::format("{} named more than once, and read once", files_text(again_, "file was", "files were")));
  }

  // Unless it was taken before.
  void file(const fs::path& file, const fs::path& below) {
    struct stat status {};
    const bool known = ::stat(file.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (known && !seen_files_.insert({status.st_dev, status.st_ino}).second) {
      ++again_;
    } else {
      inputs_.files.push_back({file, below});
    }
  }

 private:
  void walk(const fs::path& path, const fs::path& below) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return complain(path, errno);
    if (!seen_folders_.insert({status.st_dev, status.st_ino}).second) return;
    std::error_code failed;
    std::vector<fs::path> entries;
    for (fs::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed)) {
      if (!is_hidden(at->path())) entries.push_back(at->path());
    }
    if (failed) complain(path, failed.value());
    std::ranges::sort(entries, natural_less);
    for (const fs::path& entry : entries) take(entry, below / entry.filename());
  }

  void take(const fs::path& entry, const fs::path& below) {
    // What cannot be looked at may be a folder of pages, unless its name is that of a file of another kind.
    const bool may_be_wanted = is_known(entry) || !entry.has_extension();
    struct stat status {};
    if (::stat(entry.c_str(), &status) != 0) {
      const int code = errno;
      std::error_code ignored;
      const bool link = fs::is_symlink(fs::symlink_status(entry, ignored));
      if (may_be_wanted && code == ENOENT && link) {
        inputs_.errors.push_back(entry.string() + ": is a link that leads nowhere");
      } else if (may_be_wanted && code != ENOENT) {  // another program may have removed it meanwhile
        complain(entry, code);
      }
    } else if (S_ISDIR(status.st_mode)) {
      walk(entry, below);
    } else if (!is_known(entry)) {
      return;
    } else if (!S_ISREG(status.st_mode)) {
      inputs_.errors.push_back(entry.string() + ": is neither a file nor a folder, and is not read");
    } else if (is_own_output(entry)) {
      ++own_;
    } else {
      file(entry, below);
    }
  }

  void complain(const fs::path& path, int code) {
    inputs_.errors.push_back(path.string() + ": cannot be opened: " + std::generic_category().message(code));
  }

  Inputs& inputs_;
  std::set<Identity> seen_folders_;  // of the word at hand
  std::set<Identity> seen_files_;    // of all words
  size_t own_ = 0;                   // left out in the word at hand
  size_t again_ = 0;                 // left out since they were taken before
};

std::vector<fs::path> matches(const std::string& pattern) {
  glob_t found{};
  std::vector<fs::path> paths;
  if (::glob(pattern.c_str(), GLOB_NOSORT | GLOB_TILDE, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::ranges::sort(paths, natural_less);
  return paths;
}

}  // namespace

bool natural_less(const fs::path& a, const fs::path& b) {
  const int order = compare_natural(a.native(), b.native());
  return order != 0 ? order < 0 : a.native() < b.native();
}

Inputs expand_inputs(std::span<const std::string> words) {
  Inputs inputs;
  inputs.several = words.size() > 1;
  Collector collector(inputs);
  bool standard_input = false;
  const auto add = [&](const fs::path& path, fs::file_type kind) {
    if (kind == fs::file_type::directory) {
      inputs.several = true;
      collector.folder(path);
    } else {
      collector.file(path, path.filename());
    }
  };
  for (const std::string& word : words) {
    if (word == "-") {
      if (standard_input) {
        inputs.errors.emplace_back("-: standard input can be read only once");
      } else {
        inputs.files.push_back({word, "stdin"});
      }
      standard_input = true;
      continue;
    }
    std::error_code failed;
    const auto kind = fs::status(word, failed).type();
    if (kind != fs::file_type::not_found && kind != fs::file_type::none) {
      add(word, kind);
    } else if (word.find_first_of("*?[") != std::string::npos) {
      inputs.several = true;
      const std::vector<fs::path> found = matches(word);
      for (const fs::path& path : found) add(path, fs::status(path, failed).type());
      if (found.empty()) inputs.errors.push_back(word + ": matches no file");
    } else {
      inputs.errors.push_back((word.empty() ? "''" : word) + ": " +
                              (kind == fs::file_type::none ? failed.message() : "there is no such file or folder"));
    }
  }
  collector.finish();
  return inputs;
}

}  // namespace lectern
