#include "diagnose/installation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "core/files/file.h"
#include "core/format_bytes.h"
#include "core/system/available_memory.h"
#include "core/unique_fd.h"
#include "hub/model_store.h"
#include "image/picture_file.h"
#include "input/pdf_file.h"
#include "lectern/error.h"
#include "pdf_helper/protocol.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using Checks = std::vector<InstallationCheck>;

// One page with a word in a font that the file does not bring, a Latin or a Chinese one.
std::string sample_pdf(bool chinese) {
  const std::string content =
      chinese ? "BT /F 40 Tf 10 30 Td <4E2D6587> Tj ET" : "BT /F 40 Tf 10 30 Td (Lectern) Tj ET";
  const std::string font =
      chinese ? "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts "
                "[<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /CIDSystemInfo << /Registry (Adobe) "
                "/Ordering (GB1) /Supplement 2 >> /FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light "
                "/Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 "
                "/StemV 93 >> >>] >>"
              : "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";
  const std::array objects = {
      std::string("<< /Type /Catalog /Pages 2 0 R >>"), std::string("<< /Type /Pages /Count 1 /Kids [3 0 R] >>"),
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] /Contents 4 0 R /Resources << /Font << /F " + font +
          " >> >> >>",
      fmt::format("<< /Length {} >>\nstream\n{}\nendstream", content.size(), content)};
  std::string pdf = "%PDF-1.7\n", table = "0000000000 65535 f \n";
  for (size_t i = 0; i < objects.size(); ++i) {
    table += fmt::format("{:010} 00000 n \n", pdf.size());
    pdf += fmt::format("{} 0 obj\n{}\nendobj\n", i + 1, objects[i]);
  }
  const size_t at = pdf.size(), count = objects.size() + 1;
  return pdf +
         fmt::format("xref\n0 {0}\n{1}trailer\n<< /Size {0} /Root 1 0 R >>\nstartxref\n{2}\n%%EOF\n", count, table, at);
}

PdfSource open_sample(bool chinese) {
  const UniqueFd file = unnamed_file(fs::temp_directory_path());
  const std::string pdf = sample_pdf(chinese);
  if (!file || ::write(file.get(), pdf.data(), pdf.size()) != static_cast<ssize_t>(pdf.size())) {
    throw Error(fs::temp_directory_path().string() + ": nothing can be kept in this folder; TMPDIR names another",
                ErrorCode::io);
  }
  return {InputFile("/proc/self/fd/" + std::to_string(file.get())), SourceOptions{.dpi = 72}};
}

bool has_ink(const Picture& page) {
  return std::ranges::any_of(page.rgb, [](uint8_t value) { return value < 128; });
}

std::string confinement_text(uint32_t had) {
  constexpr std::array<std::pair<uint32_t, const char*>, 5> parts = {
      {{pdf::no_new_privileges, "no new privileges"},
       {pdf::no_capabilities, "no capabilities"},
       {pdf::own_namespaces, "namespaces of its own"},
       {pdf::few_files, "its file, fonts and libraries alone (Landlock)"},
       {pdf::few_system_calls, "no writing, sockets, fork or exec (seccomp)"}}};
  std::string held, missing;
  for (const auto& [bit, name] : parts) {
    std::string& list = (had & bit) != 0 ? held : missing;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  return missing.empty() ? held : fmt::format("{}; not to be had here: {}", held, missing);
}

void check_pdf(Checks& checks) {
  try {
    checks.push_back({"PDF helper", find_pdf_helper().string()});
    PdfSource latin = open_sample(false);
    checks.push_back(
        {"its confinement", confinement_text(latin.confinement()), latin.confinement() == pdf::fully_confined});
    const SourcePage page = latin.page(0);
    const bool drawn = has_ink(page.picture);
    checks.push_back({"fonts for PDFs that bring none",
                      drawn                   ? "found"
                      : page.warnings.empty() ? "nothing is drawn; install fonts, e.g. fonts-dejavu or fonts-liberation"
                                              : page.warnings.front().message,
                      drawn});
    const SourcePage chinese = open_sample(true).page(0);
    const auto undrawn = [](const Warning& warning) { return warning.message.find(" not drawn") != std::string::npos; };
    const bool has_font = std::ranges::none_of(chinese.warnings, undrawn);
    const bool has_tables = chinese.warnings.empty() || !has_font;
    checks.push_back({"poppler-data, for Chinese, Japanese and Korean",
                      has_tables ? "found" : chinese.warnings.front().message, has_tables});
    // Few need it.
    checks.push_back(
        {"a font for Chinese, where a PDF brings none", !has_tables ? "not known without poppler-data"
                                                        : has_font  ? "found"
                                                                   : "none; should you need one, e.g. fonts-noto-cjk"});
  } catch (const std::exception& error) {
    checks.push_back({"PDFs", error.what(), false});
  }
}

void check_space(Checks& checks, const char* name, const fs::path& folder) {
  constexpr int64_t little = int64_t{1} << 30;
  std::error_code code;
  fs::path there = folder;
  while (!fs::exists(there, code) && there.has_relative_path()) there = there.parent_path();
  const fs::space_info space = fs::space(there, code);
  if (code) {
    checks.push_back({name, fmt::format("{}: {}", folder.string(), code.message()), false});
  } else {
    const auto free = static_cast<int64_t>(std::min<uintmax_t>(space.available, INT64_MAX));
    checks.push_back({name, fmt::format("{}: {} free", folder.string(), format_bytes(free)), free >= little});
  }
}

void check_shipped_model(Checks& checks, const std::string& what, const ShippedModel& model) {
  try {
    if (model.folder.empty()) {
      throw Error(fmt::format("is not where it was installed; it is models/{} of the source", model.name),
                  ErrorCode::not_found);
    }
    Checkpoint::open(model.folder);
    checks.push_back({what, model.folder.string()});
  } catch (const std::exception& error) {
    checks.push_back({what, error.what(), false});
  }
}

void check_models(Checks& checks, std::span<const ShippedModel> shipped) {
  for (size_t i = 0; i < shipped.size(); ++i) {
    const std::string what = i == 0 ? "model that ships" : fmt::format("{}, which ships, too", shipped[i].name);
    check_shipped_model(checks, what, shipped[i]);
  }
  try {
    const fs::path store = hub::model_store();
    check_space(checks, "place for models", store);
    for (const hub::StoredModel& model : hub::stored_models(store)) {
      checks.push_back({"model " + model.name.text(),
                        fmt::format("{}, {}{}", model.folder.string(), format_bytes(model.bytes),
                                    model.complete ? "" : "; is not complete: pull it again"),
                        model.complete});
    }
  } catch (const std::exception& error) {
    checks.push_back({"place for models", error.what(), false});
  }
}

}  // namespace

std::vector<InstallationCheck> check_installation(std::span<const ShippedModel> shipped) {
  Checks checks;
  check_pdf(checks);
  std::string formats, missing;
  for (const auto& [format, readable] : picture_formats()) {
    std::string& list = readable ? formats : missing;
    list += (list.empty() ? "" : ", ") + format;
  }
  checks.push_back(
      {"pictures", missing.empty() ? formats : fmt::format("{}; libvips lacks {}", formats, missing), missing.empty()});
  constexpr int64_t little_memory = int64_t{2} << 30;
  const int64_t memory = available_memory();
  checks.push_back({"free memory", format_bytes(memory), memory >= little_memory});
  std::error_code ignored;
  check_space(checks, "place for what is piped in", fs::temp_directory_path(ignored));
  check_models(checks, shipped);
  return checks;
}

}  // namespace lectern
