#include "engine/model_runner.h"

#include <algorithm>
#include <utility>

#include "engine/page_encoding.h"

namespace lectern {
DeviceRunner::DeviceRunner(Device& device, const Decoder& decoder, const VisionEncoder* encoder, int64_t positions)
    : device_(device),
      decoder_(decoder),
      encoder_(encoder),
      cache_(device, decoder.cache_shape(), decoder.format(), 1, positions),
      kept_(decoder.keep_steps()),
      encoding_(encoder == nullptr ? nullptr : device.capture_regions(decoder.format())) {}

std::unique_ptr<Encoding> DeviceRunner::encode(std::shared_ptr<const Views> views) {
  return encode_on(device_, *encoder_, views, encoding_.get());
}

// Only ids and log-probabilities come to the host, and logits where they are wanted.
void DeviceRunner::take(const Batch& batch, const Decoder::Next& next) {
  const Chosen chosen = next.choice.read();
  const auto wanted =
      std::ranges::count_if(batch.entries, [](const BatchEntry& e) { return e.chooses && e.wants_logits; });
  const auto width = static_cast<size_t>(vocabulary());
  logits_.resize(static_cast<size_t>(wanted) * width);
  std::span<float> free = logits_;
  for (const BatchEntry& entry : batch.entries) {
    if (!entry.chooses) continue;
    const size_t row = tokens_.size();
    NextToken& token = tokens_.emplace_back();
    token.id = chosen.ids[row];
    token.log_probability = chosen.log_probabilities[row];
    if (!entry.wants_logits) continue;
    device_.download(next.logits.view().slice(static_cast<int64_t>(row), 1), free.data());
    token.logits = free.first(width);
    free = free.subspan(width);
  }
}

Decoder::Next DeviceRunner::next_of(const Batch& batch, Communicator* others) {
  std::vector<int32_t> ids, picture_rows;
  std::vector<TensorView> pictures;
  std::vector<SequenceRows> sequences;
  std::vector<int64_t> choosing;  // rows
  std::vector<std::vector<int32_t>> banned;
  int32_t filled = 0;  // rows of pictures before those of the entry's
  for (const BatchEntry& entry : batch.entries) {
    const auto rows = static_cast<int64_t>(entry.ids.size());
    sequences.push_back({static_cast<int64_t>(ids.size()), rows, entry.position, entry.pages, entry.prompt});
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.end());
    const auto image_rows = static_cast<int32_t>(entry.image ? entry.image.shape[0] : 0);
    int32_t placed = 0;
    for (const int32_t id : entry.ids)
      picture_rows.push_back(id == entry.image_token && placed < image_rows ? filled + placed++ : -1);
    if (image_rows > 0) pictures.push_back(entry.image);
    filled += image_rows;
    if (!entry.chooses) continue;
    choosing.push_back(static_cast<int64_t>(ids.size()) - 1);
    banned.push_back(entry.banned);
  }
  return decoder_.step({.sequences = sequences,
                        .ids = ids,
                        .picture_rows = picture_rows,
                        .pictures = pictures,
                        .written = batch.written,
                        .logit_rows = choosing,
                        .banned = banned},
                       cache_, &kept_, others);
}

std::span<const NextToken> DeviceRunner::step(const Batch& batch) {
  const Decoder::Next next = next_of(batch);
  tokens_.clear();
  if (next.logits) take(batch, next);
  return tokens_;
}

}  // namespace lectern
