// Encoding of pages piece by piece: on one device, or with the views of a page spread over several.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/range.h"
#include "engine/model_runner.h"

namespace lectern {

// On one device, one page after the other. All must outlive it; `regions` may be null.
std::unique_ptr<Encoding> encode_on(Device& device, const VisionEncoder& encoder,
                                    const std::shared_ptr<const Views>& views, CapturedRegions* regions);

// Divides the views of a page, of which the whole page is 0, into a range for each device, in order; the last ones may
// be empty. The first range has the whole page and as many tiles as minimise the time of the slowest device. `whole`
// and `tile`: the work for each.
std::vector<Range> shares_of_views(double whole, double tile, int64_t tiles, size_t devices);

// One of several devices that encode a page together.
struct EncodingDevice {
  Device* device = nullptr;
  const VisionEncoder* encoder = nullptr;
  CapturedRegions* regions = nullptr;  // may be null
};

// Over several devices with the same encoder, each working in a thread of its own: together(part) calls part(i) for
// each of them, for the first in the caller's, waits, and throws what one threw. The rows are those of one device, bit
// for bit, and lie on the first.
using Together = std::function<void(const std::function<void(size_t)>& part)>;
std::unique_ptr<Encoding> encode_over(std::vector<EncodingDevice> devices, Together together,
                                      const std::shared_ptr<const Views>& views);

}  // namespace lectern
