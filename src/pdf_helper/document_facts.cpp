#include "pdf_helper/document_facts.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <cmath>
#include <exception>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFAcroFormDocumentHelper.hh>
#include <qpdf/QPDFEmbeddedFileDocumentHelper.hh>
#include <qpdf/QPDFExc.hh>
#include <qpdf/QPDFFormFieldObjectHelper.hh>
#include <qpdf/QPDFObjectHandle.hh>

namespace lectern::pdf {
namespace {

constexpr double max_unit = 75'000;  // of PDF readers

double unit_of(QPDFObjectHandle page) {
  QPDFObjectHandle unit = page.getKey("/UserUnit");
  if (!unit.isNumber()) return 1;
  const double value = unit.getNumericValue();
  return std::isfinite(value) && value > 0 && value <= max_unit ? value : 1;
}

// A reference that leads to no object is null, as is a key that is not there.
bool is_lost(QPDFObjectHandle object) { return object.isIndirect() && object.isNull(); }

bool contents_are_lost(QPDFObjectHandle page) {
  QPDFObjectHandle contents = page.getKey("/Contents");
  if (!contents.isArray()) return is_lost(contents);
  for (int i = 0; i < contents.getArrayNItems(); ++i) {
    if (is_lost(contents.getArrayItem(i))) return true;
  }
  return false;
}

size_t attached_files(QPDFObjectHandle page) {
  QPDFObjectHandle notes = page.getKey("/Annots");
  size_t count = 0;
  for (int i = 0; notes.isArray() && i < notes.getArrayNItems(); ++i) {
    QPDFObjectHandle note = notes.getArrayItem(i);
    if (note.isDictionary() && note.getKey("/Subtype").isNameAndEquals("/FileAttachment")) ++count;
  }
  return count;
}

// A signature that was made, or a form that says that there is one.
bool has_signature(QPDF& file) {
  QPDFObjectHandle root = file.getRoot();
  QPDFObjectHandle form = root.getKey("/AcroForm");
  if (form.isDictionary()) {
    QPDFObjectHandle flags = form.getKey("/SigFlags");
    if (flags.isInteger() && (flags.getIntValue() & 1) != 0) return true;
    QPDFAcroFormDocumentHelper fields(file);
    for (QPDFFormFieldObjectHelper& field : fields.getFormFields()) {
      if (field.getFieldType() == "/Sig" && !field.getValue().isNull()) return true;
    }
  }
  QPDFObjectHandle permissions = root.getKey("/Perms");
  return permissions.isDictionary() && !permissions.getKeys().empty();
}

// Readers without XFA show what the pages are until then: "please wait".
bool is_made_by_form(QPDF& file) {
  QPDFObjectHandle root = file.getRoot(), form = root.getKey("/AcroForm");
  if (!form.isDictionary() || form.getKey("/XFA").isNull()) return false;
  QPDFObjectHandle needed = root.getKey("/NeedsRendering"), fields = form.getKey("/Fields");
  return (needed.isBool() && needed.getBoolValue()) || !fields.isArray() || fields.getArrayNItems() == 0;
}

}  // namespace

bool has_unknown_encryption(const char* bytes, size_t size) {
  try {
    QPDF file;
    file.setSuppressWarnings(true);
    file.processMemoryFile("PDF", bytes, size);
  } catch (const QPDFExc& error) {
    return error.getErrorCode() == qpdf_e_unsupported;
  } catch (const std::exception&) {
    return false;
  }
  return false;
}

DocumentFacts facts_of(const char* bytes, size_t size, const std::string& password) {
  DocumentFacts facts;
  try {
    QPDF file;
    file.setSuppressWarnings(true);
    file.processMemoryFile("PDF", bytes, size, password.c_str());
    for (const QPDFObjectHandle& page : file.getAllPages()) {
      facts.units.push_back(unit_of(page));
      facts.lost_contents.push_back(contents_are_lost(page));
      facts.files += attached_files(page);
    }
    facts.files += QPDFEmbeddedFileDocumentHelper(file).getEmbeddedFiles().size();
    facts.encrypted = file.isEncrypted();
    facts.is_signed = has_signature(file);
    facts.made_by_form = is_made_by_form(file);
    facts.damaged = file.anyWarnings();
    facts.known = true;
  } catch (const std::exception&) {
    facts = {};
  }
  return facts;
}

}  // namespace lectern::pdf
