// What a step ends with. From logits the host chooses.
#include <algorithm>
#include <cmath>
#include <limits>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

// The sum of exp(x - most) over the numbers x.
double sum_of_exp(std::span<const float> values, float most) {
  double sum = 0;
  for (const float x : values) {
    if (!std::isnan(x)) sum += std::exp(static_cast<double>(x) - static_cast<double>(most));
  }
  return sum;
}

}  // namespace

void sample(Device& device, const SampleArgs& args) {
  const int64_t rows = args.logits.shape[0];
  const int64_t width = args.x.shape[1];
  if (rows == 0) return;
  Tensor gathered;
  if (!args.step.all_logit_rows()) {
    gathered = Tensor(device, args.x.type, {rows, width});
    device.gather_rows({args.x, args.step.logit_rows(), gathered});
  }
  const TensorView last = gathered ? TensorView(gathered) : args.x;
  const Tensor normed(device, args.compute_type, last.shape);
  device.rms_norm({.in = last, .weight = args.norm, .epsilon = args.epsilon, .out = normed});
  device.linear({.in = normed, .weight = args.head, .out = args.logits, .written = rows});
  device.argmax({args.logits, args.step.banned(), args.ids, args.log_probabilities});
}

void argmax(Device& device, const ArgmaxArgs& args) {
  const auto rows = static_cast<size_t>(args.logits.shape[0]);
  const auto width = static_cast<size_t>(args.logits.shape[1]);
  if (rows * width == 0) return;
  const std::vector<float> logits = floats_to_host(device, args.logits);
  const std::vector<int32_t> banned = args.banned ? indices_to_host(device, args.banned) : std::vector<int32_t>();
  std::vector<int32_t> ids(rows, -1);
  std::vector<float> log_probabilities(rows, 0.0f);
  auto next = banned.begin();
  for (size_t row = 0; row < rows; ++row) {
    const auto of_row = std::span(logits).subspan(row * width, width);
    size_t best = width;
    float most = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < width; ++i) {
      if (of_row[i] > most) most = of_row[i];
      if (next != banned.end() && static_cast<size_t>(*next) == row * width + i) {
        ++next;
      } else if (best == width ? !std::isnan(of_row[i]) : of_row[i] > of_row[best]) {
        best = i;
      }
    }
    if (best == width) continue;
    ids[row] = static_cast<int32_t>(best);
    if (std::isinf(most)) continue;  // nothing else counts beside it
    const double share = static_cast<double>(of_row[best]) - static_cast<double>(most);
    log_probabilities[row] = static_cast<float>(share - std::log(sum_of_exp(of_row, most)));
  }
  device.upload(ids.data(), args.ids);
  device.upload(log_probabilities.data(), args.log_probabilities);
}

}  // namespace lectern::lowering
