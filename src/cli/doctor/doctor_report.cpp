#include "cli/doctor/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "cli/commands.h"
#include "cli/settings.h"

namespace lectern::cli {

void DoctorReport::line(const std::string& text) {
  text_ += text + "\n";
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

void DoctorReport::fact(std::string_view name, std::string_view value) {
  line(fmt::format("| {} | {} |", name, cell(value)));
}

void DoctorReport::result(const std::string& check, bool passed) {
  ++checks_;
  if (!passed) failed_.push_back(check);
}

void DoctorReport::stopped(std::string_view why) { line(fmt::format("\n**stopped**: {}\n", cell(with_options(why)))); }

std::string cell(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string line(text);
  std::ranges::replace(line, '\n', ' ');
  std::string safe;
  for (const char c : in_one_line(line)) safe += c == '|' ? std::string("\\|") : std::string(1, c);
  return safe;
}

std::string milliseconds(double seconds) { return fmt::format("{:.3g} ms", seconds * 1000); }

}  // namespace lectern::cli
