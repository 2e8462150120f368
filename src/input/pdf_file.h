// The pages of a PDF, rendered by lectern-pdf. When that helper dies or stalls on a page, the page is an Error and the
// next one gets a fresh helper; after several such pages in a row the rest is given up.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input/input_file.h"
#include "input/page_source.h"
#include "input/pdf_helper.h"
#include "pdf_helper/protocol.h"

namespace lectern {

class PdfSource : public PageSource {
 public:
  PdfSource(InputFile file, SourceOptions options);

  int pages() const override { return pages_; }
  std::vector<Warning> warnings() const override { return warnings_; }
  std::shared_ptr<const OriginalFile> original() const override;
  SourcePage page(int index) override;

  uint32_t confinement() const { return confinement_; }  // of the helper: pdf::Confinement

 private:
  void start();
  void open(const PdfHelper::Deadline& deadline);
  PdfHelper::Deadline deadline() const;
  SourcePage render(int index, const PdfHelper::Deadline& deadline);
  std::string read_message(const pdf::Answer& answer, const PdfHelper::Deadline& deadline);
  std::vector<Warning> read_notes(const PdfHelper::Deadline& deadline);

  InputFile file_;
  SourceOptions options_;
  std::filesystem::path program_;
  std::optional<PdfHelper> helper_;
  int pages_ = 0;
  uint32_t confinement_ = 0;
  uint32_t traits_ = 0;  // pdf::Trait
  std::vector<Warning> warnings_;
  int lost_in_a_row_ = 0;
};

}  // namespace lectern
