#include "fake_cann/objects/kernels.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace fake_cann {
namespace {

struct Extent {
  int64_t stride, size;
};

// Without those of one element, and without those that repeat.
struct Extents {
  explicit Extents(const Tensor& view) {
    int64_t before = std::numeric_limits<int64_t>::max();
    for (size_t i = 0; i < view.shape.size(); ++i) {
      if (view.strides[i] == 0) {
        repeats = true;
        continue;
      }
      if (view.shape[i] == 1) continue;
      permuted = permuted || view.strides[i] > before;
      before = view.strides[i];
      all.push_back({view.strides[i], view.shape[i]});
    }
  }
  void sort() {
    std::stable_sort(all.begin(), all.end(), [](const Extent& a, const Extent& b) { return a.stride > b.stride; });
  }
  bool dense() const {
    int64_t expected = 1;
    for (auto at = all.rbegin(); at != all.rend(); expected *= (at++)->size) {
      if (at->stride != expected) return false;
    }
    return true;
  }
  std::vector<Extent> all;
  bool repeats = false;
  bool permuted = false;
};

// A part of a dense tensor whose extents the strides tell: each divides the one before, the last is 1.
bool is_slice(const std::vector<Extent>& extents, int64_t offset, int64_t storage) {
  int64_t inner = 1;
  for (size_t i = 1; i < extents.size(); ++i) {
    if (extents[i - 1].stride % extents[i].stride != 0) return false;
    inner *= extents[i - 1].stride / extents[i].stride;
  }
  for (size_t i = 0; i < extents.size(); ++i) {
    const int64_t whole = i == 0 ? storage / inner : extents[i - 1].stride / extents[i].stride;
    if (offset / extents[i].stride + extents[i].size > whole) return false;
    offset %= extents[i].stride;
  }
  return true;
}

// The same with steps, where all strides but the last have a common divisor.
bool is_slice_with_steps(const std::vector<Extent>& extents, int64_t offset, int64_t storage, int64_t divisor) {
  const size_t count = extents.size();
  std::vector<int64_t> size(count), stride(count);
  size[count - 1] = divisor;
  stride[count - 1] = 1;
  int64_t inner = divisor;
  for (size_t i = count - 1; i-- > 0;) {
    stride[i] = inner;
    size[i] = i == 0 ? storage / inner : extents[i - 1].stride / inner;
    inner *= std::max<int64_t>(size[i], 1);
  }
  for (size_t i = 0; i < count; ++i) {
    if (extents[i].stride % stride[i] != 0) return false;
    const int64_t begin = offset / stride[i], step = extents[i].stride / stride[i];
    if ((extents[i].size - 1) * step + begin >= size[i] || size[i] < extents[i].size) return false;
    offset %= stride[i];
  }
  return true;
}

// Extents that are left of a target when those that lie side by side are one; -1 where an outer stride is smaller than
// the innermost run. `run` is the length of that run.
int merged_extents(const Tensor& view, int64_t& run) {
  int64_t size = 1, stride = 1;
  int count = 0;
  for (size_t i = view.shape.size(); i-- > 0;) {
    if (stride * size == view.strides[i]) {
      size *= view.shape[i];
      continue;
    }
    if (count == 0) run = size;
    if (view.strides[i] < run) return -1;
    ++count;
    size = view.shape[i];
    stride = view.strides[i];
  }
  return count + 1;
}

bool all_gaps_equal(const Tensor& view) {
  const Shape dense = dense_strides(view.shape);
  for (size_t i = view.shape.size(); i-- > 0;) {
    if (view.strides[i] == dense[i]) continue;
    int64_t gap = view.strides[i] - dense[i];
    if (gap == -1) return false;
    while (i-- > 0) {
      gap *= view.shape[i + 1];
      if (gap != view.strides[i] - dense[i]) return false;
    }
    return true;
  }
  return false;
}

bool cores_write(const Tensor& view) {
  constexpr int64_t min_run = 32;
  int64_t run = 0;
  const int extents = merged_extents(view, run);
  if (extents >= 3 && extents <= 4 && run >= min_run) return true;
  return extents >= 0 && all_gaps_equal(view);
}

}  // namespace

Kernels kernels_of_reading(const Tensor& view) {
  if (view.contiguous() || view.elements() == 0) return {};
  Extents extents(view);
  const int repeating = extents.repeats ? 1 : 0;
  if (extents.repeats && extents.dense()) return {1, 0};
  const int turning = extents.permuted ? 1 : 0;
  if (extents.permuted) {
    extents.sort();
    if (extents.dense()) return {turning + repeating, 0};
  }
  std::vector<Extent>& all = extents.all;
  if (all.size() == 1) all.push_back({1, 1});
  int64_t divisor = all[0].stride;
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i - 1].stride < all[i].stride * (all[i].size - 1)) return {1, 0};  // it overlaps: AsStrided
    if (i + 1 < all.size()) divisor = std::gcd(divisor, all[i].stride);
  }
  const int64_t storage = product(view.storage);
  if (all.back().stride == 1 && is_slice(all, view.offset, storage)) {
    constexpr int64_t moves_well = 64;
    const bool one_move = extents.permuted && view.strides.back() == 1 && view.shape.back() % moves_well == 0;
    return {one_move ? 1 : 1 + turning + repeating, 0};
  }
  const bool steps = divisor > 1 && divisor >= all.back().stride * all.back().size;
  if (all.back().stride != 1 && steps && is_slice_with_steps(all, view.offset, storage, divisor))
    return {1 + turning + repeating, 0};
  return {1, 0};
}

Kernels kernels_of_writing(const Tensor& view) {
  if (view.contiguous() || view.elements() == 0) return {};
  Extents extents(view);
  if (extents.permuted && !extents.repeats) {
    extents.sort();
    if (extents.dense()) return {1, 0};
  }
  return cores_write(view) ? Kernels{1, 0} : Kernels{0, 1};
}

bool is_transposed(const Tensor& view) {
  const size_t rank = view.shape.size();
  if (rank < 2) return false;
  Tensor turned = view;
  std::swap(turned.shape[rank - 1], turned.shape[rank - 2]);
  std::swap(turned.strides[rank - 1], turned.strides[rank - 2]);
  return turned.contiguous();
}

double distinct_elements(const Tensor& view) {
  double count = 1;
  for (size_t i = 0; i < view.shape.size(); ++i)
    count *= view.strides[i] == 0 ? 1.0 : static_cast<double>(view.shape[i]);
  return count;
}

}  // namespace fake_cann
