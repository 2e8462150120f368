// The outline of a PDF when pages of it go, or when several become one. Include it with POINTERHOLDER_TRANSITION set.
#pragma once

#include <map>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <set>
#include <string>
#include <vector>

namespace lectern::pdf {

// Drops the bookmarks that lead to pages that are gone; one that has others below it stays, and leads nowhere.
void keep_bookmarks(QPDF& pdf, const std::set<QPDFObjGen>& gone);

// A part of the new document.
struct BookmarkedPart {
  std::string title;                             // none: it gets no bookmark
  QPDF* source = nullptr;                        // with its bookmarks; may be null
  QPDFObjectHandle first;                        // of its pages, in the new document
  std::map<QPDFObjGen, QPDFObjectHandle> pages;  // of the source -> of the new document
};
// Gives the document a bookmark for each part, with the part's own bookmarks below it.
void nest_bookmarks(QPDF& pdf, const std::vector<BookmarkedPart>& parts);

}  // namespace lectern::pdf
