// Convolution, and the rows that it multiplies: section 3.3.
#include "aclnnop/aclnn_convolution.h"
#include "aclnnop/aclnn_im2col.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

struct Window {
  int64_t kernel_height, kernel_width, stride_height, stride_width, top, bottom, left, right, dilation_height,
      dilation_width;

  int64_t rows(int64_t height) const {
    return (height + top + bottom - dilation_height * (kernel_height - 1) - 1) / stride_height + 1;
  }
  int64_t columns(int64_t width) const {
    return (width + left + right - dilation_width * (kernel_width - 1) - 1) / stride_width + 1;
  }
  void check(Operation& op, int64_t height, int64_t width) const {
    op.require(kernel_height > 0 && kernel_width > 0 && stride_height > 0 && stride_width > 0 && dilation_height > 0 &&
                   dilation_width > 0 && top >= 0 && bottom >= 0 && left >= 0 && right >= 0,
               "kernel, stride and dilation are positive, padding is not negative");
    op.require(height + top + bottom >= dilation_height * (kernel_height - 1) + 1 &&
                   width + left + right >= dilation_width * (kernel_width - 1) + 1,
               "the kernel is larger than the padded picture");
  }
};

// [C, H, W] -> [C * kh * kw, rows * columns]
Floats unfold(const float* in, int64_t channels, int64_t height, int64_t width, const Window& window) {
  const int64_t rows = window.rows(height), columns = window.columns(width);
  Floats out(static_cast<size_t>(channels * window.kernel_height * window.kernel_width * rows * columns), 0.0f);
  float* to = out.data();
  for (int64_t line = 0; line < channels * window.kernel_height * window.kernel_width; ++line) {
    const int64_t channel = line / (window.kernel_height * window.kernel_width);
    const int64_t y0 = line / window.kernel_width % window.kernel_height * window.dilation_height - window.top;
    const int64_t x0 = line % window.kernel_width * window.dilation_width - window.left;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column, ++to) {
        const int64_t y = y0 + row * window.stride_height, x = x0 + column * window.stride_width;
        if (y >= 0 && y < height && x >= 0 && x < width) *to = in[(channel * height + y) * width + x];
      }
    }
  }
  return out;
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnIm2colGetWorkspaceSize(const aclTensor* self, const aclIntArray* kernelSize,
                                        const aclIntArray* dilation, const aclIntArray* padding,
                                        const aclIntArray* stride, const aclTensor* out, uint64_t* workspaceSize,
                                        aclOpExecutor** executor) {
  return first_call("aclnnIm2col", workspaceSize, executor, [&](Operation& op) {
    const Operand x = op.input(self, "self", floating);
    const Operand y = op.output(out, "out", floating);
    const Shape kernel = op.ints(kernelSize, "kernelSize"), spread = op.ints(dilation, "dilation");
    const Shape pad = op.ints(padding, "padding"), step = op.ints(stride, "stride");
    for (const Shape* array : {&kernel, &spread, &pad, &step})
      op.require(array->size() == 2, "the arrays hold two values each");
    op.require(x.rank() == 3 || x.rank() == 4, "self is (C, H, W) or (N, C, H, W)");
    op.same_type(x, y);
    const Window window{kernel[0], kernel[1], step[0], step[1], pad[0], pad[0], pad[1], pad[1], spread[0], spread[1]};
    const size_t first = x.shape.size() - 3;
    const int64_t channels = x.shape[first], height = x.shape[first + 1], width = x.shape[first + 2];
    window.check(op, height, width);
    Shape shape = {channels * kernel[0] * kernel[1], window.rows(height) * window.columns(width)};
    if (first == 1) shape.insert(shape.begin(), x.shape[0]);
    op.shape_is(y, shape);
    op.workspace(64 << 10);
    op.run([=](const Work& work) {
      const Floats in = floats(work[x]);
      Floats result;
      result.reserve(static_cast<size_t>(y.elements()));
      for (size_t at = 0; at < in.size(); at += static_cast<size_t>(channels * height * width)) {
        const Floats part = unfold(in.data() + at, channels, height, width, window);
        result.insert(result.end(), part.begin(), part.end());
      }
      store(work[y], result);
    });
  });
}
SECOND_CALL(aclnnIm2col)

aclnnStatus aclnnConvolutionGetWorkspaceSize(const aclTensor* input, const aclTensor* weight, const aclTensor* bias,
                                             const aclIntArray* stride, const aclIntArray* padding,
                                             const aclIntArray* dilation, bool transposed,
                                             const aclIntArray* outputPadding, const int64_t groups, aclTensor* output,
                                             int8_t cubeMathType, uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnConvolution", workspaceSize, executor, [&](Operation& op) {
    constexpr Rules nchw = {.format = ACL_FORMAT_NCHW};
    const Operand x = op.input(input, "input", floating, nchw);
    const Operand kernel = op.input(weight, "weight", floating, nchw);
    const std::optional<Operand> shift = op.optional_input(bias, "bias", floating);
    const Operand y = op.output(output, "output", floating, nchw);
    op.require(!transposed && groups == 1, "the fake has plain convolutions with one group");
    const std::optional<Shape> unused = op.optional_ints(outputPadding, "outputPadding");
    const Shape step = op.ints(stride, "stride"), pad = op.ints(padding, "padding"),
                spread = op.ints(dilation, "dilation");
    op.require(step.size() == 2 && spread.size() == 2 && (pad.size() == 2 || pad.size() == 4),
               "arrays of the wrong size");
    for (const int64_t value : pad) op.require(value <= 255, "padding is at most 255");
    op.require(cubeMathType >= 0 && cubeMathType <= 3, "unknown cubeMathType");
    op.require(x.type != ACL_FLOAT || cubeMathType != 0, "f32 with cubeMathType 0 is not documented for A2");
    op.same_type(x, kernel);
    op.same_type(x, y);
    op.require(x.shape[1] == kernel.shape[1], "weight has another number of channels than input");
    const bool four = pad.size() == 4;
    const Window window{
        kernel.shape[2],        kernel.shape[3],        step[0],   step[1],  pad[0], four ? pad[1] : pad[0],
        four ? pad[2] : pad[1], four ? pad[3] : pad[1], spread[0], spread[1]};
    window.check(op, x.shape[2], x.shape[3]);
    const int64_t places = window.rows(x.shape[2]) * window.columns(x.shape[3]), channels = kernel.shape[0];
    op.shape_is(y, {x.shape[0], channels, window.rows(x.shape[2]), window.columns(x.shape[3])});
    if (shift) {
      op.shape_is(*shift, {channels});
      op.same_type(*shift, kernel);
    }
    op.workspace((1 << 20) + static_cast<uint64_t>(x.elements()) * 2);
    op.run([=](const Work& work) {
      const Floats in = floats(work[x]), weights = floats(work[kernel]);
      const Floats added = shift ? floats(work[*shift]) : Floats(static_cast<size_t>(channels), 0.0f);
      Floats result(static_cast<size_t>(y.elements()));
      const int64_t picture = x.shape[1] * x.shape[2] * x.shape[3];
      for (int64_t n = 0; n < x.shape[0]; ++n) {
        const Floats lines = unfold(in.data() + n * picture, x.shape[1], x.shape[2], x.shape[3], window);
        float* out = result.data() + n * channels * places;
        multiply(channels, places, kernel.elements() / std::max<int64_t>(channels, 1), weights.data(), lines.data(),
                 false, 0, out);
        for (int64_t i = 0; i < channels * places; ++i) out[i] += added[static_cast<size_t>(i / places)];
      }
      store(work[y], result);
    });
  });
}
SECOND_CALL(aclnnConvolution)

}  // extern "C"
