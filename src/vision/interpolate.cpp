#include "vision/interpolate.h"

#include <algorithm>
#include <cmath>

namespace lectern {
namespace {

// Keys' cubic convolution kernel (1981) with a = -0.5.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

struct Window {
  int64_t first = 0;
  std::vector<double> weights;  // sum to one
};

// For every place of the result the places of the source that it is made of.
std::vector<Window> cubic_windows(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double stretch = std::max(scale, 1.0);
  std::vector<Window> windows(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    const auto first = std::max<int64_t>(0, static_cast<int64_t>(center - 2 * stretch + 0.5));
    const auto last = std::min(from, static_cast<int64_t>(center + 2 * stretch + 0.5));
    Window& window = windows[static_cast<size_t>(i)];
    window.first = first;
    double total = 0;
    for (int64_t j = first; j < last; ++j) {
      window.weights.push_back(cubic((static_cast<double>(j) - center + 0.5) / stretch));
      total += window.weights.back();
    }
    for (double& weight : window.weights) weight /= total;
  }
  return windows;
}

// in [lines, from, step] -> out [lines, to, step]
std::vector<float> apply(const std::vector<Window>& windows, const float* in, int64_t lines, int64_t from,
                         int64_t step) {
  const auto to = static_cast<int64_t>(windows.size());
  std::vector<float> out(static_cast<size_t>(lines * to * step));
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t i = 0; i < to; ++i) {
      const Window& window = windows[static_cast<size_t>(i)];
      for (int64_t c = 0; c < step; ++c) {
        double sum = 0;
        for (size_t j = 0; j < window.weights.size(); ++j) {
          sum += window.weights[j] * in[(line * from + window.first + static_cast<int64_t>(j)) * step + c];
        }
        out[static_cast<size_t>((line * to + i) * step + c)] = static_cast<float>(sum);
      }
    }
  }
  return out;
}

}  // namespace

std::vector<float> resize_grid(const float* grid, int64_t from, int64_t to, int64_t channels) {
  if (from == to) return {grid, grid + from * from * channels};
  const std::vector<Window> windows = cubic_windows(from, to);
  const std::vector<float> wide = apply(windows, grid, from, from, channels);
  return apply(windows, wide.data(), 1, from, to * channels);
}

std::vector<float> resize_line(const float* line, int64_t from, int64_t to, int64_t channels) {
  if (from == to) return {line, line + from * channels};
  std::vector<float> out(static_cast<size_t>(to * channels));
  const float scale = static_cast<float>(from) / static_cast<float>(to);
  for (int64_t i = 0; i < to; ++i) {
    const float at = std::max(0.0f, (static_cast<float>(i) + 0.5f) * scale - 0.5f);
    const auto left = std::min(static_cast<int64_t>(at), from - 1);
    const int64_t right = std::min(left + 1, from - 1);
    const float share = at - static_cast<float>(left);
    for (int64_t c = 0; c < channels; ++c) {
      out[static_cast<size_t>(i * channels + c)] =
          (1 - share) * line[left * channels + c] + share * line[right * channels + c];
    }
  }
  return out;
}

}  // namespace lectern
