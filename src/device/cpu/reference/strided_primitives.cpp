// Operators on strided views: line by line, a line being the last extent.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/threads.h"
#include "device/cpu/kernels.h"

namespace lectern::cpu {
namespace {

constexpr int64_t min_share = 16384;  // elements; less is not worth a thread

template <typename View>
int64_t step_of(const View& view) {
  return view.shape.rank() == 0 ? 0 : view.strides[view.shape.rank() - 1];
}

// Where line number `line` of a view begins, in elements.
template <typename View>
int64_t line_offset(const View& view, int64_t line) {
  int64_t offset = 0;
  for (int i = static_cast<int>(view.shape.rank()) - 2; i >= 0; --i) {
    offset += line % view.shape[i] * view.strides[static_cast<size_t>(i)];
    line /= view.shape[i];
  }
  return offset;
}

const float* floats_of(const StridedView& view, int64_t line) {
  return reinterpret_cast<const float*>(view.data) + line_offset(view, line);
}
float* floats_of(const MutableStridedView& view, int64_t line) {
  return reinterpret_cast<float*>(view.data) + line_offset(view, line);
}

// Calls body(line, length of a line).
template <typename Body>
void for_each_line(const Shape& shape, const Body& body) {
  if (shape.elements() == 0) return;
  const int64_t length = shape.rank() == 0 ? 1 : shape[-1];
  const int64_t lines = shape.elements() / length;
  parallel_shares(lines, std::max<int64_t>(1, min_share / length), [&](int64_t first, int64_t last) {
    for (int64_t line = first; line < last; ++line) body(line, length);
  });
}

template <typename Operation>
void for_each_pair(const BinaryArgs& args, const Operation& operation) {
  const int64_t a_step = step_of(args.a);
  const int64_t b_step = args.b ? step_of(args.b) : 0;
  const int64_t out_step = step_of(args.out);
  for_each_line(args.out.shape, [&](int64_t line, int64_t length) {
    const float* a = floats_of(args.a, line);
    const float* b = args.b ? floats_of(args.b, line) : &args.number;
    float* out = floats_of(args.out, line);
    if (a_step == 1 && out_step == 1 && b_step == 1) {
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) out[i] = operation(a[i], b[i]);
    } else if (a_step == 1 && out_step == 1 && b_step == 0) {
      const float same = *b;
#pragma omp simd
      for (int64_t i = 0; i < length; ++i) out[i] = operation(a[i], same);
    } else {
      for (int64_t i = 0; i < length; ++i) out[i * out_step] = operation(a[i * a_step], b[i * b_step]);
    }
  });
}

template <typename Operation>
void for_each_element(const UnaryArgs& args, const Operation& operation) {
  for_each_line(args.out.shape, [&](int64_t line, int64_t length) {
    const float* in = floats_of(args.in, line);
    float* out = floats_of(args.out, line);
    for (int64_t i = 0; i < length; ++i) out[i * step_of(args.out)] = operation(in[i * step_of(args.in)]);
  });
}

// How a data type is read and written as f32.
struct F32 {
  using Stored = float;
  static float read(float x) { return x; }
  static float write(float x) { return x; }
};
struct I32 {
  using Stored = int32_t;
  static float read(int32_t x) { return static_cast<float>(x); }
  static int32_t write(float x) { return static_cast<int32_t>(x); }
};
struct F16 {
  using Stored = uint16_t;
  static float read(uint16_t x) { return f16_to_f32(x); }
  static uint16_t write(float x) { return f32_to_f16(x); }
};
struct Bf16 {
  using Stored = uint16_t;
  static float read(uint16_t x) { return bf16_to_f32(x); }
  static uint16_t write(float x) { return f32_to_bf16(x); }
};

template <typename Body>
void with_type(DataType type, const Body& body) {
  switch (type) {
    case DataType::i32: return body(I32());
    case DataType::f16: return body(F16());
    case DataType::bf16: return body(Bf16());
    default: return body(F32());
  }
}

// Weights in a file may lie at any address.
template <typename Stored>
Stored load(const std::byte* at) {
  Stored value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// Calls body(first byte of a line of in, first element of that line of out, length).
template <typename From, typename To, typename Body>
void for_each_line_of(const CopyArgs& args, const Body& body) {
  for_each_line(args.out.shape, [&](int64_t line, int64_t length) {
    body(args.in.data + line_offset(args.in, line) * static_cast<int64_t>(sizeof(From)),
         reinterpret_cast<To*>(args.out.data) + line_offset(args.out, line), length);
  });
}

void convert(const CopyArgs& args) {
  with_type(args.in.type, [&](auto from) {
    with_type(args.out.type, [&](auto to) {
      using From = typename decltype(from)::Stored;
      using To = typename decltype(to)::Stored;
      const int64_t in_step = step_of(args.in) * static_cast<int64_t>(sizeof(From));
      const int64_t out_step = step_of(args.out);
      for_each_line_of<From, To>(args, [&](const std::byte* in, To* out, int64_t length) {
        for (int64_t i = 0; i < length; ++i)
          out[i * out_step] = decltype(to)::write(decltype(from)::read(load<From>(in + i * in_step)));
      });
    });
  });
}

template <typename Stored>
void move(const CopyArgs& args) {
  const int64_t in_step = step_of(args.in) * static_cast<int64_t>(sizeof(Stored));
  const int64_t out_step = step_of(args.out);
  for_each_line_of<Stored, Stored>(args, [&](const std::byte* in, Stored* out, int64_t length) {
    if (step_of(args.in) == 1 && out_step == 1) {
      std::memmove(out, in, static_cast<size_t>(length) * sizeof(Stored));
    } else {
      for (int64_t i = 0; i < length; ++i) out[i * out_step] = load<Stored>(in + i * in_step);
    }
  });
}

// b [n, k] of any strides as [k, n].
void transpose(const StridedView& b, int64_t batch_offset, std::vector<float>& out) {
  const int64_t n = b.shape[2];
  const int64_t depth = b.shape[3];
  const float* from = reinterpret_cast<const float*>(b.data) + batch_offset;
  out.resize(static_cast<size_t>(n * depth));
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t j = 0; j < n; ++j) out[static_cast<size_t>(k * n + j)] = from[j * b.strides[2] + k * b.strides[3]];
  }
}

}  // namespace

void copy(Device&, const CopyArgs& args) {
  if (args.in.type != args.out.type) return convert(args);
  if (size_of(args.in.type) == 1) return move<uint8_t>(args);
  if (size_of(args.in.type) == 2) return move<uint16_t>(args);
  move<uint32_t>(args);
}

void exp(Device&, const UnaryArgs& args) {
  for_each_element(args, [](float x) { return std::exp(x); });
}
void sqrt(Device&, const UnaryArgs& args) {
  for_each_element(args, [](float x) { return std::sqrt(x); });
}
void add(Device&, const BinaryArgs& args) {
  for_each_pair(args, [](float a, float b) { return a + b; });
}
void subtract(Device&, const BinaryArgs& args) {
  for_each_pair(args, [](float a, float b) { return a - b; });
}
void multiply(Device&, const BinaryArgs& args) {
  for_each_pair(args, [](float a, float b) { return a * b; });
}
void divide(Device&, const BinaryArgs& args) {
  for_each_pair(args, [](float a, float b) { return a / b; });
}
void maximum(Device&, const BinaryArgs& args) {
  for_each_pair(args, [](float a, float b) { return a < b ? b : a; });
}

void where(Device&, const WhereArgs& args) {
  for_each_line(args.out.shape, [&](int64_t line, int64_t length) {
    const float* mask = floats_of(args.mask, line);
    const float* a = floats_of(args.a, line);
    const float* b = floats_of(args.b, line);
    float* out = floats_of(args.out, line);
    for (int64_t i = 0; i < length; ++i) {
      const bool first = mask[i * step_of(args.mask)] != 0;
      out[i * step_of(args.out)] = first ? a[i * step_of(args.a)] : b[i * step_of(args.b)];
    }
  });
}

void reduce_sum(Device&, const ReduceArgs& args) {
  for_each_line(args.in.shape, [&](int64_t line, int64_t length) {
    const float* in = floats_of(args.in, line);
    double sum = 0;
    for (int64_t i = 0; i < length; ++i) sum += static_cast<double>(in[i * step_of(args.in)]);
    *floats_of(args.out, line) = static_cast<float>(sum);
  });
}

void reduce_max(Device&, const ReduceArgs& args) {
  for_each_line(args.in.shape, [&](int64_t line, int64_t length) {
    const float* in = floats_of(args.in, line);
    float most = in[0];
    for (int64_t i = 1; i < length; ++i) most = std::max(most, in[i * step_of(args.in)]);
    *floats_of(args.out, line) = most;
  });
}

void batched_matmul(Device&, const BatchedMatmulArgs& args) {
  const int64_t rows = args.out.shape[2];
  const int64_t n = args.out.shape[3];
  const int64_t depth = args.a.shape[3];
  parallel_for(args.out.shape[0] * args.out.shape[1], [&](int64_t batch) {
    static thread_local std::vector<float> b;
    const int64_t p = batch / args.out.shape[1];
    const int64_t q = batch % args.out.shape[1];
    transpose(args.b, p * args.b.strides[0] + q * args.b.strides[1], b);
    const float* a = reinterpret_cast<const float*>(args.a.data) + p * args.a.strides[0] + q * args.a.strides[1];
    const int64_t row_step = args.a.strides[2];
    const int64_t step = args.a.strides[3];
    // Four rows at a time, which share what is read of b.
    for (int64_t i = 0; i < rows; i += 4) {
      const int64_t last = std::min<int64_t>(4, rows - i) - 1;
      const float* x[4];
      float* y[4];
      for (int64_t r = 0; r < 4; ++r) {
        x[r] = a + (i + std::min(r, last)) * row_step;
        y[r] = args.out.as<float>() + (batch * rows + i + std::min(r, last)) * n;
      }
      for (int64_t r = 0; r <= last; ++r) std::fill_n(y[r], n, 0.0f);
      for (int64_t k = 0; k < depth; ++k) {
        const float* row = b.data() + k * n;
        if (last == 3) {
          const float x0 = x[0][k * step], x1 = x[1][k * step], x2 = x[2][k * step], x3 = x[3][k * step];
          float *y0 = y[0], *y1 = y[1], *y2 = y[2], *y3 = y[3];
#pragma omp simd
          for (int64_t j = 0; j < n; ++j) {
            y0[j] += x0 * row[j];
            y1[j] += x1 * row[j];
            y2[j] += x2 * row[j];
            y3[j] += x3 * row[j];
          }
        } else {
          for (int64_t r = 0; r <= last; ++r) {
            const float factor = x[r][k * step];
            for (int64_t j = 0; j < n; ++j) y[r][j] += factor * row[j];
          }
        }
      }
    }
  });
}

}  // namespace lectern::cpu
