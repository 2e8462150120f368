// Peak rates of this machine, measured with the libraries that the model uses.
#pragma once

#include <cstdint>
#include <memory>

#include "core/data_type.h"
#include "device/device_info.h"

namespace lectern::cpu {

// Operations a second (a multiplication and an addition are two), in 1e9, of a large product of f32, bf16 or u8
// numbers.
class ProductRate {
 public:
  explicit ProductRate(DataType type);
  ProductRate(ProductRate&&) noexcept;
  ProductRate& operator=(ProductRate&&) noexcept;
  ~ProductRate();
  // The best of several runs.
  double peak() const { return peak_; }
  // At this moment, the best of three runs: on a shared machine it changes from second to second.
  double now() const;

 private:
  struct Product;
  std::unique_ptr<Product> product_;
  double peak_ = 0;
};

// Bytes a second, in 1e9, at which all threads together read memory.
class ReadBandwidth {
 public:
  static constexpr int64_t bytes = int64_t{512} << 20;  // larger than any cache; allocated while this object lives

  // Finds the best of several access patterns.
  ReadBandwidth();
  // The best of several runs.
  double peak() const { return peak_; }
  // Of one run, at this moment: on a shared machine it changes from second to second.
  double now() const;

 private:
  double gbps(int64_t streams) const;

  std::unique_ptr<uint64_t[]> memory_;
  double peak_ = 0;
  int64_t best_streams_ = 1;
};

// Both, of the CPU.
std::unique_ptr<DevicePeaks> measure_peaks();

}  // namespace lectern::cpu
