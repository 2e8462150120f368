#include "device/cpu/matmul/kernel_list.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/vector_targets.h"

namespace lectern {
namespace {

using cpu::Avx512;
using cpu::RowKind;

constexpr std::array formats = {WeightFormat::f32, WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4};

TEST(KernelList, EveryFormatHasAKernelOnEveryProcessor) {
  testing::for_each_target([&] {
    for (const WeightFormat format : formats) {
      for (const RowKind kind : {RowKind::written, RowKind::prompt}) {
        const cpu::PanelKernel& kernel = cpu::kernel_for(kind, format);
        EXPECT_EQ(kernel.kind, kind);
        EXPECT_LE(kernel.needs, cpu::avx512_level()) << kernel.name;
        EXPECT_TRUE(kernel.takes(format)) << kernel.name;
      }
    }
  });
}

// One that is never chosen would be dead code.
TEST(KernelList, EveryKernelIsTheFirstForSomething) {
  for (const cpu::PanelKernel& kernel : cpu::panel_kernels()) {
    bool chosen = false;
    for (const Avx512 level : {Avx512::none, Avx512::vnni, Avx512::bf16}) {
      for (const WeightFormat format : formats) {
        const auto fits = [&](const cpu::PanelKernel& one) {
          return one.kind == kernel.kind && one.needs <= level && one.takes(format);
        };
        chosen = chosen || &*std::ranges::find_if(cpu::panel_kernels(), fits) == &kernel;
      }
    }
    EXPECT_TRUE(chosen) << kernel.name;
  }
}

TEST(KernelList, RowsBesideExactWeightsStayF32) {
  testing::for_each_target([] { EXPECT_EQ(cpu::row_type(WeightFormat::f32), DataType::f32); });
}

}  // namespace
}  // namespace lectern
