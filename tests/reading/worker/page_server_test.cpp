// The worker's side as a program that people may start, too; worker_model_test has it read pages.
#ifdef LECTERN_BINARY
#include "reading/worker/page_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "cli/lectern_process.h"
#include "core/system/child_process.h"
#include "reading/worker/protocol.h"

namespace lectern::worker {
namespace {

using ::testing::HasSubstr;

TEST(PageServer, ExplainsItselfToWhoStartsItByHand) {
  const testing::TempFolder folder;
  testing::expect_refusal(testing::lectern(folder, command), 2, "is started by Lectern itself");
  EXPECT_THAT(testing::lectern(folder, "--help").out, ::testing::Not(HasSubstr(command)));
}

ChildProcess::Deadline deadline() { return {std::chrono::steady_clock::now() + std::chrono::hours(1), {}}; }

// Of a worker that is signalled at once and then sent this.
std::string end_of(const FrameHeader& header, const std::vector<std::byte>& bytes, int signal = 0) {
  ChildProcess child(LECTERN_BINARY,
                     {.arguments = {command}, .file = -1, .silent = true, .holds_signals = true, .exit_note = {}});
  ::kill(child.process(), signal);
  try {
    child.send(std::as_bytes(std::span(&header, 1)), deadline());
    child.send(bytes, deadline());
    std::byte byte{};
    child.receive(std::span(&byte, 1), deadline());
  } catch (const ChildProcess::Lost& lost) {
    return lost.reason;
  }
  return "answers";
}

TEST(PageServer, GivesUpOnNonsense) {
  EXPECT_EQ(end_of({magic ^ 1, FrameKind::load, 0}, {}), "gave up (exit code 3)");
  EXPECT_EQ(end_of({magic, FrameKind::load, max_frame_bytes + 1}, {}), "gave up (exit code 3)");
  EXPECT_EQ(end_of({magic, FrameKind::loaded, 0}, {}), "gave up (exit code 2)");
  EXPECT_EQ(end_of({magic, FrameKind::add, 3}, std::vector<std::byte>(3)), "gave up (exit code 2)");
}

TEST(PageServer, EndsWhenItIsTold) { EXPECT_EQ(end_of({magic, FrameKind::end, 0}, {}), "ended without an answer"); }

// Also before it has got as far as to ignore them.
TEST(PageServer, LeavesSignalsToItsParent) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    EXPECT_EQ(end_of({magic, FrameKind::end, 0}, {}, signal), "ended without an answer") << signal;
}

TEST(PageServer, AnswersWhatItCannotLoad) {
  for (const std::vector<std::byte>& bytes : {std::vector<std::byte>(3), to_bytes(LoadRequest{})})
    EXPECT_EQ(end_of({magic, FrameKind::load, bytes.size()}, bytes), "answers");
  const std::vector<std::byte> reader = to_bytes(ReaderRequest{});
  EXPECT_EQ(end_of({magic, FrameKind::make_reader, reader.size()}, reader), "answers") << "there is no model";
}

}  // namespace
}  // namespace lectern::worker
#endif
