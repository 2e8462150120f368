// One line on a terminal that says how far reading is.
#pragma once

#include <chrono>
#include <string>

#include "lectern/reader.h"

namespace lectern::cli {

class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  void begin(const std::string& input, size_t index, size_t count);
  void show(const Progress& progress);
  void clear();
  // Leaves a line about the page behind.
  void summarise(const PageText& page);

 private:
  void write(const std::string& text);

  bool shown_;
  bool drawn_ = false;
  std::string name_;
  Stage stage_ = Stage::encode;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace lectern::cli
