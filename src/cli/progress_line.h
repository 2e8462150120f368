// Progress display: one line on a terminal that is redrawn, or a plain line from time to time.
#pragma once

#include <chrono>
#include <string>

#include "lectern/documents.h"

namespace lectern::cli {

// "4 s", "2 min 5 s", "3 h 20 min".
std::string duration_text(double seconds);

class ProgressLine {
 public:
  enum class Style { none, line, plain };

  explicit ProgressLine(Style style) : style_(style) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void show(const RunProgress& progress);
  // Erases the line before other output.
  void clear();
  // Prints a summary of the run.
  void summarise(const RunReport& report, const Page& last_page);

 private:
  Style style_;
  bool drawn_ = false;
  Stage stage_ = Stage::encode;
  int64_t done_ = -1;
  double seconds_ = 0;  // when the last page was done
  std::chrono::steady_clock::time_point next_;
};

}  // namespace lectern::cli
