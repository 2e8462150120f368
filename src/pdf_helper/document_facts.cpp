#include "pdf_helper/document_facts.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <cmath>
#include <cstdint>
#include <exception>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFAcroFormDocumentHelper.hh>
#include <qpdf/QPDFEmbeddedFileDocumentHelper.hh>
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

// Samples of a pixel; 0 for a colour space that says it in another way.
int64_t samples_in(QPDFObjectHandle space) {
  if (space.isArray() && space.getArrayNItems() > 1) {
    const std::string kind = space.getArrayItem(0).isName() ? space.getArrayItem(0).getName() : "";
    if (kind == "/Indexed" || kind == "/Separation" || kind == "/CalGray") return 1;
    if (kind == "/CalRGB" || kind == "/Lab") return 3;
    QPDFObjectHandle profile = space.getArrayItem(1);
    if (kind != "/ICCBased" || !profile.isStream()) return 0;
    QPDFObjectHandle count = profile.getDict().getKey("/N");
    return count.isInteger() ? count.getIntValue() : 0;
  }
  const std::string name = space.isName() ? space.getName() : "";
  return name == "/DeviceGray" ? 1 : name == "/DeviceRGB" ? 3 : name == "/DeviceCMYK" ? 4 : 0;
}

// poppler says nothing of a picture that is stored as it is and has fewer bytes than its size needs.
bool is_short_picture(QPDFObjectHandle object) {
  if (!object.isStream()) return false;
  QPDFObjectHandle picture = object.getDict();
  const auto number = [&](const char* key) {
    QPDFObjectHandle value = picture.getKey(key);
    return value.isInteger() ? value.getIntValue() : 0;
  };
  if (!picture.getKey("/Subtype").isNameAndEquals("/Image") || !picture.getKey("/Filter").isNull()) return false;
  QPDFObjectHandle mask = picture.getKey("/ImageMask");
  const bool is_mask = mask.isBool() && mask.getBoolValue();
  constexpr int64_t max_side = int64_t{1} << 20;
  const int64_t samples = is_mask ? 1 : samples_in(picture.getKey("/ColorSpace"));
  const int64_t bits = is_mask ? 1 : number("/BitsPerComponent");
  const int64_t width = number("/Width"), height = number("/Height");
  if (samples < 1 || samples > 32 || bits < 1 || bits > 16 || width > max_side || height > max_side) return false;
  return number("/Length") < (width * samples * bits + 7) / 8 * height;
}

bool has_short_picture(QPDFObjectHandle page) {
  QPDFObjectHandle resources = page.getKey("/Resources");  // of the page itself; those that it inherits are set in it
  QPDFObjectHandle objects = resources.isDictionary() ? resources.getKey("/XObject") : QPDFObjectHandle::newNull();
  if (!objects.isDictionary()) return false;
  for (const std::string& name : objects.getKeys()) {
    if (is_short_picture(objects.getKey(name))) return true;
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

}  // namespace

DocumentFacts facts_of(const char* bytes, size_t size, const std::string& password) {
  DocumentFacts facts;
  try {
    QPDF file;
    file.setSuppressWarnings(true);
    file.processMemoryFile("PDF", bytes, size, password.c_str());
    file.pushInheritedAttributesToPage();
    for (const QPDFObjectHandle& page : file.getAllPages()) {
      facts.units.push_back(unit_of(page));
      facts.lost_contents.push_back(contents_are_lost(page));
      facts.short_pictures.push_back(has_short_picture(page));
      facts.files += attached_files(page);
    }
    facts.files += QPDFEmbeddedFileDocumentHelper(file).getEmbeddedFiles().size();
    facts.encrypted = file.isEncrypted();
    facts.is_signed = has_signature(file);
    facts.damaged = file.anyWarnings();
    facts.known = true;
  } catch (const std::exception&) {
    facts = {};
  }
  return facts;
}

}  // namespace lectern::pdf
