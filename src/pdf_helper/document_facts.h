// What poppler does not tell of a PDF, read by qpdf: the units of its pages, and what it holds beside them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lectern::pdf {

struct DocumentFacts {
  bool known = false;               // false: qpdf cannot read the file; the rest says nothing then
  bool damaged = false;             // it was read after repair
  bool encrypted = false;           //
  bool is_signed = false;           // it has digital signatures, which any change breaks
  std::vector<double> units;        // of every page: how many points a unit is (UserUnit)
  std::vector<bool> lost_contents;  // of every page: what it shows is not in the file
  size_t files = 0;                 // embedded or attached, e.g. those of a portfolio
  bool made_by_form = false;        // its real pages are made of a form (XFA) when it is opened
};

// Whether the file is encrypted in a way in which passwords count for nothing, as for the holders of certificates.
bool has_unknown_encryption(const char* bytes, size_t size);

// The file in memory, which is not copied.
DocumentFacts facts_of(const char* bytes, size_t size, const std::string& password);

}  // namespace lectern::pdf
