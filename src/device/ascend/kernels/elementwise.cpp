// Copies, sums and products element by element, norms, rows by index, and pixels.
#include <algorithm>
#include <cstring>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::ascend {
namespace {

template <typename Byte>
View view_of(const BasicStridedView<Byte>& strided) {
  View view(strided.data, acl_type(strided.type), strided.shape.extents());
  std::copy_n(strided.strides.begin(), view.rank, view.strides.begin());
  return view;
}

// aclnn promises nothing for an output that is an input, except where the name says so.
template <typename Compute>
void into(Device& device, const MutableTensorView& out, DataType type, bool shared, const Compute& compute) {
  if (out.type == type && !shared) return compute(out);
  const Tensor own(device, type, out.shape);
  compute(own.view());
  copy_view(session_of(device), out, own.view());
}

}  // namespace

void copy_view(Session& session, const View& to, const View& from) {
  if (to.elements() != 0) session.call(session.functions().inplace_copy, to, from);
}

void layer_norm(Device& device, const NormArgs& args) {
  const std::array<int64_t, 1> width = {args.in.shape[-1]};
  if (args.in.shape.elements() == 0) return;
  into(device, args.out, DataType::f32, args.out.data == args.in.data, [&](const MutableTensorView& out) {
    Session& session = session_of(device);
    session.call(session.functions().layer_norm, View(args.in), IntegerArray{width}, View(args.weight), View(args.bias),
                 static_cast<double>(args.epsilon), View(out), absent, absent);
  });
}

void rms_norm(Device& device, const NormArgs& args) {
  const int64_t width = args.in.shape[-1];
  const int64_t rows = args.in.shape.rows();
  if (args.in.shape.elements() == 0) return;
  const Tensor factors(device, DataType::f32, {rows});  // asked for, not used
  into(device, args.out, args.in.type, args.out.data == args.in.data, [&](const MutableTensorView& out) {
    Session& session = session_of(device);
    session.call(session.functions().rms_norm, View(args.in, {rows, width}), View(args.weight),
                 static_cast<double>(args.epsilon), View(out, {rows, width}), View(factors.view()));
  });
}

void gather(Device& device, const GatherArgs& args) {
  if (args.indices.shape.elements() == 0) return;
  into(device, args.out, args.table.data.type, false, [&](const MutableTensorView& out) {
    Session& session = session_of(device);
    session.call(session.functions().index_select, View(args.table.data), int64_t{0}, View(args.indices), View(out));
  });
}

// Rows of pictures take the places of their tokens'.
void embed(Device& device, const EmbedArgs& args) {
  gather(device, {args.table, args.step.ids(), args.out});
  lowering::place_pictures(device, args);
}

void copy(Device& device, const CopyArgs& args) { copy_view(session_of(device), view_of(args.out), view_of(args.in)); }

// (x / 255 - 0.5) / 0.5 = x * 2 / 255 - 1.
void normalize_pixels(Device& device, const NormalizePixelsArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  const Functions& f = session.functions();
  session.call(f.cast, View(args.in), ACL_FLOAT, View(args.out));
  session.call(f.inplace_muls, View(args.out), Scalar{2.0f / 255.0f});
  session.call(f.inplace_adds, View(args.out), Scalar{-1}, Scalar{1});
}

void softmax(Device& device, const LineArgs& args) {
  if (args.in.shape.elements() == 0) return;
  into(device, args.out, DataType::f32, args.out.data == args.in.data, [&](const MutableTensorView& out) {
    Session& session = session_of(device);
    session.call(session.functions().softmax, View(args.in), int64_t{-1}, View(out));
  });
}

void gather_rows(Device& device, const RowsArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  session.call(session.functions().index_select, View(args.in), int64_t{0}, View(args.indices), View(args.out));
}

void scatter_rows(Device& device, const RowsArgs& args) {
  if (args.in.shape.elements() == 0) return;
  Session& session = session_of(device);
  session.call(session.functions().inplace_index_copy, View(args.out), int64_t{0}, View(args.indices), View(args.in));
}

namespace {

// compute(a, b, out) with an output of its own where it is an input.
template <typename Compute>
void pairwise(Device& device, const BinaryArgs& args, const Compute& compute) {
  if (args.out.shape.elements() == 0) return;
  const View a = view_of(args.a);
  const View b = args.b ? view_of(args.b) : View();
  const View out = view_of(args.out);
  if (out.data != a.data && out.data != b.data) return compute(a, b, out);
  const Tensor own(device, args.out.type, args.out.shape);
  compute(a, b, own.view());
  copy_view(session_of(device), out, own.view());
}

void add_scaled(Device& device, const BinaryArgs& args, float factor) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const bool in_place = args.out.data == args.a.data && args.out.strides == args.a.strides;
  if (args.b && in_place && args.out.data != args.b.data && args.out.shape.elements() != 0)
    return session.call(f.inplace_add, view_of(args.out), view_of(args.b), Scalar{factor});
  pairwise(device, args, [&](const View& a, const View& b, const View& out) {
    if (args.b) return session.call(f.add, a, b, Scalar{factor}, out);
    copy_view(session, out, a);
    session.call(f.inplace_adds, out, Scalar{args.number}, Scalar{factor});
  });
}

}  // namespace

void add(Device& device, const BinaryArgs& args) { add_scaled(device, args, 1); }
void subtract(Device& device, const BinaryArgs& args) { add_scaled(device, args, -1); }

void multiply(Device& device, const BinaryArgs& args) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  pairwise(device, args, [&](const View& a, const View& b, const View& out) {
    if (args.b) return session.call(f.mul, a, b, out);
    copy_view(session, out, a);
    session.call(f.inplace_muls, out, Scalar{args.number});
  });
}

void divide(Device& device, const BinaryArgs& args) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  pairwise(device, args, [&](const View& a, const View& b, const View& out) {
    if (args.b) return session.call(f.div, a, b, out);
    copy_view(session, out, a);
    session.call(f.inplace_muls, out, Scalar{1 / args.number});
  });
}

void batched_matmul(Device& device, const BatchedMatmulArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  session.call(session.functions().matmul, view_of(args.a), view_of(args.b).permuted({0, 1, 3, 2}), View(args.out),
               int8_t{0});
}

// A product with ones.
void reduce_sum(Device& device, const ReduceArgs& args) {
  if (args.out.shape.elements() == 0) return;
  Session& session = session_of(device);
  const int64_t width = args.in.shape[-1];
  const auto bytes = static_cast<size_t>(width) * sizeof(float);
  const std::byte* ones =
      session.constant("ones " + std::to_string(width), bytes, [](std::byte* to, size_t, size_t count) {
        std::fill_n(reinterpret_cast<float*>(to), count / sizeof(float), 1.0f);
      });
  const Tensor dense(device, DataType::f32, args.in.shape);
  const Tensor sums(device, DataType::f32, args.out.shape);
  copy_view(session, dense.view(), view_of(args.in));
  const int64_t rows = args.in.shape.rows();
  session.call(session.functions().matmul, View(dense, {rows, width}), View(ones, ACL_FLOAT, {width, 1}),
               View(sums, {rows, 1}), int8_t{0});
  copy_view(session, view_of(args.out), sums.view());
}

}  // namespace lectern::ascend
