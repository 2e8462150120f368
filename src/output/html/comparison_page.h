// Two readings of the same pages beside each other, as one HTML file that needs no other.
#pragma once

#include <string>
#include <vector>

#include "lectern/page.h"
#include "output/text/text_difference.h"

namespace lectern {

struct ComparedReading {
  std::string error;  // not empty: there is no text, and why
  std::string text;
  int64_t tokens = 0;
  double seconds = 0;  // from the picture to the last token
};

struct ComparedPage {
  std::string name;  // "scan.pdf, page 3"
  ComparedReading left, right;
  TextDifference difference;  // of the texts; its runs are views of them
};

// left, right: what the readings are called.
std::string comparison_page(const std::string& left, const std::string& right, const std::vector<ComparedPage>& pages);

}  // namespace lectern
