#include "fake_cann/operators/values.h"

#include <dnnl.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "fake_cann/runtime/halves.h"
#include "fake_cann/runtime/stream.h"

namespace fake_cann {
namespace {

// Calls body(place) with the place, from the tensor's start, of every element in the order of the view.
template <typename Body>
void for_each_place(const Tensor& tensor, const Body& body) {
  const int64_t count = tensor.elements();
  if (count == 0) return;
  const size_t rank = tensor.shape.size();
  if (rank == 0) return body(0);
  std::vector<int64_t> at(rank, 0);
  const int64_t inner = tensor.shape[rank - 1];
  const int64_t step = tensor.strides[rank - 1];
  int64_t place = 0;
  for (int64_t done = 0; done < count; done += inner) {
    for (int64_t i = 0; i < inner; ++i) body(place + i * step);
    for (size_t axis = rank - 1; axis-- > 0;) {
      place += tensor.strides[axis];
      if (++at[axis] < tensor.shape[axis]) break;
      place -= tensor.strides[axis] * tensor.shape[axis];
      at[axis] = 0;
    }
  }
}

template <typename T, typename Out, typename Convert>
void read(const Tensor& tensor, Out* out, const Convert& convert) {
  const T* data = tensor.at<const T>();
  for_each_place(tensor, [&](int64_t place) { *out++ = convert(data[place]); });
}

template <typename T, typename In, typename Convert>
void write(const Tensor& tensor, const In* in, const Convert& convert) {
  T* data = tensor.at<T>();
  for_each_place(tensor, [&](int64_t place) { data[place] = convert(*in++); });
}

float saturated_half(float value) {
  return std::isnan(value) ? value : std::fmin(std::fmax(value, -65504.0f), 65504.0f);
}

uint16_t to_half(float value) { return float_to_half(saturating() ? saturated_half(value) : value); }

// Truncated, and kept in range: what lies out of it is undefined on the device as well.
template <typename T, typename In>
T to_integer(In value) {
  if constexpr (std::is_floating_point_v<In>) {
    if (std::isnan(value)) return 0;
    const double wide = static_cast<double>(value);
    if (wide <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
    if (wide >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
    return static_cast<T>(wide);
  } else {
    return static_cast<T>(value);
  }
}

template <typename Value>
void store_values(const Tensor& tensor, std::span<const Value> values) {
  const Value* in = values.data();
  switch (tensor.type) {
    case ACL_FLOAT: return write<float>(tensor, in, [](Value v) { return static_cast<float>(v); });
    case ACL_DOUBLE: return write<double>(tensor, in, [](Value v) { return static_cast<double>(v); });
    case ACL_FLOAT16: return write<uint16_t>(tensor, in, [](Value v) { return to_half(static_cast<float>(v)); });
    case ACL_BF16:
      return write<uint16_t>(tensor, in, [](Value v) { return lectern::f32_to_bf16(static_cast<float>(v)); });
    case ACL_INT8: return write<int8_t>(tensor, in, to_integer<int8_t, Value>);
    case ACL_UINT8: return write<uint8_t>(tensor, in, to_integer<uint8_t, Value>);
    case ACL_BOOL:
      return write<uint8_t>(tensor, in, [](Value v) { return static_cast<uint8_t>(v != Value{0} ? 1 : 0); });
    case ACL_INT16: return write<int16_t>(tensor, in, to_integer<int16_t, Value>);
    case ACL_INT32: return write<int32_t>(tensor, in, to_integer<int32_t, Value>);
    case ACL_INT64: return write<int64_t>(tensor, in, to_integer<int64_t, Value>);
    default: fault("the fake cannot write " + name_of(tensor.type));
  }
}

template <typename Value>
std::vector<Value> load_values(const Tensor& tensor) {
  std::vector<Value> values(static_cast<size_t>(tensor.elements()));
  Value* out = values.data();
  const auto plain = [](auto v) {
    if constexpr (std::is_integral_v<Value>)
      return to_integer<Value>(v);
    else
      return static_cast<Value>(v);
  };
  switch (tensor.type) {
    case ACL_FLOAT: read<float>(tensor, out, plain); break;
    case ACL_DOUBLE: read<double>(tensor, out, plain); break;
    case ACL_FLOAT16: read<uint16_t>(tensor, out, [&](uint16_t v) { return plain(half_to_float(v)); }); break;
    case ACL_BF16: read<uint16_t>(tensor, out, [&](uint16_t v) { return plain(lectern::bf16_to_f32(v)); }); break;
    case ACL_INT8: read<int8_t>(tensor, out, plain); break;
    case ACL_UINT8:
    case ACL_BOOL: read<uint8_t>(tensor, out, plain); break;
    case ACL_INT16: read<int16_t>(tensor, out, plain); break;
    case ACL_INT32: read<int32_t>(tensor, out, plain); break;
    case ACL_INT64: read<int64_t>(tensor, out, plain); break;
    default: fault("the fake cannot read " + name_of(tensor.type));
  }
  return values;
}

}  // namespace

Floats floats(const Tensor& tensor) {
  if (tensor.contiguous()) {
    Floats values(static_cast<size_t>(tensor.elements()));
    if (values.empty()) return values;
    if (tensor.type == ACL_FLOAT) {
      std::memcpy(values.data(), tensor.at<float>(), values.size() * sizeof(float));
      return values;
    }
    if (tensor.type == ACL_FLOAT16) {
      halves_to_floats(tensor.at<uint16_t>(), values.size(), values.data());
      return values;
    }
    if (tensor.type == ACL_BF16) {
      const uint16_t* in = tensor.at<uint16_t>();
      for (size_t i = 0; i < values.size(); ++i) values[i] = lectern::bf16_to_f32(in[i]);
      return values;
    }
  }
  return load_values<float>(tensor);
}

Integers integers(const Tensor& tensor) { return load_values<int64_t>(tensor); }

void store(const Tensor& tensor, std::span<const float> values) {
  if (values.empty()) return;
  if (tensor.contiguous() && tensor.type == ACL_FLOAT) {
    std::memcpy(tensor.at<float>(), values.data(), values.size_bytes());
  } else if (tensor.contiguous() && tensor.type == ACL_FLOAT16 && !saturating()) {
    floats_to_halves(values.data(), values.size(), tensor.at<uint16_t>());
  } else {
    store_values(tensor, values);
  }
}

void store(const Tensor& tensor, std::span<const int64_t> values) { store_values(tensor, values); }

std::vector<std::byte> raw(const Tensor& tensor) {
  const size_t size = tensor.element_bytes();
  std::vector<std::byte> bytes(static_cast<size_t>(tensor.elements()) * size);
  std::byte* out = bytes.data();
  const std::byte* start = bytes_of(tensor.data) + static_cast<size_t>(tensor.offset) * size;
  if (tensor.contiguous()) {
    if (!bytes.empty()) std::memcpy(out, start, bytes.size());
    return bytes;
  }
  for_each_place(tensor, [&](int64_t place) {
    std::memcpy(out, start + static_cast<size_t>(place) * size, size);
    out += size;
  });
  return bytes;
}

void store_raw(const Tensor& tensor, std::span<const std::byte> elements) {
  const size_t size = tensor.element_bytes();
  const std::byte* in = elements.data();
  std::byte* start = bytes_of(tensor.data) + static_cast<size_t>(tensor.offset) * size;
  for_each_place(tensor, [&](int64_t place) {
    std::memcpy(start + static_cast<size_t>(place) * size, in, size);
    in += size;
  });
}

void copy_elements(const Tensor& source, const Tensor& target) {
  if (source.type == target.type) return store_raw(target, raw(source));
  if (is_floating(source.type)) return store(target, floats(source));
  store(target, integers(source));
}

std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    shape[shape.size() - 1 - i] = x == 1 ? y : x;
  }
  return shape;
}

Tensor broadcast(const Tensor& tensor, const Shape& shape) {
  Tensor view = tensor;
  view.shape = shape;
  view.strides.assign(shape.size(), 0);
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    const size_t to = shape.size() - tensor.shape.size() + i;
    view.strides[to] = tensor.shape[i] == 1 && shape[to] != 1 ? 0 : tensor.strides[i];
  }
  return view;
}

Tensor permuted(const Tensor& tensor, const std::vector<int64_t>& order) {
  Tensor view = tensor;
  for (size_t i = 0; i < order.size(); ++i) {
    view.shape[i] = tensor.shape[static_cast<size_t>(order[i])];
    view.strides[i] = tensor.strides[static_cast<size_t>(order[i])];
  }
  return view;
}

Tensor narrowed(const Tensor& tensor, int64_t axis, int64_t start, int64_t length, int64_t step) {
  Tensor view = tensor;
  const auto at = static_cast<size_t>(axis);
  view.offset += start * tensor.strides[at];
  view.shape[at] = length;
  view.strides[at] *= step;
  return view;
}

float rounded_to(aclDataType type, float value) {
  if (type == ACL_FLOAT16) return half_to_float(to_half(value));
  if (type == ACL_BF16) return lectern::bf16_to_f32(lectern::f32_to_bf16(value));
  return value;
}

aclDataType promoted(aclDataType a, aclDataType b) {
  if (a == b) return a;
  if (is_floating(a) && is_floating(b)) return ACL_FLOAT;
  if (is_floating(a) != is_floating(b)) return is_floating(a) ? a : b;
  return aclDataTypeSize(a) >= aclDataTypeSize(b) ? (a == ACL_BOOL ? b : a) : b;
}

bool can_store(aclDataType result, aclDataType out) { return is_floating(out) || !is_floating(result); }

void multiply(int64_t m, int64_t n, int64_t k, const float* a, const float* b, bool b_transposed, float beta,
              float* c) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (int64_t i = 0; i < m * n; ++i) c[i] = beta == 0 ? 0 : beta * c[i];
    return;
  }
  // Few rows are computed as many are: a row of the result does not depend on the rows beside it.
  constexpr int64_t min_rows = 32;
  if (m < min_rows) {
    Floats padded_a(static_cast<size_t>(min_rows * k)), padded_c(static_cast<size_t>(min_rows * n));
    std::copy_n(a, m * k, padded_a.begin());
    if (beta != 0) std::copy_n(c, m * n, padded_c.begin());
    multiply(min_rows, n, k, padded_a.data(), b, b_transposed, beta, padded_c.data());
    std::copy_n(padded_c.begin(), m * n, c);
    return;
  }
  if (dnnl_sgemm('N', b_transposed ? 'T' : 'N', m, n, k, 1.0f, a, k, b, b_transposed ? k : n, beta, c, n) !=
      dnnl_success) {
    fault("the fake's matrix product failed");
  }
}

Split split_at(const Shape& shape, int64_t axis) {
  Split split;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t& part = static_cast<int64_t>(i) < axis   ? split.outer
                    : static_cast<int64_t>(i) > axis ? split.inner
                                                     : split.extent;
    part *= shape[i];
  }
  return split;
}

}  // namespace fake_cann
