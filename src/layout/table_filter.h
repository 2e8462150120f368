// Turns the tables in streamed text into lines, as writers of plain text do.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// Rows of a table become lines with tabs between their cells, when all of the table is there; other text is kept.
class TableFilter {
 public:
  std::string push(std::string_view text);  // what is known of it
  std::string finish();                     // what was held back

 private:
  void put(std::string_view text, std::string& out);
  void put_table(std::string_view html, std::string& out);

  std::string pending_;  // a table, or the beginning of its tag
  bool in_line_ = false;
  bool after_table_ = false;  // the last that was put
};

}  // namespace lectern
