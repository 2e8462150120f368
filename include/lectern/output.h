// How documents are written.
#pragma once

namespace lectern {

struct OutputOptions {
  enum class Tables { html, pipe };
  enum class Formulas { dollar, paren };
  Tables tables = Tables::html;          // of markdown
  Formulas formulas = Formulas::dollar;  // of markdown
  bool figures = true;                   // cut figures out of the pages, beside the file; of markdown
  bool headers = true;                   // of markdown, text and html
  bool footers = true;
  bool page_numbers = true;
  bool page_breaks = false;  // a rule in markdown, a form feed in text
};

}  // namespace lectern
