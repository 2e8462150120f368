#include "pdf_helper/open_by_qpdf.h"

// Without this qpdf warns of a type that it used to have.
#define POINTERHOLDER_TRANSITION 4

#include <optional>
#include <qpdf/QPDF.hh>
#include <qpdf/QPDFExc.hh>

#include "pdf_helper/passwords.h"

namespace lectern::pdf {

std::unique_ptr<QPDF> open_by_qpdf(std::string_view bytes, const std::string& password) {
  const auto open = [&](const std::string& spelled) {
    auto pdf = std::make_unique<QPDF>();
    pdf->setSuppressWarnings(true);
    pdf->processMemoryFile("the PDF", bytes.data(), bytes.size(), spelled.c_str());
    return pdf;
  };
  try {
    return open(password);
  } catch (const QPDFExc& error) {
    const std::optional<std::string> other = to_latin_1(password);
    if (error.getErrorCode() != qpdf_e_password || !other || *other == password) throw;
    return open(*other);
  }
}

}  // namespace lectern::pdf
