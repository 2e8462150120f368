#include "input/pdf_helper.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/text.h"
#include "lectern/error.h"

namespace lectern {

static_assert(ChildProcess::file_descriptor == pdf::file_descriptor);

namespace {

namespace fs = std::filesystem;

bool can_run(const fs::path& program) {
  std::error_code ignored;
  return fs::is_regular_file(program, ignored) && ::access(program.c_str(), X_OK) == 0;
}

}  // namespace

std::string PdfHelper::receive_message(const pdf::Answer& answer, const Deadline& deadline) {
  if (answer.bytes > pdf::max_message) throw Lost{"sends a message that is too long"};
  std::string message(answer.bytes, '\0');
  receive(std::as_writable_bytes(std::span(message)), deadline);
  return without_controls(std::move(message));
}

std::vector<PdfHelper::Note> PdfHelper::receive_notes(const Deadline& deadline) {
  const auto notes = receive_one<pdf::Notes>(deadline);
  if (notes.bytes > pdf::max_notes) throw Lost{"sends notes that are too long"};
  std::string text(notes.bytes, '\0');
  receive(std::as_writable_bytes(std::span(text)), deadline);
  std::vector<Note> found;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 1) found.push_back({rest[0], without_controls(std::string(rest.substr(1, end - 1)))});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return found;
}

fs::path find_pdf_helper() {
  const char* const named = std::getenv("LECTERN_PDF");
  if (named != nullptr && *named != '\0') {
    if (!can_run(named)) {
      throw Error("LECTERN_PDF names '" + std::string(named) + "', which is not a program; expected lectern-pdf");
    }
    return named;
  }
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  std::vector<fs::path> places;
  if (!failed) places = {here, here.parent_path() / "libexec" / "lectern"};
  const char* const path = std::getenv("PATH");
  for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    if (folder.starts_with('/')) places.emplace_back(folder);
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
  }
  for (const fs::path& place : places) {
    if (can_run(place / "lectern-pdf")) return place / "lectern-pdf";
  }
  throw Error("the program lectern-pdf, which renders PDF pages, is not beside lectern" +
                  (failed ? std::string() : " (" + here.string() + ")") +
                  " nor in PATH; install it, or name it in LECTERN_PDF",
              ErrorCode::not_found);
}

// Libraries of the helper complain of broken files on standard error; what matters comes as an answer.
PdfHelper::PdfHelper(const fs::path& program, int file)
    : ChildProcess(program, {.arguments = {},
                             .file = file,
                             .silent = true,
                             .holds_signals = false,
                             .exit_note = ", as it does without enough memory"}) {}

}  // namespace lectern
