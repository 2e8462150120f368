// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include "pdf_helper/assembly/form_fields.h"

namespace lectern::pdf {

bool drop_fields(QPDFObjectHandle owner, const std::string& key, const std::set<QPDFObjGen>& gone, int depth) {
  QPDFObjectHandle fields = owner.getKey(key);
  if (!fields.isArray() || depth > 50) return true;
  QPDFObjectHandle kept = QPDFObjectHandle::newArray();
  for (int i = 0; i < fields.getArrayNItems(); ++i) {
    QPDFObjectHandle field = fields.getArrayItem(i);
    if (field.isIndirect() && gone.count(field.getObjGen()) != 0) continue;
    if (field.isDictionary() && !drop_fields(field, "/Kids", gone, depth + 1)) continue;
    kept.appendItem(field);
  }
  owner.replaceKey(key, kept);
  return kept.getArrayNItems() > 0;
}

}  // namespace lectern::pdf
