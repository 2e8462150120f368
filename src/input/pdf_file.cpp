#include "input/pdf_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lectern/error.h"

namespace lectern {
namespace {

constexpr double usual_dpi = 200;
// Posters and plans are rendered no larger without being asked to: a model sees a few million pixels of a page.
constexpr int64_t usual_pixels = 40'000'000;
constexpr int max_lost_in_a_row = 5;

// How poppler says that it lacks the tables of Chinese, Japanese and Korean fonts.
bool lacks_poppler_data(std::string_view report) {
  constexpr std::array signs = {"language pack", "character collection", "Couldn't find a ToUnicode CMap", "CMap file"};
  return std::ranges::any_of(signs, [&](std::string_view sign) { return report.find(sign) != std::string_view::npos; });
}

Warning warning_of(const PdfHelper::Note& note) {
  if (note.kind != pdf::reported) return {WarningCode::not_read, note.text, std::nullopt};
  const char* const hint = lacks_poppler_data(note.text) ? "; is the package poppler-data installed?" : "";
  return {WarningCode::damaged_input, fmt::format("poppler reports: {}{}", note.text, hint), std::nullopt};
}

// Whose choice the helper was, where it may be the wrong program.
std::string chosen_helper() {
  const char* const named = std::getenv("LECTERN_PDF");
  return named == nullptr || *named == '\0' ? "" : fmt::format("; LECTERN_PDF names {} as that helper", named);
}

}  // namespace

PdfSource::PdfSource(InputFile file, SourceOptions options)
    : file_(std::move(file)), options_(std::move(options)), program_(find_pdf_helper()) {
  if (options_.password.size() > pdf::max_password) {
    throw Error(fmt::format("`password`: is longer than {} bytes", pdf::max_password));
  }
  try {
    start();
  } catch (const PdfHelper::Lost& lost) {
    throw Error(fmt::format("{}: cannot be opened: the PDF helper {}{}", file_.name(), lost.reason, chosen_helper()),
                ErrorCode::corrupt_input);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", file_.name(), error.what()), error.code());
  }
}

PdfHelper::Deadline PdfSource::deadline() const {
  const auto seconds = std::chrono::duration<double>(options_.page_seconds);
  const auto now = std::chrono::steady_clock::now();
  return {now + std::chrono::duration_cast<std::chrono::steady_clock::duration>(seconds), options_.stop};
}

void PdfSource::start() {
  const auto wait = deadline();
  helper_.emplace(program_, file_.descriptor());
  try {
    open(wait);
  } catch (...) {
    helper_.reset();
    throw;
  }
}

void PdfSource::open(const PdfHelper::Deadline& wait) {
  pdf::Request request;
  request.task = pdf::Task::open;
  request.password_bytes = static_cast<uint32_t>(options_.password.size());
  helper_->send_one(request, wait);
  helper_->send(std::as_bytes(std::span(options_.password)), wait);
  const auto answer = helper_->receive_one<pdf::Answer>(wait);
  switch (answer.status) {
    case pdf::Status::done: break;
    case pdf::Status::locked: throw Error("is encrypted; give its password with `password`");
    case pdf::Status::wrong_password: throw Error("is encrypted, and the password does not open it");
    case pdf::Status::failed: throw Error(read_message(answer, wait), ErrorCode::corrupt_input);
    default: throw PdfHelper::Lost{"does not talk as lectern-pdf does"};
  }
  std::vector<Warning> warnings = read_notes(wait);
  if (answer.pages < 1 || answer.pages > pdf::max_pages || (pages_ != 0 && answer.pages != pages_)) {
    throw PdfHelper::Lost{fmt::format("counts {} pages", answer.pages)};
  }
  if (pages_ == 0) warnings_ = std::move(warnings);
  pages_ = answer.pages;
  confinement_ = answer.confinement;
  traits_ = answer.traits;
}

// The helper's notes after an answer, as warnings.
std::vector<Warning> PdfSource::read_notes(const PdfHelper::Deadline& deadline) {
  std::vector<Warning> warnings;
  for (const PdfHelper::Note& note : helper_->receive_notes(deadline)) warnings.push_back(warning_of(note));
  return warnings;
}

// The helper's message of a failed answer, with its first note.
std::string PdfSource::read_message(const pdf::Answer& answer, const PdfHelper::Deadline& deadline) {
  std::string message = helper_->receive_message(answer, deadline);
  if (message.empty()) message = "cannot be rendered";
  const std::vector<Warning> warnings = read_notes(deadline);
  return warnings.empty() ? message : message + "; " + warnings.front().message;
}

SourcePage PdfSource::render(int index, const PdfHelper::Deadline& deadline) {
  pdf::Request request;
  request.task = pdf::Task::render;
  request.page = index;
  request.find_text = static_cast<uint32_t>(options_.find_text);
  request.dpi = options_.dpi > 0 ? options_.dpi : usual_dpi;
  request.max_side = options_.limits.max_side;
  request.max_pixels =
      options_.dpi > 0 ? options_.limits.max_pixels : std::min(options_.limits.max_pixels, usual_pixels);
  helper_->send_one(request, deadline);
  const auto answer = helper_->receive_one<pdf::Answer>(deadline);
  if (answer.status == pdf::Status::failed) throw Error(read_message(answer, deadline), ErrorCode::corrupt_input);
  const bool honest = answer.status == pdf::Status::done && answer.width > 0 && answer.height > 0 &&
                      answer.width <= request.max_side && answer.height <= request.max_side &&
                      int64_t{answer.width} * answer.height <= request.max_pixels &&
                      answer.bytes == static_cast<uint64_t>(answer.width) * static_cast<uint64_t>(answer.height) * 3 &&
                      answer.dpi > 0 && answer.dpi <= request.dpi &&  // not for not-a-number
                      answer.turn >= 0 && answer.turn < 360 && answer.turn % 90 == 0;
  if (!honest) throw PdfHelper::Lost{"sends a page of an impossible size"};
  SourcePage page;
  page.picture = Picture(answer.width, answer.height);
  page.dpi = answer.dpi;
  page.turn = answer.turn;
  page.of_pdf = true;
  page.has_text = answer.has_text != 0;
  helper_->receive(std::as_writable_bytes(std::span(page.picture.rgb)), deadline);
  page.warnings = read_notes(deadline);
  return page;
}

std::shared_ptr<const OriginalFile> PdfSource::original() const {
  auto original = std::make_shared<OriginalFile>();
  original->file = file_.another_descriptor();
  original->name = file_.name();
  original->password = options_.password;
  original->is_pdf = true;
  original->can_be_kept = (traits_ & pdf::unreadable_by_qpdf) == 0;
  original->is_encrypted = (traits_ & pdf::encrypted) != 0;
  original->is_signed = (traits_ & pdf::has_signatures) != 0;
  return original;
}

SourcePage PdfSource::page(int index) {
  const std::string where = fmt::format("{}: page {}", file_.name(), index + 1);
  if (index < 0 || index >= pages_)
    throw Error(fmt::format("{} does not exist; there are {}", where, pages_), ErrorCode::not_found);
  if (lost_in_a_row_ >= max_lost_in_a_row) {
    throw Error(fmt::format("{}: not tried: the PDF helper failed on {} pages in a row", where, lost_in_a_row_),
                ErrorCode::corrupt_input);
  }
  try {
    if (!helper_) start();
    SourcePage page = render(index, deadline());
    lost_in_a_row_ = 0;
    return page;
  } catch (const PdfHelper::Lost& lost) {
    helper_.reset();
    ++lost_in_a_row_;
    throw Error(fmt::format("{}: the PDF helper {}", where, lost.reason), ErrorCode::corrupt_input);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", where, error.what()), error.code());
  } catch (...) {  // stopped, or no memory: the talk is broken off in the middle
    helper_.reset();
    throw;
  }
}

}  // namespace lectern
