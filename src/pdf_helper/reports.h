// What poppler and the libraries below it report while a page is made: by poppler's own way, and on standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern::pdf {

// One object for the whole process: from its making on, standard error is collected.
class Reports {
 public:
  Reports();
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;

  // The lines since the last call, each once, without control characters; many more are counted in a last line.
  std::vector<std::string> take();

 private:
  void add(std::string_view line);

  std::vector<std::string> lines_;
  int left_out_ = 0;
  int standard_error_ = -1;  // to read what was written there
};

}  // namespace lectern::pdf
