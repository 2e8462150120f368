#include "engine/model_runner.h"

#include <algorithm>

#include "core/clock.h"
#include "device/host_values.h"

namespace lectern {
namespace {

// After so long a piece of encoding ends with its layer, so that others get their turn.
constexpr double piece_seconds = 0.1;

class DeviceEncoding final : public Encoding {
 public:
  DeviceEncoding(const VisionEncoder& encoder, std::shared_ptr<const Views> views) : task_(encoder, std::move(views)) {}

  bool advance(bool alone) override {
    const Clock working;
    bool done = false;
    while (!done && working.seconds() < piece_seconds) done = task_.advance(!alone);
    if (done) page_ = task_.take();
    return done;
  }
  TensorView rows() const override { return page_.sequence; }

 private:
  EncodingTask task_;
  EncodedPage page_;
};

}  // namespace

DeviceRunner::DeviceRunner(Device& device, const Decoder& decoder, const VisionEncoder* encoder, int64_t positions)
    : device_(device),
      decoder_(decoder),
      encoder_(encoder),
      cache_(device, decoder.config(), decoder.format(), 1, positions) {}

std::unique_ptr<Encoding> DeviceRunner::encode(std::shared_ptr<const Views> views) {
  return std::make_unique<DeviceEncoding>(*encoder_, std::move(views));
}

// Runs of image tokens are copied at once: their places are known here, so no device has to scatter by a mask.
void DeviceRunner::place_image(const BatchEntry& entry, const MutableTensorView& x) const {
  const auto rows = static_cast<int64_t>(entry.ids.size());
  const int64_t image_rows = entry.image ? entry.image.shape[0] : 0;
  const auto is_image = [&](int64_t i) { return entry.ids[static_cast<size_t>(i)] == entry.image_token; };
  int64_t placed = 0;
  for (int64_t i = 0; i < rows && placed < image_rows;) {
    int64_t run = 0;
    while (i + run < rows && placed + run < image_rows && is_image(i + run)) ++run;
    if (run > 0) device_.copy({entry.image.slice(placed, run), x.slice(i, run)});
    placed += run;
    i += std::max<int64_t>(run, 1);
  }
}

// The choice is made on the device; logits come here where they are wanted.
void DeviceRunner::choose(const Batch& batch, const TensorView& logits) {
  std::vector<std::vector<int32_t>> banned;
  size_t wanted = 0;
  for (const BatchEntry& entry : batch.entries) {
    if (!entry.chooses) continue;
    banned.push_back(entry.banned);
    wanted += entry.wants_logits ? 1 : 0;
  }
  const Chosen chosen = choose_largest(device_, logits, banned);
  const auto width = static_cast<size_t>(vocabulary());
  logits_.resize(wanted * width);
  std::span<float> free = logits_;
  for (const BatchEntry& entry : batch.entries) {
    if (!entry.chooses) continue;
    const size_t row = tokens_.size();
    NextToken& token = tokens_.emplace_back();
    token.id = chosen.ids[row];
    token.log_probability = chosen.log_probabilities[row];
    if (!entry.wants_logits) continue;
    device_.download(logits.slice(static_cast<int64_t>(row), 1), free.data());
    token.logits = free.first(width);
    free = free.subspan(width);
  }
}

std::span<const NextToken> DeviceRunner::step(const Batch& batch) {
  std::vector<int32_t> ids;
  std::vector<SequenceRows> sequences;
  std::vector<int64_t> choosing;  // rows
  for (const BatchEntry& entry : batch.entries) {
    const auto rows = static_cast<int64_t>(entry.ids.size());
    sequences.push_back({static_cast<int64_t>(ids.size()), rows, entry.position, entry.pages, entry.prompt});
    ids.insert(ids.end(), entry.ids.begin(), entry.ids.end());
    if (entry.chooses) choosing.push_back(static_cast<int64_t>(ids.size()) - 1);
  }
  const Tensor x(device_, DataType::f32, {static_cast<int64_t>(ids.size()), decoder_.config().hidden});
  decoder_.embed(ids, x);
  for (size_t i = 0; i < sequences.size(); ++i) {
    place_image(batch.entries[i], x.view().slice(sequences[i].first_row, sequences[i].rows));
  }
  const Tensor logits = decoder_.step(x, sequences, batch.written, choosing, cache_);
  tokens_.clear();
  if (logits) choose(batch, logits);
  return tokens_;
}

}  // namespace lectern
