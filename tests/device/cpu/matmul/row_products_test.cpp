#include <gtest/gtest.h>

#include "device/cpu/kernels.h"
#include "support/values.h"
#include "support/vector_targets.h"

namespace lectern {
namespace {

using testing::for_each_target;
using testing::Random;
using testing::RandomWeight;
using testing::relative_error;

// One product of inputs and outputs that lie apart from one another in memory.
struct Product {
  Product(Random& random, DataType type, int64_t out, int64_t in, int inputs)
      : weight(random, type, out, in), count(inputs) {
    for (int i = 0; i < count; ++i) {
      x.push_back(random.values(in));
      for (int64_t n = 0; n < out; ++n) expected.push_back(weight.times(n, x.back().data()));
    }
  }

  void prepare() {
    y.assign(x.size(), std::vector<float>(static_cast<size_t>(weight.matrix.out()) + 1, 77.0f));
    in.clear();
    out.clear();
    for (size_t i = 0; i < x.size(); ++i) {
      in.push_back(x[i].data());
      out.push_back(y[i].data());
    }
  }

  void check() const {
    std::vector<float> got;
    for (const std::vector<float>& row : y) {
      EXPECT_EQ(row.back(), 77.0f);  // behind the result
      got.insert(got.end(), row.begin(), row.end() - 1);
    }
    EXPECT_LT(relative_error(got, expected), 1e-5)
        << weight.matrix.out() << " x " << weight.matrix.in() << ", " << count << " inputs";
  }

  RandomWeight weight;
  int count;
  std::vector<std::vector<float>> x, y;
  std::vector<double> expected;
  std::vector<const float*> in;
  std::vector<float*> out;
};

TEST(RowProducts, EveryCount) {
  Random random(1);
  for (const DataType type : {DataType::f32, DataType::bf16, DataType::f16}) {
    for (int count = 0; count <= 17; ++count) {
      Product product(random, type, random.between(1, 30), random.between(1, 100), count);
      for_each_target([&] {
        product.prepare();
        const cpu::RowProduct one{&product.weight.matrix, product.in.data(), product.out.data(), product.count};
        cpu::row_products({&one, 1});
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
      const auto type = std::array{DataType::f32, DataType::bf16, DataType::f16}[random.bits() % 3];
      products.emplace_back(random, type, random.between(1, 40), random.between(1, 90),
                            static_cast<int>(random.between(0, 17)));
    }
    for_each_target([&] {
      std::vector<cpu::RowProduct> list;
      for (Product& product : products) {
        product.prepare();
        list.push_back({&product.weight.matrix, product.in.data(), product.out.data(), product.count});
      }
      cpu::row_products(list);
      for (const Product& product : products) product.check();
    });
  }
}

TEST(RowProducts, NoProductsAreNothingToDo) { cpu::row_products({}); }

}  // namespace
}  // namespace lectern
