// What is chosen from logits: the host looks at them.
#include <algorithm>
#include <cmath>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

double log_of_exp_sum(std::span<const float> values) {
  const double most = *std::ranges::max_element(values);
  double sum = 0;
  for (const float x : values) sum += std::exp(static_cast<double>(x) - most);
  return most + std::log(sum);
}

}  // namespace

void argmax(Device& device, const ArgmaxArgs& args) {
  const auto rows = static_cast<size_t>(args.logits.shape[0]);
  const auto width = static_cast<size_t>(args.logits.shape[1]);
  if (rows * width == 0) return;
  const std::vector<float> logits = floats_to_host(device, args.logits);
  std::vector<int32_t> banned, ends(rows, 0);
  if (args.ends) {
    banned = indices_to_host(device, args.banned);
    ends = indices_to_host(device, args.ends);
  }
  std::vector<int32_t> ids(rows, -1);
  std::vector<float> log_probabilities(rows, 0.0f);
  std::vector<bool> allowed;
  for (size_t row = 0; row < rows; ++row) {
    const auto of_row = std::span(logits).subspan(row * width, width);
    allowed.assign(width, true);
    for (int32_t i = row == 0 ? 0 : ends[row - 1]; i < ends[row]; ++i)
      allowed[static_cast<size_t>(banned[static_cast<size_t>(i)])] = false;
    size_t best = width;
    for (size_t i = 0; i < width; ++i) {
      if (!allowed[i]) continue;
      if (best == width ? !std::isnan(of_row[i]) : of_row[i] > of_row[best]) best = i;
    }
    if (best == width) continue;
    ids[row] = static_cast<int32_t>(best);
    log_probabilities[row] = static_cast<float>(static_cast<double>(of_row[best]) - log_of_exp_sum(of_row));
  }
  device.upload(ids.data(), args.ids);
  device.upload(log_probabilities.data(), args.log_probabilities);
}

}  // namespace lectern::lowering
