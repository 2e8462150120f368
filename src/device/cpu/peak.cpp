#include "device/cpu/peak.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "core/stopwatch.h"
#include "core/threads.h"

namespace lectern::cpu {
namespace {

using dnnl::memory;

constexpr int runs = 12;
constexpr int64_t all_words = ReadBandwidth::bytes / 8;

// Sums words first .. last - 1, read as `streams` stretches side by side.
uint64_t sum_words(const uint64_t* words, int64_t first, int64_t last, int64_t streams) {
  const int64_t length = (last - first) / streams / 8 * 8;
  uint64_t sums[8] = {};
  for (int64_t i = 0; i < length; i += 8) {
    for (int64_t s = 0; s < streams; ++s) {
      const uint64_t* at = words + first + s * length + i;
      for (int k = 0; k < 8; ++k) sums[k] += at[k];
    }
  }
  uint64_t total = 0;
  for (const uint64_t sum : sums) total += sum;
  return total;
}

}  // namespace

struct ProductRate::Product {
  explicit Product(DataType type)
      : engine(dnnl::engine::kind::cpu, 0),
        stream(engine),
        description({{{size, size}, left_type(type), memory::format_tag::ab},
                     {{size, size}, right_type(type), memory::format_tag::any},
                     {{size, size}, result_type(type), memory::format_tag::ab}},
                    engine),
        multiply(description),
        a(description.src_desc(), engine),
        b(description.weights_desc(), engine),
        c(description.dst_desc(), engine) {
    for (const memory& operand : {a, b}) std::memset(operand.get_data_handle(), 0, operand.get_desc().get_size());
    gops();  // warms up
  }

  double gops() {
    const Stopwatch clock;
    multiply.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    stream.wait();
    return 2.0 * size * size * size / clock.seconds() / 1e9;
  }
  double best_of(int count) {
    double best = 0;
    for (int i = 0; i < count; ++i) best = std::max(best, gops());
    return best;
  }

  static constexpr int64_t size = 2048;
  static memory::data_type left_type(DataType type) {
    if (type == DataType::u8) return memory::data_type::u8;
    return type == DataType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  }
  static memory::data_type right_type(DataType type) {
    return type == DataType::u8 ? memory::data_type::s8 : left_type(type);
  }
  static memory::data_type result_type(DataType type) {
    return type == DataType::u8 ? memory::data_type::s32 : memory::data_type::f32;
  }

  dnnl::engine engine;
  dnnl::stream stream;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul multiply;
  memory a, b, c;
};

ProductRate::ProductRate(DataType type) : product_(std::make_unique<Product>(type)), peak_(product_->best_of(runs)) {}
ProductRate::ProductRate(ProductRate&&) noexcept = default;
ProductRate& ProductRate::operator=(ProductRate&&) noexcept = default;
ProductRate::~ProductRate() = default;

double ProductRate::now() const { return product_->best_of(3); }

ReadBandwidth::ReadBandwidth() : memory_(new uint64_t[all_words]) {
  parallel_shares(all_words, 1,
                  [&](int64_t first, int64_t last) { std::fill(memory_.get() + first, memory_.get() + last, 1); });
  for (const int64_t streams : {1, 2, 4, 8}) {
    for (int i = 0; i < runs; ++i) {
      const double found = gbps(streams);
      if (found <= peak_) continue;
      peak_ = found;
      best_streams_ = streams;
    }
  }
}

double ReadBandwidth::gbps(int64_t streams) const {
  constexpr int64_t tasks = 32;  // many, so that no thread waits for one that was held up
  std::array<uint64_t, tasks> sums{};
  const Stopwatch clock;
  parallel_for(tasks, [&](int64_t task) {
    sums[static_cast<size_t>(task)] =
        sum_words(memory_.get(), all_words * task / tasks, all_words * (task + 1) / tasks, streams);
  });
  volatile const uint64_t used = sums[0];  // so that the sums are made
  static_cast<void>(used);
  return static_cast<double>(bytes) / clock.seconds() / 1e9;
}

double ReadBandwidth::now() const { return gbps(best_streams_); }

namespace {

class Peaks final : public DevicePeaks {
 public:
  Peaks() {
    for (const DataType type : {DataType::f32, DataType::bf16, DataType::u8})
      products_.emplace(type, ProductRate(type).peak());
  }
  double product(DataType type) const override { return products_.at(type); }
  // Of one type, whose operands are kept.
  double product_now(DataType type) const override {
    if (!now_ || now_->first != type) now_.emplace(type, ProductRate(type));
    return now_->second.now();
  }
  double read() const override { return memory_.peak(); }
  double read_now() const override { return memory_.now(); }
  size_t host_bytes() const override { return ReadBandwidth::bytes; }

 private:
  std::map<DataType, double> products_;
  mutable std::optional<std::pair<DataType, ProductRate>> now_;
  ReadBandwidth memory_;
};

}  // namespace

std::unique_ptr<DevicePeaks> measure_peaks() { return std::make_unique<Peaks>(); }

}  // namespace lectern::cpu
