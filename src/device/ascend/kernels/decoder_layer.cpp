// What surrounds attention in a layer of a decoder, with as few calls as CANN allows: sums go with the norms behind
// them, projections of one input are one product, keys and values are written together.
#include <cstring>
#include <string>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"
#include "device/step_batch.h"

namespace lectern::ascend {
namespace {

// A norm of x, or of x + pending, which is written to `sum`. `wide` is the same in f32, where x is.
struct Normed {
  Normed(Device& device, const TensorView& x, const TensorView& pending, const MutableTensorView& sum,
         const TensorView& weight, float epsilon, DataType inner)
      : narrow(device, inner, x.shape) {
    Session& session = session_of(device);
    if (!pending) {
      if (x.type != inner) wide = Tensor(device, x.type, x.shape);
      const Tensor& out = wide ? wide : narrow;
      device.rms_norm({.in = x, .weight = weight, .epsilon = epsilon, .out = out});
      if (wide) copy_view(session, narrow.view(), wide.view());
      return;
    }
    const Tensor factors(device, DataType::f32, {x.shape[0], 1});  // asked for, not used
    session.call(session.functions().add_rms_norm, View(x), View(pending), Narrowed(device, weight, inner).view(),
                 static_cast<double>(epsilon), View(narrow.view()), View(factors.view()), View(sum));
  }
  Tensor narrow, wide;
};

// q, k and v of one input as one grouped product; false where CANN has none.
bool multiply_each(Session& session, const TensorView& in, const std::vector<Weight>& weights,
                   std::span<const View> outs) {
  const Functions& f = session.functions();
  if (!f.grouped_matmul_v5 && !f.grouped_matmul_v4) return false;
  const std::vector<View> ins(weights.size(), View(in));
  std::vector<View> matrices;
  matrices.reserve(weights.size());
  for (const Weight& weight : weights) matrices.push_back(transposed(weight.data));
  constexpr int64_t separate = 0;    // splitItem: as many outs as ins
  constexpr int64_t no_groups = -1;  // groupType
  const auto call = [&](const auto& function, const auto&... tuning) {
    session.call(function, ViewList{ins}, ViewList{matrices}, absent, absent, absent, absent, absent, absent, absent,
                 absent, absent, absent, separate, no_groups, int64_t{0}, int64_t{0}, tuning..., ViewList{outs}, absent,
                 absent);
  };
  if (f.grouped_matmul_v5) {
    call(f.grouped_matmul_v5, absent);
  } else {
    call(f.grouped_matmul_v4);
  }
  return true;
}

// [rows, width] from one row of zeros: what is captured copies nothing from the host.
void clear(Session& session, const MutableTensorView& values) {
  const int64_t width = values.shape[1];
  const size_t bytes = static_cast<size_t>(width) * size_of(values.type);
  const std::byte* const zeros = session.constant("zeros " + std::to_string(bytes), bytes,
                                                  [](std::byte* to, size_t, size_t size) { std::memset(to, 0, size); });
  const View row(zeros, acl_type(values.type), {width});
  copy_view(session, View(values), row.strided(0, {values.shape[0], width}, {0, 1}));
}

}  // namespace

void project_qkv(Device& device, const ProjectQkvArgs& args) {
  const int64_t rows = args.x.shape[0];
  if (rows == 0) return;
  Session& session = session_of(device);
  const DataType inner = args.queries.type;
  const Normed normed(device, args.x, args.pending, args.sum, args.norm, args.epsilon, inner);
  const int64_t width = args.k().out();
  const Tensor both(device, inner, {2 * rows, width});  // keys, values
  const MutableTensorView keys = both.view().slice(0, rows);
  const MutableTensorView values = both.view().slice(rows, rows);
  const std::vector<Weight>& weights = args.qkv.parts;
  const std::array<View, 3> outs = {View(args.queries), View(keys), View(values)};
  if (!multiply_each(session, normed.narrow, weights, outs)) {
    for (size_t i = 0; i < weights.size(); ++i)
      product(device, View(normed.narrow.view()), transposed(weights[i].data), outs[i]);
  }
  rope_both(device, {args.queries, args.heads, args.theta, args.step},
            {keys, args.cache.kv_heads, args.theta, args.step});
  if (!write_both(device, args.step, args.cache, both)) device.write_kv({keys, values, args.step, args.cache});
}

void mixture_of_experts(Device& device, const MixtureOfExpertsArgs& args) {
  const int64_t rows = args.x.shape[0];
  if (rows == 0) return;
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const Normed normed(device, args.x, args.pending, args.sum, args.norm, args.epsilon, args.compute_type);
  const bool narrow = args.x.type == args.compute_type;
  // What is added to; of a wide stream, with a rest of its own, that rest.
  const MutableTensorView residual = args.rest && !narrow ? args.rest : args.pending ? args.sum : args.x;
  const TensorView exact = normed.wide ? TensorView(normed.wide) : TensorView(normed.narrow);
  const bool is_shared = args.shared.count() > 0;
  Tensor sum;
  if (args.experts.count() > 0) sum = experts_sum(device, args.of_experts(normed.narrow), exact);
  Tensor hidden;
  if (is_shared) {
    hidden = Tensor(device, args.compute_type, {rows, args.shared.gate(0).out()});
    device.gated_linear({.in = normed.narrow, .gate_up = args.shared.gates_and_ups, .out = hidden});
  }
  const auto add = [&](const TensorView& part) { session.call(f.inplace_add, View(residual), View(part), Scalar{1}); };
  if (args.rest && (!narrow || (!sum && !is_shared))) clear(session, args.rest);
  if (!is_shared) {
    if (!sum) return;
    return args.rest && narrow ? copy_view(session, View(args.rest), View(sum.view())) : add(sum);
  }
  if (!narrow) {  // each part alone is further from overflow than both
    if (sum) add(sum);
    return device.linear({.in = hidden, .weight = args.shared.down(0), .residual = residual, .out = residual});
  }
  const Tensor own = args.rest ? Tensor() : Tensor(device, args.compute_type, residual.shape);
  const MutableTensorView out = args.rest ? args.rest : own.view();
  const View down = transposed(args.shared.down(0).data);
  if (sum && f.addmm) {
    session.call(f.addmm, View(sum.view()), View(hidden.view()), down, Scalar{1}, Scalar{1}, View(out), keep_types);
  } else {
    session.call(f.matmul, View(hidden.view()), down, View(out), keep_types);
    if (sum) session.call(f.inplace_add, View(out), View(sum.view()), Scalar{1});
  }
  if (own) add(own);
}

}  // namespace lectern::ascend
