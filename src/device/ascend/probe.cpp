// A symbol in a library does not prove that there is a kernel for the chip: every operator is run once on a few values
// before a model relies on it. Where CANN offers two functions for one thing, the other is tried before the operator is
// given up.
#include <algorithm>

#include "device/ascend/ascend_device.h"
#include "device/ascend/kernels/kernels.h"
#include "device/cases/operator_cases.h"
#include "device/host_values.h"
#include "device/step_batch.h"

namespace lectern::ascend {
namespace {

// Functions that others can stand in for.
bool give_up(Functions& f, std::string_view name) {
  const auto drop = [&](auto& function) {
    if (!function || name != function.name) return false;
    function.prepare = nullptr;
    return true;
  };
  return drop(f.grouped_matmul_v5) || (f.fused_attention && drop(f.prompt_attention)) ||
         (f.swish && drop(f.fast_gelu)) || (f.rotary && drop(f.apply_rotary)) || drop(f.addmm) || drop(f.swi_glu) ||
         drop(f.add_rms_norm) || (f.inplace_index_copy && drop(f.scatter_nd_update));
}

// What the operators' cases do not call as a model does: heads of 128, and sums that wait for a norm.
void try_as_used(AscendDevice& device) {
  constexpr int64_t rows = 3;
  constexpr int64_t size = 128;
  const DataType type = device.half();
  Session& session = device.session();
  const Tensor x = from_host(device, std::vector<float>(rows * size, 0.5f), {rows, size});
  const Tensor narrow(device, type, x.shape());
  copy_view(session, narrow.view(), x.view());
  const std::array<SequenceRows, 1> sequences = {{{0, rows, 5, {}}}};
  const StepBatch step(device, sequences);
  const Tensor keys(device, type, x.shape());
  copy_view(session, keys.view(), x.view());
  rope_both(device, {narrow, 1, 1e4f, step}, {keys, 1, 1e4f, step});
  if (type == DataType::bf16 && session.functions().add_rms_norm) {
    const Tensor norm(device, type, x.shape());
    const Tensor sum(device, type, x.shape());
    const Tensor factors(device, DataType::f32, {rows, 1});
    const Tensor weight(device, type, {size});
    copy_view(session, weight.view(), x.view().slice(0, 1).reshaped({size}));
    session.call(session.functions().add_rms_norm, View(narrow.view()), View(keys.view()), View(weight.view()), 1e-6,
                 View(norm.view()), View(factors.view()), View(sum.view()));
  }
  device.synchronize();
}

}  // namespace

std::vector<ProbeFailure> probe(AscendDevice& device) {
  std::vector<ProbeFailure> failures;
  const OperatorTable& table = device.operators();
  for (const OperatorCase& one : operator_cases()) {
    const DataType type = has_compute_types(one.which) ? device.half() : DataType::f32;
    if (table.is_absent(one.which, type) || table.lowering(one.which, type) != nullptr) continue;
    if (std::ranges::find(failures, one.which, &ProbeFailure::which) != failures.end()) continue;
    for (bool again = true; again;) {
      again = false;
      try {
        OperatorTrial trial(device, type, OperatorTrial::Wants::nothing);
        one.run(trial);
      } catch (const CallFailure& failure) {
        if (!failure.is_refusal()) throw;
        again = give_up(device.session().functions(), failure.function());
        if (!again) failures.push_back({one.which, failure.what()});
      }
    }
  }
  for (bool again = true; again;) {
    again = false;
    try {
      try_as_used(device);
    } catch (const CallFailure& failure) {
      if (!failure.is_refusal()) throw;
      Functions& f = device.session().functions();
      again = give_up(f, failure.function());
      // Without either rotation heads are turned by parts.
      if (!again && f.apply_rotary && std::string_view(failure.function()) == f.apply_rotary.name) {
        f.apply_rotary.prepare = nullptr;
        again = true;
      }
    }
  }
  return failures;
}

}  // namespace lectern::ascend
