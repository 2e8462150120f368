#ifdef LECTERN_BINARY
#include "reading/worker/worker_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/worker/worker_models.h"
#include "support/processes.h"

namespace lectern {
namespace {

using ::testing::Each;
using testing::expect_equal;
using testing::few_tokens;
using ::testing::HasSubstr;
using testing::here;
using testing::mini_folder;
using testing::page_pictures;
using testing::runs;
using testing::send_to;
using testing::task_of;
using testing::there;

using WorkerModels = testing::WorkerModelTest;

TEST_F(WorkerModels, KnowWhatIsKnownOfTheModel) {
  const Model model = there();
  EXPECT_EQ(model.device(), "cpu");
  EXPECT_EQ(model.weights(), here().weights());
  EXPECT_EQ(model.native_size(), here().native_size());
  EXPECT_EQ(label_of(model), "cpu");
  EXPECT_EQ(tokens_of_page(model), tokens_of_page(here()));
  EXPECT_GT(worker_of(model)->facts().batch, 0);
  const DocumentInfo info = describe_models({model, here().on({.without = "linear", .worker = LECTERN_BINARY})});
  EXPECT_EQ(info.device, "cpu");
  EXPECT_THAT(info.lowered, ::testing::Contains("linear"));
  EXPECT_THROW(loaded_of(model), Error);
}

TEST_F(WorkerModels, ReadBitForBitWhatIsReadHere) {
  const std::map<size_t, Page> expected = pages_here(6);
  const Model model = there();
  read({{"there", [&] { return make_page_reader(model, few_tokens(), 3); }}}, 6);
  expect_equal(pages, expected);
  // And once more, with another reader on the same model.
  pages.clear();
  read({{"there", [&] { return make_page_reader(model, few_tokens(), 1); }}}, 6);
  expect_equal(pages, expected);
}

TEST_F(WorkerModels, TellTheTextWhileItIsRead) {
  const auto told = [](const Model& model) {
    std::string text;
    int tokens = 0;
    ReadEvents events;
    events.text = [&](size_t keep, std::string_view more) { text.replace(keep, std::string::npos, more); };
    events.progress = [&](const Progress& progress) { tokens += progress.stage == Stage::decode ? 1 : 0; };
    Reader(model, few_tokens()).read(page_pictures / "banner.png", events);
    return text + " in " + std::to_string(tokens);
  };
  EXPECT_EQ(told(there()), told(here()));
}

TEST_F(WorkerModels, APageOfItsOwnFaultFailsAlone) {
  const testing::MiniCopy broken;
  broken.fill("lm_head.weight", 0x7fc0);  // not numbers
  std::vector<std::string> errors;
  for (const std::string& worker : {std::string(), std::string(LECTERN_BINARY)}) {
    Reader reader(Model::load(broken.path(), {.worker = worker}), few_tokens());
    for (int i = 0; i < 2; ++i) {
      try {
        reader.read(page_pictures / "banner.png");
      } catch (const Error& error) {
        errors.emplace_back(error.what());
      }
    }
  }
  ASSERT_EQ(errors.size(), 4u);
  EXPECT_THAT(errors, Each(errors[0]));
  EXPECT_THAT(errors[0], HasSubstr("not a number"));
}

TEST_F(WorkerModels, AreCancelledLikeOthers) {
  ReadOptions options = few_tokens();
  options.max_tokens = 4000;
  std::stop_source stop;
  ReadEvents events;
  events.stop = stop.get_token();
  events.progress = [&](const Progress& progress) {
    if (progress.tokens > 2) stop.request_stop();
  };
  Reader reader(there(), options);
  const Page page = reader.read(page_pictures / "banner.png", events);
  EXPECT_EQ(page.finish, Finish::stopped);
  EXPECT_LT(page.stats.tokens, 4000);
}

TEST_F(WorkerModels, RefuseWhatTheModelCannotServe) {
  const Model model = there();
  ReadOptions wrong;
  wrong.top_p = 3;
  EXPECT_THROW(Reader(model, wrong), Error);
  const auto reader = worker_of(model)->make_reader(few_tokens(), 1);
  EXPECT_THROW(worker_of(model)->make_reader(few_tokens(), 1), Error) << "one at a time";
  EXPECT_THROW(Model::load(mini_folder, {.device = "no-such-device", .worker = LECTERN_BINARY}), Error);
  EXPECT_THROW(Model::load(mini_folder, {.without = "no-such-operator", .worker = LECTERN_BINARY}), Error);
}

// What was given up is not taken for an answer, and its count of the past does not bind the next reader.
TEST_F(WorkerModels, AreReadWithAgainAfterPagesWereGivenUp) {
  const Model model = there();
  const auto read_one = [](PageReader& reader) {
    reader.add(task_of(0).job);
    std::vector<PageEvent> events;
    while (std::ranges::none_of(events, [](const PageEvent& event) { return event.kind == PageEvent::Kind::finished; }))
      reader.step(events);
    return events.back().page.raw;
  };
  const std::string expected = pages_here(1)[0].raw;
  {
    const auto first = make_page_reader(model, few_tokens(), 2);
    first->add(task_of(1).job);
    first->clear();
    EXPECT_EQ(read_one(*first), expected);
    first->add(task_of(2).job);
    first->clear();
  }
  EXPECT_EQ(read_one(*make_page_reader(model, few_tokens(), 2)), expected);
}

TEST_F(WorkerModels, IgnoreSignalsThatTheirParentActsOn) {
  const Model model = there();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) send_to(model, signal);
  EXPECT_EQ(Reader(model, few_tokens()).read(page_pictures / "banner.png").finish, Finish::length);
}

TEST_F(WorkerModels, EndWithTheModel) {
  pid_t first = 0, second = 0;
  {
    const std::vector<Model> models = {there(), there()};
    first = worker_of(models[0])->process();
    second = worker_of(models[1])->process();
    EXPECT_TRUE(runs(first) && runs(second));
    begin_to_end(models);
  }
  EXPECT_FALSE(runs(first));
  EXPECT_FALSE(runs(second));
}

}  // namespace
}  // namespace lectern
#endif
