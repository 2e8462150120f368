// A model runner without a model: its cache holds ids, and its logits are a function of the text that it finds there.
// So a page that is lost, shared or filled wrongly changes what is written.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "device/cpu/cpu_device.h"
#include "device/host_values.h"
#include "engine/model_runner.h"
#include "support/choose.h"

namespace lectern::testing {

struct FakeLimits {
  int32_t pages = 128;
  int page_tokens = 64;
  int64_t context = 8192;
  int64_t vocabulary = 512;
  std::vector<int32_t> end_tokens = {1};
  int64_t window = 0;  // of written ids that the model is told behind the prompt; 0: all
};

class FakeRunner final : public ModelRunner {
 public:
  static constexpr int32_t image_ids = 1000;  // that stand in the cache for rows of images

  // Fills the logits, zero before, after a text: the prompt and what was written.
  using Model = std::function<void(std::span<const int32_t> text, std::span<float> logits)>;
  explicit FakeRunner(Model model, const FakeLimits& limits = {})
      : model_(std::move(model)),
        limits_(limits),
        pool_(limits.pages, limits.page_tokens),
        cache_(static_cast<size_t>(limits.pages) * static_cast<size_t>(limits.page_tokens), -1) {}

  // An image of `rows` rows that takes `pieces` pieces; `first` is the value of the first row.
  static std::shared_ptr<const Views> views(int rows, int pieces, int first) {
    auto views = std::make_shared<Views>();
    views->whole.height = rows;
    views->columns = pieces;
    views->rows = first;
    return views;
  }

  int64_t context() const override { return limits_.context; }
  int64_t vocabulary() const override { return limits_.vocabulary; }
  std::span<const int32_t> end_tokens() const override { return limits_.end_tokens; }
  int64_t window() const override { return limits_.window; }
  PagePool& pages() override { return pool_; }

  std::unique_ptr<Encoding> encode(std::shared_ptr<const Views> views) override {
    return std::make_unique<FakeEncoding>(*this, *views);
  }

  std::span<const NextToken> step(const Batch& batch) override {
    ++steps;
    largest_batch = std::max(largest_batch, batch.entries.size());
    std::set<int32_t> used;
    int64_t rows = 0;
    prompt_rows = 0;
    tokens_.clear();
    logits_.clear();
    for (const BatchEntry& entry : batch.entries) {
      for (const int32_t page : entry.pages) EXPECT_TRUE(page < 0 || used.insert(page).second) << page << " is shared";
      expect_rows(entry);
      const auto count = static_cast<int64_t>(entry.ids.size());
      EXPECT_GT(count, 0);
      EXPECT_LE(entry.position + count, static_cast<int64_t>(entry.pages.size()) * limits_.page_tokens);
      rows += count;
      if (rows > batch.written) prompt_rows += count;
      if (on_entry) on_entry(entry, rows <= batch.written);
      store(entry);
      if (entry.chooses) choose(entry);
    }
    EXPECT_LE(batch.written, rows);
    EXPECT_EQ(prompt_rows, rows - batch.written) << "an entry is of both kinds";
    return tokens_;
  }

  int64_t steps = 0;
  int64_t pieces = 0;       // of all images
  int64_t prompt_rows = 0;  // of the last step
  size_t largest_batch = 0;
  std::function<void(const BatchEntry& entry, bool written)> on_entry;

 private:
  class FakeEncoding final : public Encoding {
   public:
    FakeEncoding(FakeRunner& runner, const Views& views) : runner_(runner), pieces_(views.columns) {
      for (int i = 0; i < views.whole.height; ++i) values_.push_back(static_cast<float>(views.rows + i));
    }
    bool advance(bool /*alone*/) override {
      ++runner_.pieces;
      return --pieces_ == 0;
    }
    TensorView rows() const override {
      return {
          reinterpret_cast<const std::byte*>(values_.data()), DataType::f32, {static_cast<int64_t>(values_.size()), 1}};
    }

   private:
    FakeRunner& runner_;
    int pieces_;
    std::vector<float> values_;
  };

  int32_t& slot(const BatchEntry& entry, int64_t position) {
    const auto page = static_cast<size_t>(entry.pages[static_cast<size_t>(position / limits_.page_tokens)]);
    return cache_[page * static_cast<size_t>(limits_.page_tokens) +
                  static_cast<size_t>(position % limits_.page_tokens)];
  }

  void store(const BatchEntry& entry) {
    int64_t placed = 0;
    for (size_t i = 0; i < entry.ids.size(); ++i) {
      int32_t id = entry.ids[i];
      if (entry.image && id == entry.image_token && placed < entry.image.shape[0]) {
        id = image_ids + static_cast<int32_t>(entry.image.as<const float>()[placed++]);
      }
      slot(entry, entry.position + static_cast<int64_t>(i)) = id;
    }
  }

  int64_t first_seen(const BatchEntry& entry, int64_t position) const {
    return limits_.window > 0 ? std::max(entry.prompt, position - limits_.window + 1) : entry.prompt;
  }

  // What its first row sees is in pages.
  void expect_rows(const BatchEntry& entry) const {
    const auto page_of = [&](int64_t at) { return entry.pages[static_cast<size_t>(at / limits_.page_tokens)]; };
    for (int64_t i = 0; i < std::min(entry.prompt, entry.position + 1); ++i) EXPECT_GE(page_of(i), 0);
    for (int64_t i = first_seen(entry, entry.position); i <= entry.position; ++i) EXPECT_GE(page_of(i), 0);
  }

  void choose(const BatchEntry& entry) {
    std::vector<int32_t> text;
    const int64_t length = entry.position + static_cast<int64_t>(entry.ids.size());
    for (int64_t i = 0; i < std::min(length, entry.prompt); ++i) text.push_back(slot(entry, i));
    for (int64_t i = first_seen(entry, length - 1); i < length; ++i) text.push_back(slot(entry, i));
    std::vector<float>& logits = logits_.emplace_back(static_cast<size_t>(limits_.vocabulary), 0.0F);
    model_(text, logits);
    const Chosen chosen =
        choose_largest(cpu_device(), view_of_floats(logits, {1, limits_.vocabulary}), {&entry.banned, 1});
    NextToken& token = tokens_.emplace_back();
    token.id = chosen.ids[0];
    token.log_probability = chosen.log_probabilities[0];
    if (entry.wants_logits) token.logits = logits;
  }

  Model model_;
  FakeLimits limits_;
  PagePool pool_;
  std::vector<int32_t> cache_;  // by page and position within it
  std::vector<NextToken> tokens_;
  std::deque<std::vector<float>> logits_;  // of those tokens
};

// A model whose next token follows from the last one; every text ends.
inline void count_up(std::span<const int32_t> text, std::span<float> logits) {
  const int32_t next = text.back() % 100 + 7;
  logits[static_cast<size_t>(next > 101 ? 1 : next)] = 3;
  logits[300] = 1;
}

}  // namespace lectern::testing
