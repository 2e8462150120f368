#include "core/tensor.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace lectern {
namespace {

TEST(Shape, ExtentsFromBothEnds) {
  constexpr Shape shape = {2, 3, 5};
  static_assert(shape.rank() == 3 && shape.elements() == 30);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[2], 5);
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(shape[-3], 2);
  EXPECT_EQ(shape.rows(), 6);
  EXPECT_EQ(to_string(shape), "[2, 3, 5]");
  EXPECT_EQ(shape.extents().size(), 3u);
}

TEST(Shape, Edges) {
  EXPECT_EQ(Shape().elements(), 1);
  EXPECT_EQ(Shape().rows(), 1);
  EXPECT_EQ(to_string(Shape()), "[]");
  EXPECT_EQ((Shape{4, 0}).elements(), 0);
  EXPECT_EQ((Shape{0, 4}).rows(), 0);
  EXPECT_EQ((Shape{7}).rows(), 1);
  EXPECT_EQ((Shape{1, 2, 3, 4, 5}).elements(), 120);
}

TEST(Shape, EqualInRankAndExtents) {
  EXPECT_EQ((Shape{2, 3}), (Shape{2, 3}));
  EXPECT_NE((Shape{2, 3}), (Shape{3, 2}));
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
  EXPECT_NE(Shape(), (Shape{1}));
}

TEST(TensorView, SlicesAndShapes) {
  std::vector<int32_t> values(24);
  std::iota(values.begin(), values.end(), 0);
  const MutableTensorView view(reinterpret_cast<std::byte*>(values.data()), DataType::i32, {4, 3, 2});
  EXPECT_EQ(view.bytes(), 96u);
  const MutableTensorView middle = view.slice(1, 2);
  EXPECT_EQ(middle.shape, (Shape{2, 3, 2}));
  EXPECT_EQ(middle.as<int32_t>()[0], 6);
  const TensorView flat = middle.reshaped({12});
  EXPECT_EQ(flat.as<int32_t>()[11], 17);
  EXPECT_EQ(view.slice(4, 0).bytes(), 0u);
  middle.as<int32_t>()[0] = 99;
  EXPECT_EQ(values[6], 99);
}

TEST(TensorView, IsEmptyByDefault) {
  EXPECT_FALSE(TensorView());
  EXPECT_FALSE(TensorView(MutableTensorView()));
  const float value = 1;
  EXPECT_TRUE(TensorView(reinterpret_cast<const std::byte*>(&value), DataType::f32, {1}));
}

TEST(TensorView, SlicesOfNothing) {
  const MutableTensorView empty(nullptr, DataType::f32, {0, 3});
  EXPECT_EQ(empty.bytes(), 0u);
  EXPECT_EQ(empty.slice(0, 0).shape, (Shape{0, 3}));
}

}  // namespace
}  // namespace lectern
