// Runs a test for every instruction set that Highway compiled the kernels for and this machine has.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "device/cpu/matmul/panel_products.h"
#include "hwy/targets.h"

namespace lectern::testing {

// Beside them the kernels for bf16 run where the processor has what they need: first of all, and with no target forced.
template <typename Body>
void for_each_target(const Body& body) {
  struct Reset {
    ~Reset() {
      hwy::SetSupportedTargetsForTest(0);
      cpu::limit_avx512(cpu::Avx512::bf16);
    }
  };
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  ASSERT_FALSE(targets.empty());
  const Reset afterwards;
  for (const auto& [level, name] : {std::pair(cpu::Avx512::bf16, "AVX512-BF16"), {cpu::Avx512::vnni, "AVX512-VNNI"}}) {
    cpu::limit_avx512(level);
    SCOPED_TRACE(name);
    if (cpu::avx512_level() == level) body();
  }
  cpu::limit_avx512(cpu::Avx512::none);
  for (const int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
}

}  // namespace lectern::testing
