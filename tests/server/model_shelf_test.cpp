#include "server/model_shelf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lectern/error.h"
#include "server/fake_model.h"

namespace lectern::server {
namespace {

using testing::FakeModel;

// Counts those that are alive.
class CountedModel : public FakeModel {
 public:
  CountedModel(std::string name, std::atomic<int>& alive) : FakeModel(std::move(name)), alive_(alive) { ++alive_; }
  CountedModel(const CountedModel&) = delete;
  CountedModel& operator=(const CountedModel&) = delete;
  ~CountedModel() override { --alive_; }
  ReaderLoad load() const override {
    ReaderLoad load;
    load.preemptions = 3;
    return load;
  }

 private:
  std::atomic<int>& alive_;
};

struct Sources {
  std::vector<ModelSource> all() {
    std::vector<ModelSource> sources;
    for (const char* name : {"first", "second", "third"}) {
      sources.push_back({.name = name, .modes = {}, .prompts = {}, .bytes = 100, .load = [this, name] {
                           return std::make_unique<CountedModel>(name, alive);
                         }});
    }
    return sources;
  }

  std::atomic<int> alive = 0;
};

ShelfLimits forever() {
  ShelfLimits limits;
  limits.keep = std::chrono::milliseconds(-1);
  limits.free_bytes = [] { return int64_t{0}; };
  return limits;
}

TEST(ModelShelf, FindsByNameTheFirstByNone) {
  Sources sources;
  ModelShelf shelf(sources.all(), forever());
  EXPECT_EQ(shelf.find("")->name, "first");
  EXPECT_EQ(shelf.find("second")->name, "second");
  EXPECT_EQ(shelf.find("fourth"), nullptr);
}

TEST(ModelShelf, LoadsOnFirstUseAndOnce) {
  Sources sources;
  ModelShelf shelf(sources.all(), forever());
  EXPECT_EQ(sources.alive, 0);
  const ModelLease model = shelf.load(*shelf.find("second"));
  EXPECT_EQ(model->name(), "second");
  EXPECT_EQ(shelf.load(*shelf.find("second")), model);
  EXPECT_EQ(sources.alive, 1);
  const auto counts = shelf.counts();
  EXPECT_FALSE(counts[0].loaded);
  EXPECT_TRUE(counts[1].loaded);
  EXPECT_EQ(counts[1].loads, 1);
  EXPECT_EQ(counts[1].load.preemptions, 3);
}

TEST(ModelShelf, DropsWhatNobodyHasUsedForLong) {
  Sources sources;
  ShelfLimits limits = forever();
  limits.keep = std::chrono::milliseconds(1);
  ModelShelf shelf(sources.all(), limits);
  ModelLease used = shelf.load(*shelf.find("first"));
  shelf.load(*shelf.find("second"));
  while (shelf.counts()[1].loaded) std::this_thread::yield();
  EXPECT_TRUE(shelf.counts()[0].loaded) << "it is in use, and looking at it is none";
  used.reset();
  while (sources.alive > 0) std::this_thread::yield();
  EXPECT_EQ(shelf.counts()[0].drops, 1);
  EXPECT_EQ(shelf.counts()[0].load.preemptions, 3) << "of the model that is gone";
  EXPECT_EQ(shelf.load(*shelf.find("first"))->name(), "first") << "again";
}

TEST(ModelShelf, DropsTheOldestWhereAnotherNeedsItsMemory) {
  Sources sources;
  ShelfLimits limits = forever();
  limits.free_bytes = [&] { return int64_t{250} - 100 * sources.alive; };
  ModelShelf shelf(sources.all(), limits);
  shelf.load(*shelf.find("first"));
  ModelLease second = shelf.load(*shelf.find("second"));
  const ModelLease third = shelf.load(*shelf.find("third"));
  EXPECT_FALSE(shelf.counts()[0].loaded);
  EXPECT_TRUE(shelf.counts()[1].loaded);
  EXPECT_EQ(shelf.load(*shelf.find("first"))->name(), "first");
  EXPECT_EQ(sources.alive, 3) << "what is in use stays";
}

TEST(ModelShelf, MakesRoomWhenLoadingLacksMemory) {
  Sources sources;
  std::vector<ModelSource> all = sources.all();
  all[1].load = [&]() -> std::unique_ptr<ServedModel> {
    if (sources.alive > 0) throw std::bad_alloc();
    return std::make_unique<CountedModel>("second", sources.alive);
  };
  ModelShelf shelf(std::move(all), forever());
  ModelLease first = shelf.load(*shelf.find("first"));
  EXPECT_THROW(shelf.load(*shelf.find("second")), std::bad_alloc) << "the other is in use";
  first.reset();
  EXPECT_EQ(shelf.load(*shelf.find("second"))->name(), "second");
  EXPECT_FALSE(shelf.counts()[0].loaded);
}

TEST(ModelShelf, TellsWhyAModelCannotBeLoaded) {
  std::vector<ModelSource> sources(1);
  sources[0].name = "broken";
  sources[0].load = []() -> std::unique_ptr<ServedModel> { throw Error("broken: no weights"); };
  ModelShelf shelf(std::move(sources), forever());
  EXPECT_THROW(shelf.load(*shelf.find("")), Error);
  EXPECT_THROW(shelf.load(*shelf.find("")), Error) << "tried again";
}

TEST(ModelShelf, ForgetsWishesWhenItIsClosed) {
  Sources sources;
  ModelShelf shelf(sources.all(), forever());
  shelf.close();
  shelf.with(*shelf.find(""), [](const ModelLease&, const std::exception_ptr&) { FAIL(); });
  EXPECT_THROW(shelf.load(*shelf.find("")), std::exception);
  EXPECT_EQ(sources.alive, 0);
}

}  // namespace
}  // namespace lectern::server
