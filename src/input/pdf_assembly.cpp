#include "input/pdf_assembly.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "core/unique_fd.h"
#include "input/pdf_helper.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::chrono::minutes max_duration(15);

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
  helper.send_one(request, deadline);
  helper.send(std::as_bytes(std::span(plan.password)), deadline);
  const auto send = [&](const pdf::AssemblyPlan::Place& place, std::string_view title) {
    title = title.substr(0, pdf::max_title);
    const pdf::Part part{place.offset, place.bytes, static_cast<uint32_t>(title.size()), 0};
    helper.send_one(part, deadline);
    helper.send(std::as_bytes(std::span(title)), deadline);
  };
  for (const pdf::AssemblyPlan::Input& input : plan.inputs) send(input.place, input.title);
  send(plan.layers, "");
  helper.send(std::as_bytes(std::span(plan.pages)), deadline);
}

std::vector<std::string> receive_pdf(PdfHelper& helper, const std::function<void(std::string_view)>& sink,
                                     const PdfHelper::Deadline& deadline) {
  std::string bytes;
  for (;;) {
    const auto piece = helper.receive_one<pdf::Piece>(deadline);
    if (piece.bytes == 0) break;
    if (piece.bytes > pdf::max_piece) throw PdfHelper::Lost{"sends a piece that is too long"};
    bytes.resize(piece.bytes);
    helper.receive(std::as_writable_bytes(std::span(bytes)), deadline);
    sink(bytes);
  }
  const auto answer = helper.receive_one<pdf::Answer>(deadline);
  if (answer.status != pdf::Status::done) {
    throw Error(fmt::format("its pages cannot be taken over: {}", helper.receive_message(answer, deadline)),
                ErrorCode::corrupt_input);
  }
  std::vector<std::string> lost;
  for (PdfHelper::Note& note : helper.receive_notes(deadline)) {
    if (note.kind == pdf::left_out) lost.push_back(std::move(note.text));
  }
  return lost;
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
