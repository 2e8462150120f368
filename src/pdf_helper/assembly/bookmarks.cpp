// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include "pdf_helper/assembly/bookmarks.h"

#include <algorithm>
#include <qpdf/QPDFOutlineDocumentHelper.hh>
#include <qpdf/QPDFOutlineObjectHelper.hh>

namespace lectern::pdf {
namespace {

using Objects = std::vector<QPDFObjectHandle>;

QPDFObjectHandle integer(int64_t value) { return QPDFObjectHandle::newInteger(value); }

// Makes them the items below `parent`, which may be the outline itself.
void link(QPDFObjectHandle parent, Objects& items, bool is_open) {
  for (const char* const key : {"/First", "/Last", "/Count"}) parent.removeKey(key);
  if (items.empty()) return;
  int64_t shown = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].replaceKey("/Parent", parent);
    items[i].replaceKey("/Prev", i > 0 ? items[i - 1] : QPDFObjectHandle::newNull());
    items[i].replaceKey("/Next", i + 1 < items.size() ? items[i + 1] : QPDFObjectHandle::newNull());
    QPDFObjectHandle count = items[i].getKey("/Count");
    shown += 1 + (count.isInteger() ? std::max<int64_t>(count.getIntValue(), 0) : 0);
  }
  parent.replaceKey("/First", items.front());
  parent.replaceKey("/Last", items.back());
  parent.replaceKey("/Count", integer(is_open ? shown : -static_cast<int64_t>(items.size())));
}

bool is_open(QPDFObjectHandle item) {
  QPDFObjectHandle count = item.getKey("/Count");
  return count.isInteger() && count.getIntValue() > 0;
}

Objects kept_of(std::vector<QPDFOutlineObjectHelper> items, const std::set<QPDFObjGen>& gone) {
  Objects kept;
  for (QPDFOutlineObjectHelper& item : items) {
    QPDFObjectHandle object = item.getObjectHandle();
    QPDFObjectHandle page = item.getDestPage();
    const bool lost = page.isIndirect() && gone.count(page.getObjGen()) != 0;
    Objects below = kept_of(item.getKids(), gone);
    if (lost && below.empty()) continue;
    if (lost) {
      object.removeKey("/Dest");
      object.removeKey("/A");
    }
    link(object, below, is_open(object));
    kept.push_back(object);
  }
  return kept;
}

// Where it leads in the new document; null where that is nowhere.
QPDFObjectHandle place_in_new(QPDFOutlineObjectHelper& item, const BookmarkedPart& part) {
  QPDFObjectHandle place = item.getDest(), page = item.getDestPage();
  const auto found = page.isIndirect() ? part.pages.find(page.getObjGen()) : part.pages.end();
  if (found == part.pages.end()) return QPDFObjectHandle::newNull();
  QPDFObjectHandle made = QPDFObjectHandle::newArray({found->second});
  for (int i = 1; i < place.getArrayNItems(); ++i) {
    QPDFObjectHandle value = place.getArrayItem(i);
    made.appendItem(value.isName()     ? QPDFObjectHandle::newName(value.getName())
                    : value.isNumber() ? QPDFObjectHandle::newReal(value.getNumericValue(), 4)
                                       : QPDFObjectHandle::newNull());
  }
  return made;
}

// A link to elsewhere in the world.
QPDFObjectHandle address_of(QPDFObjectHandle item) {
  QPDFObjectHandle action = item.getKey("/A");
  if (!action.isDictionary() || !action.getKey("/S").isNameAndEquals("/URI")) return QPDFObjectHandle::newNull();
  QPDFObjectHandle made = QPDFObjectHandle::newDictionary(), address = action.getKey("/URI");
  made.replaceKey("/S", QPDFObjectHandle::newName("/URI"));
  made.replaceKey("/URI", QPDFObjectHandle::newString(address.isString() ? address.getStringValue() : ""));
  return made;
}

Objects copies_of(QPDF& pdf, std::vector<QPDFOutlineObjectHelper> items, const BookmarkedPart& part) {
  Objects copies;
  for (QPDFOutlineObjectHelper& item : items) {
    QPDFObjectHandle place = place_in_new(item, part), address = address_of(item.getObjectHandle());
    Objects below = copies_of(pdf, item.getKids(), part);
    if (place.isNull() && address.isNull() && below.empty()) continue;
    QPDFObjectHandle copy = pdf.makeIndirectObject(QPDFObjectHandle::newDictionary());
    copy.replaceKey("/Title", QPDFObjectHandle::newUnicodeString(item.getTitle()));
    if (!place.isNull()) copy.replaceKey("/Dest", place);
    if (place.isNull() && !address.isNull()) copy.replaceKey("/A", address);
    link(copy, below, is_open(item.getObjectHandle()));
    copies.push_back(copy);
  }
  return copies;
}

}  // namespace

void keep_bookmarks(QPDF& pdf, const std::set<QPDFObjGen>& gone) {
  QPDFOutlineDocumentHelper outline(pdf);
  if (!outline.hasOutlines()) return;
  Objects kept = kept_of(outline.getTopLevelOutlines(), gone);
  if (kept.empty()) return pdf.getRoot().removeKey("/Outlines");
  link(pdf.getRoot().getKey("/Outlines"), kept, true);
}

void nest_bookmarks(QPDF& pdf, const std::vector<BookmarkedPart>& parts) {
  Objects tops;
  for (const BookmarkedPart& part : parts) {
    if (part.title.empty() || !part.first.isInitialized()) continue;
    QPDFObjectHandle top = pdf.makeIndirectObject(QPDFObjectHandle::newDictionary());
    top.replaceKey("/Title", QPDFObjectHandle::newUnicodeString(part.title));
    top.replaceKey("/Dest", QPDFObjectHandle::newArray({part.first, QPDFObjectHandle::newName("/Fit")}));
    if (part.source != nullptr) {
      QPDFOutlineDocumentHelper outline(*part.source);
      Objects below = copies_of(pdf, outline.getTopLevelOutlines(), part);
      link(top, below, false);
    }
    tops.push_back(top);
  }
  if (tops.empty()) return;
  QPDFObjectHandle outline = pdf.makeIndirectObject(QPDFObjectHandle::newDictionary());
  outline.replaceKey("/Type", QPDFObjectHandle::newName("/Outlines"));
  link(outline, tops, true);
  pdf.getRoot().replaceKey("/Outlines", outline);
}

}  // namespace lectern::pdf
