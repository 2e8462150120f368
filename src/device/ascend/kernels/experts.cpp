// Mixture of experts without a round trip to the host: gate, sort by expert, grouped products, weighted sum. Shapes
// depend on the number of rows alone.
#include <algorithm>
#include <cstring>
#include <string>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"

namespace lectern::ascend {
namespace {

constexpr int64_t single_output = 3;   // splitItem: one tensor in, one out
constexpr int64_t by_rows = 0;         // groupType
constexpr int64_t counts_of_rows = 1;  // groupListType

// Which experts a row takes, and how much of each: f32 and i32 [rows, top_k].
struct Choice {
  Choice(Device& device, const ExpertsArgs& args, const TensorView& gated)
      : scores(device, DataType::f32, {args.in.shape[0], args.top_k}),
        experts(device, DataType::i32, {args.in.shape[0], args.top_k}) {
    Session& session = session_of(device);
    const Functions& f = session.functions();
    const int64_t rows = args.in.shape[0];
    const Tensor logits(device, DataType::f32, {rows, args.router.out()});
    device.linear({.in = gated, .weight = args.router, .out = logits});
    if (args.renormalise) {  // the softmax over all, renormalised over some, is the softmax over these
      const Tensor largest(device, DataType::f32, scores.shape());
      const Tensor indices(device, DataType::i64, scores.shape());
      session.call(f.topk, View(logits.view()), int64_t{args.top_k}, int64_t{-1}, true, true, View(largest.view()),
                   View(indices.view()));
      session.call(f.softmax, View(largest.view()), int64_t{-1}, View(scores.view()));
      session.call(f.cast, View(indices.view()), ACL_INT32, View(experts.view()));
    } else {
      const Tensor rows_by_choice(device, DataType::i32, scores.shape());  // asked for, not used
      session.call(f.moe_gating, View(logits.view()), absent, int64_t{args.top_k}, View(scores.view()),
                   View(experts.view()), View(rows_by_choice.view()));
    }
    if (args.scale != 1) session.call(f.inplace_muls, View(scores.view()), Scalar{args.scale});
  }
  Tensor scores, experts;
};

// Of every expert that the router knows; one of another rank multiplies by zeros, since a grouped product leaves rows
// of no group as they were.
std::vector<View> for_all(Session& session, const ExpertsArgs& args, const std::vector<View>& own) {
  const auto count = static_cast<size_t>(args.router.out());
  if (own.size() == count) return own;
  const View& shape = own.front();
  const size_t bytes = static_cast<size_t>(shape.elements()) * sizeof(uint16_t);
  View none = shape;
  none.data = session.constant("no expert " + std::to_string(bytes), bytes,
                               [](std::byte* to, size_t, size_t size) { std::memset(to, 0, size); });
  std::vector<View> all(count, none);
  std::ranges::copy(own, all.begin() + args.first_expert);
  return all;
}

// Every step-th part of a stack, from the first on.
std::vector<View> weights_of(const WeightStack& stack, size_t first, size_t step) {
  std::vector<View> views;
  for (size_t i = first; i < stack.parts.size(); i += step) views.push_back(transposed(stack[i].data));
  return views;
}

// Gate and up as one matrix of every expert, where they lie together; else empty.
std::vector<View> gates_and_ups(const ExpertBank& experts) {
  std::vector<View> views;
  const TensorView& all = experts.gates_and_ups.together;
  const int64_t both = 2 * experts.gate(0).out();
  for (int64_t e = 0; all && e < experts.count(); ++e) views.push_back(transposed(all.slice(e * both, both)));
  return views;
}

// out [rows, out] = in [rows, in], rows sorted by expert, times the weights of each; counts i64 [experts].
void grouped_product(Session& session, const View& in, const std::vector<View>& weights, const View& counts,
                     const View& out) {
  const Functions& f = session.functions();
  const auto call = [&](const auto& function, const auto&... tuning) {
    session.call(function, ViewList{{&in, 1}}, ViewList{weights}, absent, absent, absent, absent, absent, absent,
                 counts, absent, absent, absent, single_output, by_rows, counts_of_rows, int64_t{0}, tuning...,
                 ViewList{{&out, 1}}, absent, absent);
  };
  if (f.grouped_matmul_v5) {
    call(f.grouped_matmul_v5, absent);
  } else {
    call(f.grouped_matmul_v4);
  }
}

}  // namespace

Tensor gated(Device& device, const TensorView& both) {
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t rows = both.shape[0];
  const int64_t inner = both.shape[1] / 2;
  Tensor result(device, both.type, {rows, inner});
  if (f.swi_glu) {
    session.call(f.swi_glu, View(both), int64_t{-1}, View(result.view()));
    return result;
  }
  const Tensor gate(device, both.type, {rows, inner});
  session.call(f.silu, View(both).slice(1, 0, inner), View(gate.view()));
  session.call(f.mul, View(gate.view()), View(both).slice(1, inner, inner), View(result.view()));
  return result;
}

Tensor experts_sum(Device& device, const ExpertsArgs& args, const TensorView& gated_by) {
  const int64_t rows = args.in.shape[0];
  const int64_t width = args.in.shape[1];
  const int64_t count = args.router.out();
  const int64_t slots = rows * args.top_k;
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const DataType type = args.experts.gate(0).data.type;
  const int64_t inner = args.experts.gate(0).out();
  const Choice choice(device, args, gated_by);

  const Tensor sorted(device, args.in.type, {slots, width});
  const Tensor places(device, DataType::i32, {slots});  // where each choice of a row went
  const Tensor rows_of_expert(device, DataType::i32, {count});
  constexpr int64_t as_counts = 2;
  session.call(f.moe_routing, View(args.in), View(choice.experts.view()), int64_t{0}, int64_t{0}, count, int64_t{0},
               as_counts, false, View(sorted.view()), View(places.view()), View(rows_of_expert.view()), absent);
  const Tensor counts(device, DataType::i64, {count});
  session.call(f.cast, View(rows_of_expert.view()), ACL_INT64, View(counts.view()));

  Tensor hidden;
  if (const std::vector<View> weights = gates_and_ups(args.experts); !weights.empty()) {
    const Tensor both(device, type, {slots, 2 * inner});
    grouped_product(session, sorted.view(), for_all(session, args, weights), counts.view(), both.view());
    hidden = gated(device, both);
  } else {
    const Tensor gate(device, type, {slots, inner});
    const Tensor up(device, type, {slots, inner});
    const Tensor activated(device, type, {slots, inner});
    const WeightStack& firsts = args.experts.gates_and_ups;
    grouped_product(session, sorted.view(), for_all(session, args, weights_of(firsts, 0, 2)), counts.view(),
                    gate.view());
    grouped_product(session, sorted.view(), for_all(session, args, weights_of(firsts, 1, 2)), counts.view(), up.view());
    session.call(f.silu, View(gate.view()), View(activated.view()));
    hidden = Tensor(device, type, {slots, inner});
    session.call(f.mul, View(activated.view()), View(up.view()), View(hidden.view()));
  }
  const Tensor down(device, type, {slots, width});
  grouped_product(session, hidden.view(), for_all(session, args, weights_of(args.experts.downs, 0, 1)), counts.view(),
                  down.view());
  Tensor sum(device, type, {rows, width});
  session.call(f.moe_unpermute, View(down.view()), View(places.view()), View(choice.scores.view()), false, absent,
               View(sum.view()));
  return sum;
}

void experts(Device& device, const ExpertsArgs& args) {
  if (args.in.shape[0] * args.top_k == 0) return;
  Session& session = session_of(device);
  const Tensor sum = experts_sum(device, args, args.in);
  session.call(session.functions().inplace_add, View(args.out), View(sum.view()), Scalar{1});
}

}  // namespace lectern::ascend
