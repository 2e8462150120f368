#include <gtest/gtest.h>

#include "device/cpu/cpu_device.h"
#include "device/cpu/kernels.h"
#include "device/step_batch.h"
#include "language/kv_cache.h"
#include "support/bits.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::relative_error;
using testing::view_of;

struct Sequence {
  std::vector<int64_t> chunks;  // rows of every step; 0: it does not take part
  int64_t prompt = 0;
  std::vector<int32_t> pages = {};
  std::vector<float> keys = {}, values = {};  // of all positions so far
  int64_t length = 0;
};

struct Heads {
  int heads, kv_heads, size;
  int64_t window = 0;
};

constexpr int32_t all_pages = 30;
constexpr int32_t pages_each = 7;
constexpr std::byte not_a_number{0xff};  // when all bytes of a value are so

std::vector<float> slice(const std::vector<float>& all, int64_t first, int64_t count) {
  return {all.begin() + first, all.begin() + first + count};
}

// Sequences take steps together over one cache; every row is compared with plain causal attention.
class Steps {
 public:
  Steps(const Heads& heads, std::vector<Sequence> sequences, uint32_t seed)
      : heads_(heads),
        random_(seed),
        sequences_(std::move(sequences)),
        cache_(cpu_device(), config(), WeightFormat::f32, all_pages, 1) {
    std::vector<int32_t> pages(all_pages);
    std::iota(pages.begin(), pages.end(), 0);
    random_.shuffle(pages);
    for (Sequence& sequence : sequences_) {
      sequence.pages.assign(pages.end() - pages_each, pages.end());
      pages.resize(pages.size() - pages_each);
    }
    unused_ = pages;
    for (int layer = 0; layer < 3; ++layer)
      std::fill_n(cache_.layer(layer).data, all_pages * cache_.layer(layer).format.page_bytes, not_a_number);
  }

  void run() {
    for (size_t i = 0; i < sequences_[0].chunks.size(); ++i) {
      SCOPED_TRACE(::testing::Message() << "step " << i);
      step(i);
    }
    expect_the_rest_untouched();
  }

 private:
  DecoderConfig config() const {
    DecoderConfig config;
    config.hidden = heads_.heads * heads_.size;
    config.heads = heads_.heads;
    config.kv_heads = heads_.kv_heads;
    config.layers = 3;
    return config;
  }

  void step(size_t index) {
    std::vector<Sequence*> order;
    for (Sequence& sequence : sequences_) {
      if (sequence.chunks[index] > 0) order.push_back(&sequence);
    }
    random_.shuffle(order);
    std::vector<SequenceRows> rows;
    std::vector<std::vector<int32_t>> pages;
    int64_t total = 0;
    for (const Sequence* sequence : order) {
      const int64_t count = sequence->chunks[index];
      pages.push_back(sequence->pages);
      // Of pages that no row sees even the number is gone.
      for (int64_t page = 0; heads_.window > 0 && page < pages_each; ++page) {
        const int64_t end = (page + 1) * cpu::page_tokens;
        if (page * cpu::page_tokens >= sequence->prompt && end <= sequence->length - heads_.window + 1)
          pages.back()[static_cast<size_t>(page)] = -1;
      }
      rows.push_back({total, count, sequence->length, pages.back(), sequence->prompt});
      total += count;
    }
    const int64_t width = heads_.heads * heads_.size;
    const int64_t kv_width = heads_.kv_heads * heads_.size;
    const std::vector<float> q = random_.values(total * width, 3);
    const std::vector<float> k = random_.values(total * kv_width);
    const std::vector<float> v = random_.values(total * kv_width);
    std::vector<float> out(q.size(), std::nanf(""));
    const float scale = 1.0f / std::sqrt(static_cast<float>(heads_.size));
    const CacheLayer layer = cache_.layer(1);
    const StepBatch step(cpu_device(), rows, layer.format.page_tokens);
    cpu::write_kv(cpu_device(), {view_of(k, {total, kv_width}), view_of(v, {total, kv_width}), step, layer});
    cpu::paged_attention(cpu_device(), {view_of(q, {total, width}), heads_.heads, scale, step, layer,
                                        view_of(out, {total, width}), heads_.window});
    for (size_t i = 0; i < order.size(); ++i) {
      Sequence& sequence = *order[i];
      const std::vector<float> new_keys = slice(k, rows[i].first_row * kv_width, rows[i].rows * kv_width);
      const std::vector<float> new_values = slice(v, rows[i].first_row * kv_width, rows[i].rows * kv_width);
      sequence.keys.insert(sequence.keys.end(), new_keys.begin(), new_keys.end());
      sequence.values.insert(sequence.values.end(), new_values.begin(), new_values.end());
      sequence.length += rows[i].rows;
      EXPECT_LT(relative_error(slice(out, rows[i].first_row * width, rows[i].rows * width),
                               expected_of(sequence, q.data() + rows[i].first_row * width, rows[i], scale)),
                1e-5)
          << "position " << rows[i].position << ", " << rows[i].rows << " rows";
    }
  }

  std::vector<double> expected_of(const Sequence& sequence, const float* queries, const SequenceRows& rows,
                                  float scale) const {
    const int64_t size = heads_.size;
    const int64_t kv_width = heads_.kv_heads * size;
    std::vector<double> out;
    for (int64_t row = 0; row < rows.rows; ++row) {
      for (int64_t head = 0; head < heads_.heads; ++head) {
        const float* q = queries + (row * heads_.heads + head) * size;
        const int64_t offset = head / (heads_.heads / heads_.kv_heads) * size;
        std::vector<double> scores(static_cast<size_t>(rows.position + row + 1));
        for (size_t j = 0; j < scores.size(); ++j) {
          const float* key = sequence.keys.data() + static_cast<int64_t>(j) * kv_width + offset;
          for (int64_t i = 0; i < size; ++i) scores[j] += static_cast<double>(q[i]) * key[i];
          scores[j] *= static_cast<double>(scale);
          const auto position = static_cast<int64_t>(j);
          if (heads_.window > 0 && position >= sequence.prompt && position <= rows.position + row - heads_.window)
            scores[j] = -1e300;
        }
        testing::softmax(scores);
        for (int64_t i = 0; i < size; ++i) {
          double sum = 0;
          for (size_t j = 0; j < scores.size(); ++j)
            sum +=
                scores[j] * static_cast<double>(
                                sequence.values[static_cast<size_t>(static_cast<int64_t>(j) * kv_width + offset + i)]);
          out.push_back(sum);
        }
      }
    }
    return out;
  }

  // Other layers, and pages of no sequence, hold what they held.
  void expect_the_rest_untouched() const {
    const auto untouched = [&](int layer, int64_t page) {
      const auto bytes = static_cast<int64_t>(cache_.layer(layer).format.page_bytes);
      const std::byte* const data = cache_.layer(layer).data + page * bytes;
      return std::all_of(data, data + bytes, [](std::byte x) { return x == not_a_number; });
    };
    for (int64_t page = 0; page < all_pages; ++page) {
      EXPECT_TRUE(untouched(0, page));
      EXPECT_TRUE(untouched(2, page));
    }
    for (const int32_t page : unused_) EXPECT_TRUE(untouched(1, page));
  }

  Heads heads_;
  Random random_;
  std::vector<Sequence> sequences_;
  KvCache cache_;
  std::vector<int32_t> unused_;
};

void check(const Heads& heads, const std::vector<Sequence>& sequences, uint32_t seed) {
  for_each_target([&] { Steps(heads, sequences, seed).run(); });
}

TEST(CacheAttention, StepsAcrossPageBorders) {
  check({2, 2, 32}, {{{1, 1, 61, 1, 1, 1, 62, 1, 1, 1}}}, 1);
  check({2, 2, 32}, {{{64, 1, 63, 1, 64, 64, 1}}}, 2);
  check({1, 1, 20}, {{{65, 62, 1, 1, 1}}}, 3);
}

TEST(CacheAttention, SeveralSequencesInOneCall) {
  check({4, 4, 32}, {{{63, 1, 1, 1}}, {{1, 1, 0, 130}}, {{0, 200, 1, 1}}, {{5, 0, 97, 1}}}, 4);
}

TEST(CacheAttention, QueriesShareKeys) {
  check({4, 2, 20}, {{{70, 1, 1}}, {{10, 100, 1}}}, 5);
  check({6, 1, 32}, {{{70, 1, 1}}, {{10, 1, 60}}}, 6);
  check({2, 1, 128}, {{{100, 1, 30}}}, 7);
}

TEST(CacheAttention, WindowsBehindPrompts) {
  check({2, 2, 32, 5}, {{{70, 1, 1, 1, 130, 1}, 68}, {{3, 1, 1, 1, 1, 1}, 3}}, 11);
  check({4, 2, 20, 1}, {{{10, 1, 1, 70, 1}, 10}}, 12);
  check({2, 1, 40, 64}, {{{100, 100, 1, 100, 1}, 60}, {{1, 200, 1, 1, 1}}}, 13);
  check({2, 2, 16, 128}, {{{300, 1, 1, 1}, 300}, {{10, 1, 1, 200}, 400}}, 14);
}

TEST(CacheAttention, EveryHeadSize) {
  for (const int size : {2, 16, 20, 32, 40, 80, 128}) {
    SCOPED_TRACE(size);
    check({3, 3, size}, {{{66, 1, 1}}, {{1, 1, 1}}}, 8);
  }
}

TEST(CacheAttention, RandomSteps) {
  Random random(9);
  for (uint32_t round = 0; round < 6; ++round) {
    std::vector<Sequence> sequences(static_cast<size_t>(random.between(1, 4)));
    for (Sequence& sequence : sequences) {
      for (int step = 0; step < 6; ++step) sequence.chunks.push_back(random.coin() ? 1 : random.between(0, 70));
    }
    const int kv_heads = static_cast<int>(random.between(1, 2));
    check({kv_heads * static_cast<int>(random.between(1, 2)), kv_heads, 2 * static_cast<int>(random.between(4, 30))},
          sequences, 100 + round);
  }
}

// What the rows of a sequence get depends on neither where it is cut into chunks, nor the sequences beside it, nor the
// number of threads, nor what was in the pages before.
class Cuts {
 public:
  Cuts(const Heads& heads, WeightFormat format, Random& random, int64_t length)
      : heads_(heads),
        format_(format),
        random_(random),
        length_(length),
        queries_(random.values(length * heads.heads * heads.size, 3)),
        keys_(random.values(length * heads.kv_heads * heads.size)),
        values_(random.values(length * heads.kv_heads * heads.size)) {}

  // In chunks of at most so many rows, among `others` sequences that take steps of their own.
  std::vector<float> run(int64_t most, int others) const {
    KvCache cache(cpu_device(), config(), format_, others + 1, length_);
    std::vector<SequencePages> pages;
    for (int i = 0; i <= others; ++i) EXPECT_TRUE(pages.emplace_back(cache.pool()).reserve(length_));
    const CacheLayer layer = cache.layer(0);
    std::fill_n(layer.data, static_cast<size_t>(layer.pages) * layer.format.page_bytes, std::byte{0x3e});
    std::vector<float> out;
    std::vector<int64_t> done(pages.size());
    const int64_t width = heads_.heads * heads_.size;
    const int64_t kv_width = heads_.kv_heads * heads_.size;
    while (done[0] < length_) {
      std::vector<SequenceRows> rows;
      std::vector<float> q, k, v;
      int64_t total = 0;
      const auto mine = static_cast<size_t>(random_.between(0, others));
      for (size_t place = 0; place < pages.size(); ++place) {
        // The sequence itself has index 0, and stands anywhere among the others.
        const size_t i = place == mine ? 0 : place == 0 ? mine : place;
        const int64_t count = std::min(length_ - done[i], random_.between(i == 0 ? 1 : 0, most));
        if (count == 0) continue;
        const auto append = [&](std::vector<float>& to, const std::vector<float>& from, int64_t each) {
          if (i == 0) {
            to.insert(to.end(), from.begin() + done[i] * each, from.begin() + (done[i] + count) * each);
          } else {
            const std::vector<float> other = random_.values(count * each);
            to.insert(to.end(), other.begin(), other.end());
          }
        };
        append(q, queries_, width);
        append(k, keys_, kv_width);
        append(v, values_, kv_width);
        rows.push_back({total, count, done[i], pages[i].pages(), prompt});
        total += count;
        done[i] += count;
      }
      std::vector<float> got(q.size());
      const StepBatch step(cpu_device(), rows, layer.format.page_tokens);
      cpu::write_kv(cpu_device(), {view_of(k, {total, kv_width}), view_of(v, {total, kv_width}), step, layer});
      cpu::paged_attention(cpu_device(), {view_of(q, {total, width}), heads_.heads, 0.3f, step, layer,
                                          view_of(got, {total, width}), heads_.window});
      for (const SequenceRows& sequence : rows) {
        if (sequence.pages.data() != pages[0].pages().data()) continue;
        const std::vector<float> own = slice(got, sequence.first_row * width, sequence.rows * width);
        out.insert(out.end(), own.begin(), own.end());
      }
    }
    return out;
  }

 private:
  static constexpr int64_t prompt = 40;

  DecoderConfig config() const {
    DecoderConfig config;
    config.hidden = heads_.heads * heads_.size;
    config.heads = heads_.heads;
    config.kv_heads = heads_.kv_heads;
    config.layers = 1;
    return config;
  }

  Heads heads_;
  WeightFormat format_;
  Random& random_;
  int64_t length_;
  std::vector<float> queries_, keys_, values_;
};

TEST(CacheAttention, RowsAreTheSameHoweverTheSequenceIsCut) {
  Random random(10);
  for (const WeightFormat format : {WeightFormat::f32, WeightFormat::q8}) {
    for (const Heads& heads : {Heads{2, 2, 32}, Heads{2, 1, 20}, Heads{2, 1, 16, 25}}) {
      for (const int64_t length : {70, 333}) {
        const Cuts cuts(heads, format, random, length);
        for_each_target([&] {
          const std::vector<float> whole = cuts.run(length, 0);
          for (const int64_t most : {int64_t{1}, int64_t{7}, int64_t{130}, length}) {
            const testing::WithThreads several(static_cast<int>(random.between(1, 4)));
            EXPECT_EQ(testing::different_bits(cuts.run(most, static_cast<int>(random.between(0, 3))), whole), 0)
                << "format " << static_cast<int>(format) << ", chunks of " << most << ", length " << length;
          }
        });
      }
    }
  }
}

}  // namespace
}  // namespace lectern
