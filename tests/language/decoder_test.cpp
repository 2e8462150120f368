#include "language/decoder.h"

#include <gtest/gtest.h>

#include <map>

#include "device/cpu/cpu_device.h"
#include "support/bits.h"
#include "support/mini_model.h"
#include "support/sanitized.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::Random;

// A prompt, and what is written after it, whatever the logits say.
struct Text {
  Text(Random& random, int vocabulary, int64_t prompt_length, int64_t writes) : prompt(prompt_length) {
    for (int64_t i = 0; i < prompt_length + writes; ++i)
      ids.push_back(static_cast<int32_t>(random.between(0, vocabulary - 1)));
  }
  int64_t size() const { return static_cast<int64_t>(ids.size()); }

  int64_t prompt;
  std::vector<int32_t> ids;
};

// Texts go through a decoder together, a row of a written token each and prompts in chunks.
class Company {
 public:
  Company(const Decoder& decoder, const std::vector<const Text*>& texts, KeptSteps* kept = nullptr)
      : decoder_(decoder),
        kept_(kept),
        cache_(cpu_device(), decoder.config(), decoder.format(), static_cast<int>(texts.size()), 200) {
    for (const Text* text : texts) members_.push_back({text, SequencePages(cache_.pool())});
    for (Member& member : members_) EXPECT_TRUE(member.pages.reserve(member.text->size()));
  }

  // All of them to their ends; with `random` some wait in every step, and chunks are of any length.
  // -> of every text the logits after its prompt and after every written token.
  std::vector<std::vector<float>> run(Random* random) {
    std::vector<std::vector<float>> all(members_.size());
    while (step(random, all)) {
    }
    return all;
  }

 private:
  struct Member {
    const Text* text;
    SequencePages pages;
    int64_t done = 0;
  };

  bool step(Random* random, std::vector<std::vector<float>>& all) {
    std::vector<size_t> writing, prompting;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Member& member = members_[i];
      if (member.done == member.text->size()) continue;
      (member.done < member.text->prompt ? prompting : writing).push_back(i);
    }
    if (writing.empty() && prompting.empty()) return false;
    if (random != nullptr) {
      for (std::vector<size_t>* some : {&writing, &prompting}) {
        std::erase_if(*some, [&](size_t) { return random->between(0, 4) == 0; });
        random->shuffle(*some);
      }
    }
    const auto written = static_cast<int64_t>(writing.size());
    std::vector<SequenceRows> rows;
    std::vector<int32_t> ids;
    std::vector<int64_t> wanted;
    std::vector<size_t> choosing;
    writing.insert(writing.end(), prompting.begin(), prompting.end());
    for (const size_t i : writing) {
      Member& member = members_[i];
      const int64_t left = member.text->prompt - member.done;
      const int64_t count = left <= 0 ? 1 : random != nullptr ? random->between(1, left) : left;
      const auto first = static_cast<int64_t>(ids.size());
      rows.push_back({first, count, member.done, member.pages.pages()});
      ids.insert(ids.end(), member.text->ids.begin() + member.done, member.text->ids.begin() + member.done + count);
      member.done += count;
      if (member.done < member.text->prompt) continue;
      wanted.push_back(first + count - 1);
      choosing.push_back(i);
    }
    if (ids.empty()) return true;
    const Decoder::Next next =
        decoder_.step({.sequences = rows, .ids = ids, .written = written, .logit_rows = wanted}, cache_, kept_);
    for (size_t i = 0; i < choosing.size(); ++i) {
      const float* const from = next.logits.floats() + static_cast<int64_t>(i) * decoder_.config().vocabulary;
      all[choosing[i]].insert(all[choosing[i]].end(), from, from + decoder_.config().vocabulary);
    }
    return true;
  }

  const Decoder& decoder_;
  KeptSteps* kept_;
  KvCache cache_;
  std::vector<Member> members_;
};

// More than 16 at once among them.
TEST(Decoder, LogitsAreTheSameAloneAndInCompany) {
  const Checkpoint checkpoint = Checkpoint::open(testing::mini_folder);
  Random random(1);
  std::vector<Text> texts;
  const int64_t most = testing::sanitized ? 6 : 20;
  for (int64_t i = 0; i < most; ++i) {
    const int64_t prompt = i % 5 == 0 ? random.between(65, 80) : random.between(1, 24);
    texts.emplace_back(random, checkpoint.config().decoder.vocabulary, prompt, random.between(2, 5));
  }
  testing::for_each_target([&] {
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
      const Decoder decoder(WeightLoader(checkpoint, cpu_device(), format));
      std::map<const Text*, std::vector<float>> alone;
      for (const Text& text : texts) alone[&text] = Company(decoder, {&text}).run(nullptr)[0];
      for (const int64_t size : {int64_t{3}, most}) {
        const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
        std::vector<const Text*> chosen(texts.size());
        for (size_t i = 0; i < texts.size(); ++i) chosen[i] = &texts[i];
        random.shuffle(chosen);
        chosen.resize(static_cast<size_t>(size));
        const std::vector<std::vector<float>> together = Company(decoder, chosen).run(&random);
        for (size_t i = 0; i < chosen.size(); ++i) {
          EXPECT_EQ(testing::different_bits(together[i], alone[chosen[i]]), 0)
              << name_of(format) << ", " << size << " texts, prompt of " << chosen[i]->prompt;
        }
      }
    }
  });
}

// Does everything as it is; looks whether what could be replayed is on the same places.
class SamePlaces final : public CapturedRegions {
 public:
  void run(int number, std::span<const TensorView> operands, const std::function<void()>& body) override {
    std::vector<const std::byte*> places;
    for (const TensorView& operand : operands) places.push_back(operand.data);
    const std::pair key = {number, operands.front().shape[0]};
    if (const auto [known, is_new] = known_.emplace(key, places); !is_new) {
      EXPECT_EQ(known->second, places) << "layer " << number;
      ++again_;
    }
    body();
  }
  int again() const { return again_; }

 private:
  std::map<std::pair<int, int64_t>, std::vector<const std::byte*>> known_;
  int again_ = 0;
};

TEST(Decoder, StepsThatAreKeptStayWhereTheyAreAndGiveTheSame) {
  const Checkpoint checkpoint = Checkpoint::open(testing::mini_folder);
  const Decoder decoder(WeightLoader(checkpoint, cpu_device(), WeightFormat::f32));
  Random random(2);
  std::vector<Text> texts;
  for (int64_t i = 0; i < 4; ++i) texts.emplace_back(random, checkpoint.config().decoder.vocabulary, 2 + i, 3 + i);
  std::vector<const Text*> all;
  for (const Text& text : texts) all.push_back(&text);
  KeptSteps kept{.regions = std::make_unique<SamePlaces>()};
  const std::vector<std::vector<float>> expected = Company(decoder, all).run(nullptr);
  const std::vector<std::vector<float>> given = Company(decoder, all, &kept).run(nullptr);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(testing::different_bits(given[i], expected[i]), 0) << i;
  EXPECT_GE(static_cast<SamePlaces&>(*kept.regions).again(), 2 * decoder.config().layers);
}

}  // namespace
}  // namespace lectern
