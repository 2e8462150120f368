// Where the text of the inputs goes: to standard output as it is written, into one file, or into a folder.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace lectern::cli {

class Destination {
 public:
  // `out` is a file, a folder (one that exists, or ends in '/'), or "" or "-" for standard output. Throws Error when
  // it cannot be written, so that nothing is read in vain, or is one of the inputs.
  Destination(const std::string& out, const std::vector<std::string>& inputs, const std::string& extension);

  bool streams() const { return !file_ && !folder_; }

  // The text of one input, finished or interrupted. Throws Error when it cannot be written.
  void take(const std::string& input, const std::string& text);

  // After the last input: a file for all appears now, and only if something was taken.
  void finish();

 private:
  std::string name_for(const std::string& input);

  std::optional<std::filesystem::path> file_, folder_;
  std::string extension_;
  std::string all_;
  bool taken_any_ = false;
  std::map<std::string, int> stems_;
  std::set<std::string> names_;
};

}  // namespace lectern::cli
