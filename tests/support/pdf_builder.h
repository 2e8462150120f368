// PDFs made of objects written out by the tests, with a right cross-reference table unless a test breaks it.
#pragma once

#include <string>
#include <vector>

namespace lectern::testing {

// Object i + 1 is objects[i]; object 1 is the catalogue.
inline std::string pdf_of_objects(const std::vector<std::string>& objects) {
  std::string pdf = "%PDF-1.7\n";
  std::string table = "xref\n0 " + std::to_string(objects.size() + 1) + "\n0000000000 65535 f \n";
  for (size_t i = 0; i < objects.size(); ++i) {
    const std::string offset = std::to_string(pdf.size());
    table += std::string(10 - offset.size(), '0') + offset + " 00000 n \n";
    pdf += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  return pdf + table + "trailer\n<< /Size " + std::to_string(objects.size() + 1) + " /Root 1 0 R >>\nstartxref\n" +
         std::to_string(pdf.size()) + "\n%%EOF\n";
}

inline std::string stream_of(const std::string& content, const std::string& keys = "") {
  return "<< /Length " + std::to_string(content.size()) + keys + " >>\nstream\n" + content + "\nendstream";
}

struct PdfPage {
  std::string content{};
  std::string media_box = "0 0 200 100";
  std::string keys{};  // of the page, e.g. "/Rotate 90"
};

// The font /F is Helvetica.
inline std::string pdf_of(const std::vector<PdfPage>& pages) {
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", "",
                                      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string kids;
  for (const PdfPage& page : pages) {
    objects.push_back(stream_of(page.content));
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [" + page.media_box + "] /Contents " +
                      std::to_string(objects.size()) + " 0 R /Resources << /Font << /F 3 0 R >> >> " + page.keys +
                      " >>");
    kids += std::to_string(objects.size()) + " 0 R ";
  }
  objects[1] = "<< /Type /Pages /Count " + std::to_string(pages.size()) + " /Kids [" + kids + "] >>";
  return pdf_of_objects(objects);
}

// A rectangle filled with a colour, e.g. "1 0 0"; from the lower left corner.
inline std::string filled(const std::string& colour, int x, int y, int width, int height) {
  return colour + " rg " + std::to_string(x) + " " + std::to_string(y) + " " + std::to_string(width) + " " +
         std::to_string(height) + " re f\n";
}

}  // namespace lectern::testing
