// What a step ends with: rows of the residual stream to choices.
#include "device/cpu/kernels.h"
#include "device/device.h"
#include "device/step_batch.h"

namespace lectern::cpu {

// The logit rows are normalised where they are, without a copy of them.
void sample(Device& device, const SampleArgs& args) {
  const int64_t rows = args.logits.shape[0];
  if (rows == 0) return;
  const Tensor normed(device, DataType::f32, {rows, args.x.shape[1]});
  const auto normalise = [&](const TensorView& x, const MutableTensorView& out) {
    rms_norm(device, {.in = x, .weight = args.norm, .epsilon = args.epsilon, .out = out});
  };
  if (args.step.all_logit_rows()) {
    normalise(args.x, normed);
  } else {
    const auto* const logit_rows = args.step.logit_rows().as<int32_t>();
    for (int64_t i = 0; i < rows; ++i) normalise(args.x.slice(logit_rows[i], 1), normed.view().slice(i, 1));
  }
  linear(device, {.in = normed, .weight = args.head, .out = args.logits, .written = rows});
  argmax(device, {args.logits, args.step.banned(), args.ids, args.log_probabilities});
}

}  // namespace lectern::cpu
