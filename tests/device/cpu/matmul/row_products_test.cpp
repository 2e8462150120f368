#include <gtest/gtest.h>

#include "device/cpu/matmul/panel_products.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;
using testing::view_of;

constexpr std::array types = {DataType::f32, DataType::bf16, DataType::f16};

// Written rows with a weight as its checkpoint has it.
struct Product {
  Product(Random& random, DataType type, int64_t out, int64_t in, int64_t written)
      : weight(random, type, out, in), count(written), x(random.values(written * in)) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t n = 0; n < out; ++n) expected.push_back(weight.times(n, x.data() + i * in));
    }
  }

  cpu::PanelProduct prepare() {
    const Weight& matrix = weight.matrix;
    rows = cpu::ProductRows(cpu_device(), view_of(x, {count, matrix.in()}), WeightFormat::f32);
    y.assign(expected.size() + 1, 77.0f);
    return {.weight = &matrix,
            .rows = &rows,
            .count = count,
            .written = count,
            .out = reinterpret_cast<std::byte*>(y.data()),
            .out_stride = matrix.out()};
  }

  void check() {
    EXPECT_EQ(y.back(), 77.0f);  // behind the result
    y.pop_back();
    EXPECT_LT(relative_error(y, expected), 1e-5)
        << weight.matrix.out() << " x " << weight.matrix.in() << ", " << count << " rows";
  }

  RandomWeight weight;
  int64_t count;
  std::vector<float> x, y;
  std::vector<double> expected;
  cpu::ProductRows rows{cpu_device(), 0, 1, WeightFormat::f32};
};

TEST(RowProducts, EveryCount) {
  Random random(1);
  for (const DataType type : types) {
    for (int64_t count = 0; count <= 17; ++count) {
      Product product(random, type, random.between(1, 30), random.between(1, 100), count);
      for_each_target([&] {
        const cpu::PanelProduct one = product.prepare();
        cpu::panel_products({&one, 1});
        product.check();
      });
    }
  }
}

TEST(RowProducts, SeveralInOneCall) {
  Random random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<Product> products;
    for (int64_t i = random.between(2, 8); i > 0; --i) {
      products.emplace_back(random, types[random.bits() % 3], random.between(1, 40), random.between(1, 90),
                            random.between(0, 17));
    }
    for_each_target([&] {
      std::vector<cpu::PanelProduct> list;
      for (Product& product : products) list.push_back(product.prepare());
      cpu::panel_products(list);
      for (Product& product : products) product.check();
    });
  }
}

}  // namespace
}  // namespace lectern
