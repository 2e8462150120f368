// The report of `lectern doctor`: Markdown, shown line by line as it grows, so that what a crash cuts off has been seen
// up to there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern::cli {

class DoctorReport {
 public:
  void line(const std::string& text = "");
  // A row of a table of two columns.
  void fact(std::string_view name, std::string_view value);
  void result(const std::string& check, bool passed);
  // Of the installation, to be looked at.
  void lacking(const std::string& what) { lacking_.push_back(what); }
  // What an exception said, in the place of what it ended.
  void stopped(std::string_view why);

  const std::string& text() const { return text_; }
  int checks() const { return checks_; }
  const std::vector<std::string>& failed() const { return failed_; }
  const std::vector<std::string>& lacking() const { return lacking_; }

 private:
  std::string text_;
  int checks_ = 0;
  std::vector<std::string> failed_, lacking_;
};

// Text of any kind in a cell of a table.
std::string cell(std::string_view text);
std::string milliseconds(double seconds);  // "18.4 ms"

}  // namespace lectern::cli
