// A PDF in memory, opened by qpdf.
#pragma once

#include <memory>
#include <string>
#include <string_view>

class QPDF;

namespace lectern::pdf {

// The bytes are not copied. The password is tried as it is, and in Latin-1. Throws std::exception.
std::unique_ptr<QPDF> open_by_qpdf(std::string_view bytes, const std::string& password);

}  // namespace lectern::pdf
