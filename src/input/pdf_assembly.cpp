#include "input/pdf_assembly.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>

#include "core/files/file.h"
#include "core/text.h"
#include "core/unique_fd.h"
#include "input/pdf_helper.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::chrono::minutes max_duration(15);

template <class T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

template <class T>
T receive(PdfHelper& helper, const PdfHelper::Deadline& deadline) {
  T value;
  helper.receive(std::as_writable_bytes(std::span(&value, 1)), deadline);
  if (value.magic != pdf::magic) throw PdfHelper::Lost{"does not talk as lectern-pdf does"};
  return value;
}

// The same file, so that nobody writes to it.
UniqueFd read_only(int file) {
  UniqueFd opened(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) throw system_error("the PDFs to be taken over", "cannot be opened", errno);
  return opened;
}

void send_plan(PdfHelper& helper, const pdf::AssemblyPlan& plan, const PdfHelper::Deadline& deadline) {
  pdf::Request request;
  request.task = pdf::Task::assemble;
  request.password_bytes = static_cast<uint32_t>(plan.password.size());
  request.parts = static_cast<uint32_t>(plan.inputs.size());
  request.planned = static_cast<uint32_t>(plan.pages.size());
  helper.send(bytes_of(request), deadline);
  helper.send(std::as_bytes(std::span(plan.password)), deadline);
  const auto send = [&](const pdf::AssemblyPlan::Place& place, std::string_view title) {
    title = title.substr(0, pdf::max_title);
    const pdf::Part part{place.offset, place.bytes, static_cast<uint32_t>(title.size()), 0};
    helper.send(bytes_of(part), deadline);
    helper.send(std::as_bytes(std::span(title)), deadline);
  };
  for (const pdf::AssemblyPlan::Input& input : plan.inputs) send(input.place, input.title);
  send(plan.layers, "");
  helper.send(std::as_bytes(std::span(plan.pages)), deadline);
}

// What the helper says of its failure, in one line.
std::string read_message(PdfHelper& helper, const pdf::Answer& answer, const PdfHelper::Deadline& deadline) {
  if (answer.bytes > pdf::max_message) throw PdfHelper::Lost{"sends a message that is too long"};
  std::string message(answer.bytes, '\0');
  helper.receive(std::as_writable_bytes(std::span(message)), deadline);
  return without_controls(std::move(message));
}

// What it says of what was lost.
std::vector<std::string> read_notes(PdfHelper& helper, const PdfHelper::Deadline& deadline) {
  const auto notes = receive<pdf::Notes>(helper, deadline);
  if (notes.bytes > pdf::max_notes) throw PdfHelper::Lost{"sends notes that are too long"};
  std::string text(notes.bytes, '\0');
  helper.receive(std::as_writable_bytes(std::span(text)), deadline);
  std::vector<std::string> lost;
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    if (end > 1 && rest[0] == pdf::left_out) lost.push_back(without_controls(std::string(rest.substr(1, end - 1))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lost;
}

std::vector<std::string> receive_pdf(PdfHelper& helper, const std::function<void(std::string_view)>& sink,
                                     const PdfHelper::Deadline& deadline) {
  std::string bytes;
  for (;;) {
    const auto piece = receive<pdf::Piece>(helper, deadline);
    if (piece.bytes == 0) break;
    if (piece.bytes > pdf::max_piece) throw PdfHelper::Lost{"sends a piece that is too long"};
    bytes.resize(piece.bytes);
    helper.receive(std::as_writable_bytes(std::span(bytes)), deadline);
    sink(bytes);
  }
  const auto answer = receive<pdf::Answer>(helper, deadline);
  if (answer.status == pdf::Status::done) return read_notes(helper, deadline);
  throw Error(fmt::format("its pages cannot be taken over: {}", read_message(helper, answer, deadline)),
              ErrorCode::corrupt_input);
}

}  // namespace

std::vector<std::string> assemble_pdf(int file, const pdf::AssemblyPlan& plan,
                                      const std::function<void(std::string_view)>& sink) {
  try {
    PdfHelper helper(find_pdf_helper(), read_only(file).get());
    const PdfHelper::Deadline deadline{std::chrono::steady_clock::now() + max_duration, {}};
    send_plan(helper, plan, deadline);
    return receive_pdf(helper, sink, deadline);
  } catch (const PdfHelper::Lost& lost) {
    throw Error(fmt::format("its pages cannot be taken over: the PDF helper {}", lost.reason),
                ErrorCode::corrupt_input);
  }
}

}  // namespace lectern
