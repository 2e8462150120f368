// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include "pdf_helper/assembly/drawn_notes.h"

#include "pdf_helper/assembly/form_fields.h"

namespace lectern::pdf {
namespace {

std::string subtype_of(QPDFObjectHandle note) {
  if (!note.isDictionary() || !note.getKey("/Subtype").isName()) return "";
  return note.getKey("/Subtype").getName();
}

// Whether it is seen on the page, and is nothing but that.
bool is_drawn(QPDFObjectHandle note) {
  static const std::set<std::string> more = {"",       "/Popup", "/Link",   "/Text",      "/FileAttachment",
                                             "/Sound", "/Movie", "/Screen", "/RichMedia", "/3D"};
  constexpr long long unseen = 2 | 32;  // Hidden, NoView
  if (more.count(subtype_of(note)) != 0) return false;
  QPDFObjectHandle flags = note.getKey("/F");
  return !flags.isInteger() || (flags.getIntValue() & unseen) == 0;
}

std::string counted(int count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

}  // namespace

void DrawnNotes::drop(QPDFObjectHandle page) {
  QPDFObjectHandle all = page.getKey("/Annots");
  if (!all.isArray()) return;
  std::vector<QPDFObjectHandle> others;
  for (int i = 0; i < all.getArrayNItems(); ++i) {
    QPDFObjectHandle note = all.getArrayItem(i);
    if (!is_drawn(note)) {
      others.push_back(note);
      continue;
    }
    ++(subtype_of(note) == "/Widget" ? fields_ : notes_);
    if (note.isIndirect()) gone_.insert(note.getObjGen());
  }
  QPDFObjectHandle kept = QPDFObjectHandle::newArray();
  for (QPDFObjectHandle& note : others) {
    const bool of_gone = subtype_of(note) == "/Popup" && gone_.count(note.getKey("/Parent").getObjGen()) != 0;
    if (!of_gone) {
      kept.appendItem(note);
    } else if (note.isIndirect()) {
      gone_.insert(note.getObjGen());
    }
  }
  page.replaceKey("/Annots", kept);
}

void DrawnNotes::drop_fields_of(QPDF& pdf) {
  QPDFObjectHandle root = pdf.getRoot();
  if (QPDFObjectHandle form = root.getKey("/AcroForm"); form.isDictionary() && fields_ > 0) {
    form.removeKey("/XFA");  // which describes the same fields once more
    if (!drop_fields(form, "/Fields", gone_)) root.removeKey("/AcroForm");
  }
  for (const QPDFObjGen& object : gone_) pdf.replaceObject(object, QPDFObjectHandle::newNull());
}

std::vector<std::string> DrawnNotes::lost() const {
  if (notes_ + fields_ == 0) return {};
  std::string lost = notes_ > 0 ? counted(notes_, "annotation") : "";
  if (fields_ > 0) lost += (lost.empty() ? "" : " and ") + counted(fields_, "form field");
  return {lost + " became part of the pictures of the pages"};
}

}  // namespace lectern::pdf
