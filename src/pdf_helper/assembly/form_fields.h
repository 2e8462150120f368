// Fields of a form that go with their annotations.
#pragma once

#include <qpdf/QPDFObjGen.hh>
#include <qpdf/QPDFObjectHandle.hh>
#include <set>
#include <string>

namespace lectern::pdf {

// Takes fields out of `owner`[key] whose annotations are gone, and fields that hold none but such. -> whether any is
// left
bool drop_fields(QPDFObjectHandle owner, const std::string& key, const std::set<QPDFObjGen>& gone, int depth = 0);

}  // namespace lectern::pdf
