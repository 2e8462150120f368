#include "device/choice.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace lectern {
namespace {

// Values of the block that ids take: a copy begins where log-probabilities do.
int64_t padded(int64_t rows) { return (rows + 15) / 16 * 16; }

}  // namespace

std::vector<int32_t> banned_places(std::span<const std::vector<int32_t>> banned, int64_t vocabulary) {
  std::vector<int32_t> places;
  for (size_t row = 0; row < banned.size(); ++row) {
    const auto base = static_cast<int64_t>(row) * vocabulary;
    for (const int32_t id : banned[row]) {
      if (id >= 0 && id < vocabulary) places.push_back(static_cast<int32_t>(base + id));
    }
  }
  std::ranges::sort(places);
  places.erase(std::unique(places.begin(), places.end()), places.end());
  return places;
}

Choice::Choice(Device& device, int64_t rows, int64_t vocabulary, std::span<const int32_t> banned)
    : device_(&device),
      rows_(rows),
      vocabulary_(vocabulary),
      banned_(banned.begin(), banned.end()),
      block_(device, DataType::i32, {2 * padded(rows)}) {}

MutableTensorView Choice::ids() const { return block_.view().slice(0, rows_); }

MutableTensorView Choice::log_probabilities() const {
  return {block_.view().slice(padded(rows_), rows_).data, DataType::f32, {rows_}};
}

Chosen Choice::read() const {
  Chosen chosen;
  if (rows_ == 0) return chosen;
  const int64_t part = padded(rows_);
  std::vector<int32_t> words(static_cast<size_t>(part + rows_));
  device_->download(block_.view().slice(0, part + rows_), words.data());
  for (int64_t row = 0; row < rows_; ++row) {
    const int32_t id = words[static_cast<size_t>(row)];
    const float log_probability = std::bit_cast<float>(words[static_cast<size_t>(part + row)]);
    const bool none = id < 0 || std::isnan(log_probability) ||
                      std::ranges::binary_search(banned_, static_cast<int32_t>(row * vocabulary_ + id));
    chosen.ids.push_back(none ? -1 : id);
    chosen.log_probabilities.push_back(none ? 0 : log_probability);
  }
  return chosen;
}

}  // namespace lectern
