#include "reading/worker/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <new>
#include <utility>

#include "device/device_failure.h"
#include "lectern/error.h"

namespace lectern::worker {
namespace {

using ::testing::ElementsAre;

// Something in every field.
Page full_page() {
  Page page;
  page.number = 3;
  page.width = 100;
  page.height = 200;
  page.dpi = 0.1;
  page.turn = 90;
  page.raw = std::string("raw\0text\xff", 9);
  Block& block = page.blocks.emplace_back();
  block.label = "title";
  block.boxes = {{0.1, 1, 2, 3}};
  block.raw_boxes = {{1, 2, 3, 999}};
  block.text = "Überschrift";
  block.spans = {{1, 2, {{4, 5, 6, 7}}, {{9, 8, 7, 6}}}};
  block.lines = {{{1, 2, 3, 4}, "line", {{{5, 6, 7, 8}, "word", 0.25}}, std::nullopt}};
  block.confidence = 1.0 / 3;
  page.error = "why";
  page.error_code = ErrorCode::io;
  page.finish = Finish::loop;
  page.mode = Mode::gundam;
  page.blank = page.of_pdf = page.has_text = true;
  page.stats = {1, 2, 3, 0.1, 0.2, 0.3, 0.4};
  page.guard = {2, true, Retry::halves, 77};
  page.warnings = {{WarningCode::doubtful, "look", Box{1, 2, 3, 4}}, {WarningCode::repetition, "", std::nullopt}};
  page.token_logprobs = {-0.1f, -1e-30f, -INFINITY};
  page.token_ends = {3, 5, 9};
  page.confidence = 0.875;
  return page;
}

std::shared_ptr<const Picture> picture(int width, int height) {
  auto made = std::make_shared<Picture>(width, height);
  for (size_t i = 0; i < made->rgb.size(); ++i) made->rgb[i] = static_cast<uint8_t>(i * 7);
  return made;
}

AddRequest full_request() {
  AddRequest request;
  request.epoch = 9;
  PageJob& job = request.job;
  job.ticket = 12;
  job.picture = picture(5, 3);
  job.page = full_page();
  job.further = {{13, picture(1, 1), full_page()}, {14, nullptr, {}}};
  ReadOptions options;
  options.mode = Mode::tiny;
  options.prompt = "locate:x";
  options.temperature = 0.7f;
  options.stop = {"a", ""};
  job.options = std::make_shared<const ReadOptions>(options);
  job.deadline = std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(123456789));
  return request;
}

StepAnswer full_answer() {
  StepAnswer answer;
  answer.epoch = 4;
  PageEvent& finished = answer.events.emplace_back();
  finished.kind = PageEvent::Kind::finished;
  finished.ticket = 12;
  finished.page = full_page();
  finished.further = {full_page()};
  PageEvent& told = answer.events.emplace_back();
  told.kind = PageEvent::Kind::progress;
  told.keep = 4;
  told.more = "more";
  told.progress = {Stage::prefill, 1, 2, 3.5, 4, 5, 6.5};
  answer.load = {1, 2, 3, 4, 5};
  answer.failure = Failure{Failure::Kind::error, ErrorCode::corrupt_input, "not a number"};
  return answer;
}

TEST(WorkerProtocol, CarriesPagesBitForBit) {
  const AddRequest there = full_request();
  const std::vector<std::byte> bytes = to_bytes(there);
  const auto back = from_bytes<AddRequest>(bytes);
  EXPECT_EQ(to_bytes(back), bytes);
  EXPECT_EQ(back.epoch, 9u);
  EXPECT_EQ(back.job.ticket, 12u);
  EXPECT_EQ(back.job.picture->width, 5);
  EXPECT_EQ(back.job.picture->rgb, there.job.picture->rgb);
  EXPECT_EQ(back.job.page.raw, there.job.page.raw);
  EXPECT_EQ(back.job.page.blocks.at(0).lines.at(0).words.at(0).confidence, 0.25);
  EXPECT_EQ(back.job.further.at(1).picture, nullptr);
  EXPECT_EQ(back.job.options->temperature, 0.7f);
  EXPECT_THAT(back.job.options->stop, ElementsAre("a", ""));
  EXPECT_EQ(back.job.deadline, there.job.deadline);
}

TEST(WorkerProtocol, CarriesWhatHappened) {
  const std::vector<std::byte> bytes = to_bytes(full_answer());
  const auto back = from_bytes<StepAnswer>(bytes);
  EXPECT_EQ(to_bytes(back), bytes);
  EXPECT_EQ(back.events.at(0).page.token_logprobs, full_page().token_logprobs);
  EXPECT_EQ(back.events.at(0).further.at(0).confidence, 0.875);
  EXPECT_EQ(back.events.at(1).progress.expected_seconds, 6.5);
  EXPECT_EQ(back.failure->message, "not a number");
}

template <typename Thrown>
std::string back_as(const std::exception_ptr& error) {
  PageEvent event;
  event.error = error;
  StepAnswer answer;
  answer.events = {event};
  const auto back = from_bytes<StepAnswer>(to_bytes(answer));
  try {
    std::rethrow_exception(back.events.at(0).error);
  } catch (const Thrown& thrown) {
    return thrown.what();
  } catch (...) {
    return "something else";
  }
}

TEST(WorkerProtocol, CarriesExceptionsAsWhatTheyAre) {
  EXPECT_EQ(back_as<DeviceFailure>(std::make_exception_ptr(DeviceFailure("the card is gone"))), "the card is gone");
  EXPECT_NE(back_as<std::bad_alloc>(std::make_exception_ptr(std::bad_alloc())), "something else");
  EXPECT_EQ(back_as<Error>(std::make_exception_ptr(Error("a", ErrorCode::io))), "a");
  EXPECT_EQ(failure_of(std::make_exception_ptr(Error("a", ErrorCode::io))).code, ErrorCode::io);
  EXPECT_EQ(back_as<Error>(std::make_exception_ptr(std::runtime_error("of a library"))), "of a library");
}

TEST(WorkerProtocol, RefusesWhatIsCutOffOrLonger) {
  std::vector<std::byte> bytes = to_bytes(full_request());
  for (size_t count = 0; count < bytes.size(); ++count)
    EXPECT_THROW(from_bytes<AddRequest>(std::span(bytes).first(count)), Error) << count;
  bytes.push_back(std::byte{0});
  EXPECT_THROW(from_bytes<AddRequest>(bytes), Error);
}

// A page of which one thing is wrong, as the other end might send it.
void expect_refused(const std::function<void(Page&)>& damage) {
  StepAnswer answer = full_answer();
  damage(answer.events.at(0).page);
  EXPECT_THROW(from_bytes<StepAnswer>(to_bytes(answer)), Error);
}

TEST(WorkerProtocol, RefusesPagesThatPointOutsideOfThemselves) {
  expect_refused([](Page& page) { page.blocks.at(0).spans.at(0).end = page.blocks.at(0).text.size() + 1; });
  expect_refused([](Page& page) { page.blocks.at(0).spans.at(0).begin = 3; });
  expect_refused([](Page& page) { page.token_ends.back() = page.raw.size() + 1; });
  expect_refused([](Page& page) { page.token_ends = {5, 3}; });
  expect_refused([](Page& page) { page.blocks.at(0).boxes.at(0).left = NAN; });
  expect_refused([](Page& page) { page.warnings.at(0).box->bottom = INFINITY; });
  expect_refused([](Page& page) { page.blocks.at(0).lines.at(0).words.at(0).box.right = -1e300; });
}

TEST(WorkerProtocol, ReceivesFrames) {
  const FrameHeader header{magic, FrameKind::step, 3};
  std::vector<std::byte> stream(sizeof(header));
  std::memcpy(stream.data(), &header, sizeof(header));
  for (const char c : {'a', 'b', 'c'}) stream.push_back(static_cast<std::byte>(c));
  std::span<const std::byte> rest = stream;
  const auto fill = [&](std::span<std::byte> bytes) {
    ASSERT_LE(bytes.size(), rest.size());
    std::ranges::copy(rest.first(bytes.size()), bytes.begin());
    rest = rest.subspan(bytes.size());
  };
  const std::optional<Frame> frame = receive_frame(fill);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->kind, FrameKind::step);
  EXPECT_EQ(frame->bytes, std::vector<std::byte>(stream.end() - 3, stream.end()));
  EXPECT_TRUE(rest.empty());
}

std::optional<Frame> frame_behind(const FrameHeader& header, size_t& asked_for) {
  return receive_frame([&, headed = false](std::span<std::byte> bytes) mutable {
    if (std::exchange(headed, true)) {
      asked_for = bytes.size();
      throw Error("nothing comes");
    }
    std::memcpy(bytes.data(), &header, bytes.size());
  });
}

TEST(WorkerProtocol, ALengthAloneTakesLittleMemory) {
  size_t asked_for = 0;
  EXPECT_THROW(frame_behind({magic, FrameKind::step, max_frame_bytes}, asked_for), Error);
  EXPECT_GT(asked_for, 0u);
  EXPECT_LE(asked_for, max_frame_bytes / 32);
  EXPECT_FALSE(frame_behind({magic, FrameKind::step, max_frame_bytes + 1}, asked_for));
  EXPECT_FALSE(frame_behind({magic ^ 1, FrameKind::step, 0}, asked_for));
}

// Whatever its bytes are, a value is refused or taken; counts that no memory holds are refused.
TEST(WorkerProtocol, SurvivesBytesThatAreWrong) {
  const std::vector<std::byte> good = to_bytes(full_answer());
  size_t refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    std::vector<std::byte> bytes = good;
    bytes[at] = std::byte{0xff};
    try {
      from_bytes<StepAnswer>(bytes);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50u);
  LoadRequest request;
  request.weights = static_cast<Weights>(99);
  EXPECT_THROW(from_bytes<LoadRequest>(to_bytes(request)), Error);
}

}  // namespace
}  // namespace lectern::worker
