// Data of PDF streams, compressed for /FlateDecode.
#pragma once

#include <qpdf/Pl_Flate.hh>
#include <qpdf/Pl_String.hh>
#include <string>

namespace lectern::pdf {

inline std::string deflated(const std::string& bytes) {
  std::string out;
  Pl_String to_string("out", nullptr, out);
  Pl_Flate flate("flate", &to_string, Pl_Flate::a_deflate);
  flate.write(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  flate.finish();
  return out;
}

}  // namespace lectern::pdf
