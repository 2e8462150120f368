// Runs a test for every instruction set that Highway compiled the kernels for and this machine has.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "hwy/targets.h"

namespace lectern::testing {

template <typename Body>
void for_each_target(const Body& body) {
  struct Reset {
    ~Reset() { hwy::SetSupportedTargetsForTest(0); }
  };
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  ASSERT_FALSE(targets.empty());
  const Reset afterwards;
  for (const int64_t target : targets) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    body();
  }
}

}  // namespace lectern::testing
