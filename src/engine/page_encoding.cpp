#include "engine/page_encoding.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/stopwatch.h"
#include "device/host_values.h"

namespace lectern {
namespace {

// After so long a piece of encoding ends with its layer, so that others get their turn.
constexpr double piece_seconds = 0.1;

// Pages of one request, which keep it alive.
std::vector<std::shared_ptr<const Views>> pages_of(const std::shared_ptr<const Views>& views) {
  std::vector<std::shared_ptr<const Views>> pages = {views};
  for (const Views& page : views->further) pages.emplace_back(views, &page);
  return pages;
}

// Tensors of one shape but for their first extent as one.
Tensor behind_each_other(Device& device, std::vector<Tensor> parts) {
  if (parts.size() == 1) return std::move(parts.front());
  int64_t count = 0;
  for (const Tensor& part : parts) count += part.shape()[0];
  const Shape& one = parts.front().shape();
  const Shape shape = one.rank() == 3 ? Shape{count, one[1], one[2]} : Shape{count, one[1]};
  Tensor all(device, DataType::f32, shape);
  int64_t filled = 0;
  for (const Tensor& part : parts) {
    device.copy({part, all.view().slice(filled, part.shape()[0])});
    filled += part.shape()[0];
  }
  return all;
}

// The pages of a request, one after the other.
class PagesEncoding : public Encoding {
 public:
  TensorView rows() const override { return rows_; }

 protected:
  // The rows lie on `device`.
  PagesEncoding(Device& device, const std::shared_ptr<const Views>& views) : device_(device), pages_(pages_of(views)) {}

  Device& device() const { return device_; }
  const std::shared_ptr<const Views>& page() const { return pages_[encoded_.size()]; }  // that is encoded now
  // Takes the rows of that page; true if it was the last.
  bool take(Tensor rows) {
    encoded_.push_back(std::move(rows));
    if (encoded_.size() < pages_.size()) return false;
    pages_.clear();
    rows_ = behind_each_other(device_, std::move(encoded_));
    return true;
  }

 private:
  Device& device_;
  std::vector<std::shared_ptr<const Views>> pages_;
  std::vector<Tensor> encoded_;  // of every page
  Tensor rows_;
};

class DeviceEncoding final : public PagesEncoding {
 public:
  DeviceEncoding(Device& device, const VisionEncoder& encoder, const std::shared_ptr<const Views>& views,
                 CapturedRegions* regions)
      : PagesEncoding(device, views), encoder_(encoder), regions_(regions) {
    begin();
  }

  bool advance(bool alone) override {
    const Stopwatch working;
    while (working.seconds() < piece_seconds) {
      if (!task_->advance(!alone)) continue;
      if (take(task_->take().sequence)) {
        task_.reset();
        return true;
      }
      begin();
    }
    return false;
  }

 private:
  void begin() { task_.emplace(encoder_, page(), false, regions_); }

  const VisionEncoder& encoder_;
  CapturedRegions* regions_;
  std::optional<EncodingTask> task_;
};

class SpreadEncoding final : public PagesEncoding {
 public:
  SpreadEncoding(std::vector<EncodingDevice> devices, Together together, const std::shared_ptr<const Views>& views)
      : PagesEncoding(*devices.front().device, views),
        devices_(std::move(devices)),
        together_(std::move(together)),
        tasks_(devices_.size()),
        tiles_(devices_.size()) {
    begin();
  }

  bool advance(bool alone) override {
    together_([&](size_t i) { work(i, alone); });
    if (std::ranges::any_of(tasks_, [](const auto& task) { return task.has_value(); })) return false;
    if (take(joined())) return true;
    begin();
    return false;
  }

 private:
  void begin() {
    const VisionEncoder& encoder = *devices_.front().encoder;
    const Views& views = *page();
    const double tile = views.tiles.empty() ? 0 : encoder.operations_of_view(views.tiles.front().width);
    const auto count = static_cast<int64_t>(views.tiles.size());
    const std::vector<Range> shares =
        shares_of_views(encoder.operations_of_view(views.whole.width), tile, count, devices_.size());
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i].empty()) continue;
      tasks_[i].emplace(*devices_[i].encoder, page(), shares[i], devices_[i].regions);
    }
  }

  void work(size_t i, bool alone) {
    std::optional<EncodingTask>& task = tasks_[i];
    if (!task) return;
    const Stopwatch working;
    bool done = false;
    while (!done && working.seconds() < piece_seconds) done = task->advance(!alone);
    if (!done) return;
    EncodingTask::Features features = task->take_features();
    task.reset();
    if (i == 0) {
      whole_ = std::move(features.whole);
      own_tiles_ = std::move(features.tiles);
    } else {
      tiles_[i] = {features.tiles.shape(), floats_to_host(*devices_[i].device, features.tiles)};
    }
  }

  // The tiles of other devices come through the host: a tile is 0.5 MB.
  Tensor joined() {
    std::vector<Tensor> parts;
    if (own_tiles_) parts.push_back(std::move(own_tiles_));
    for (HostTiles& tiles : tiles_) {
      if (!tiles.values.empty()) parts.push_back(from_host(device(), tiles.values, tiles.shape));
      tiles = {};
    }
    const Tensor tiles = parts.empty() ? Tensor() : behind_each_other(device(), std::move(parts));
    return devices_.front().encoder->joined(*page(), std::exchange(whole_, {}), tiles);
  }

  struct HostTiles {
    Shape shape;
    std::vector<float> values;
  };

  std::vector<EncodingDevice> devices_;
  Together together_;
  std::vector<std::optional<EncodingTask>> tasks_;  // of every device, while it works
  Tensor whole_, own_tiles_;                        // of the first
  std::vector<HostTiles> tiles_;                    // of every other
};

}  // namespace

std::unique_ptr<Encoding> encode_on(Device& device, const VisionEncoder& encoder,
                                    const std::shared_ptr<const Views>& views, CapturedRegions* regions) {
  return std::make_unique<DeviceEncoding>(device, encoder, views, regions);
}

std::vector<Range> shares_of_views(double whole, double tile, int64_t tiles, size_t devices) {
  const auto others = static_cast<int64_t>(devices) - 1;
  int64_t own = tiles;  // of the first device
  double least = std::numeric_limits<double>::infinity();
  for (int64_t count = others > 0 ? 0 : tiles; count <= tiles; ++count) {
    const int64_t most = others > 0 ? (tiles - count + others - 1) / others : 0;
    const double slowest = std::max(whole + static_cast<double>(count) * tile, static_cast<double>(most) * tile);
    if (slowest >= least) continue;
    least = slowest;
    own = count;
  }
  std::vector<Range> shares = {{0, 1 + own}};
  for (int64_t i = 0; i < others; ++i) {
    Range share = part_of(tiles - own, i, others);
    share.first += 1 + own;
    shares.push_back(share);
  }
  return shares;
}

std::unique_ptr<Encoding> encode_over(std::vector<EncodingDevice> devices, Together together,
                                      const std::shared_ptr<const Views>& views) {
  return std::make_unique<SpreadEncoding>(std::move(devices), std::move(together), views);
}

}  // namespace lectern
