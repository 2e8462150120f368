// Annotations and form fields of pages that become pictures, which show them: on top of the picture they would stand a
// second time, and could hide what is in it.
#pragma once

#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjGen.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <set>
#include <string>
#include <vector>

namespace lectern::pdf {

class DrawnNotes {
 public:
  // Takes from a page what is seen of its annotations. Links stay, and so does what holds a comment or a file, or
  // plays.
  void drop(QPDFObjectHandle page);
  // Once, after the last page: the form loses their fields, and nothing in the document holds on to them.
  void drop_fields_of(QPDF& pdf);
  // In words.
  std::vector<std::string> lost() const;

 private:
  std::set<QPDFObjGen> gone_;
  int notes_ = 0, fields_ = 0;
};

}  // namespace lectern::pdf
