// A symbol in a library does not prove that there is a kernel for the chip: every operator is run once on a few values
// before a model relies on it. Where CANN offers two functions for one thing, the other is tried before the operator is
// given up.
#include <algorithm>

#include "device/ascend/ascend_device.h"
#include "device/operator_cases.h"

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
         (f.swish && drop(f.fast_gelu)) || (f.rotary && drop(f.apply_rotary)) || drop(f.addmm) || drop(f.swi_glu);
}

}  // namespace

std::vector<ProbeFailure> probe(AscendDevice& device) {
  std::vector<ProbeFailure> failures;
  const OperatorTable& table = device.operators();
  for (const OperatorCase& one : operator_cases()) {
    const DataType type = has_inner_types(one.which) ? device.half() : DataType::f32;
    if (table.is_absent(one.which, type) || table.lowering(one.which, type) != nullptr) continue;
    if (std::ranges::find(failures, one.which, &ProbeFailure::which) != failures.end()) continue;
    for (bool again = true; again;) {
      again = false;
      try {
        OperatorTrial trial(device, type, 0);
        one.run(trial);
      } catch (const CallFailure& failure) {
        if (!failure.is_refusal()) throw;
        again = give_up(device.session().functions(), failure.function());
        if (!again) failures.push_back({one.which, failure.what()});
      }
    }
  }
  return failures;
}

}  // namespace lectern::ascend
