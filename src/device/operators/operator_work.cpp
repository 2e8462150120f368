#include "device/operators/operator_work.h"

#include <algorithm>
#include <cmath>

#include "device/step_batch.h"

namespace lectern {
namespace {

Work product(double rows, const Weight& weight) {
  return {2 * rows * static_cast<double>(weight.out()) * static_cast<double>(weight.in()), bytes_of(weight)};
}

double elements(const TensorView& view) { return static_cast<double>(view.shape.elements()); }

// The part of `count` experts that somebody chooses.
double chosen_part(double rows, double choices, double count) { return 1 - std::pow(1 - choices / count, rows); }

}  // namespace

Work work_of(const LinearArgs& args) {
  Work work = product(elements(args.in) / static_cast<double>(args.weight.in()), args.weight);
  work.bytes += bytes_of(args.in) + bytes_of(args.bias) + bytes_of(args.residual) + bytes_of(args.out);
  return work;
}

Work work_of(const GatedLinearArgs& args) {
  const double rows = elements(args.in) / static_cast<double>(args.gate().in());
  Work work = product(rows, args.gate());
  work += product(rows, args.up());
  work.bytes += bytes_of(args.in) + bytes_of(args.out);
  return work;
}

Work work_of(const ProjectQkvArgs& args) {
  Work work = {0, bytes_of(args.x) + bytes_of(args.queries)};
  for (const Weight& weight : args.qkv.parts) work += product(static_cast<double>(args.x.shape[0]), weight);
  return work;
}

Work work_of(const Conv2dArgs& args) {
  Work work = product(elements(args.out) / static_cast<double>(args.weight.out()), args.weight);
  work.bytes += bytes_of(args.in) + bytes_of(args.out);
  return work;
}

Work work_of(const AttentionArgs& args) {
  const double places = static_cast<double>(args.qkv.shape[1] * args.qkv.shape[2]);
  const double keys = args.window > 0 ? static_cast<double>(args.window) * args.window : places;
  // Two products of every query with every key, and what every query adds by line and column.
  const double relative = args.relative_height ? elements(args.out) * 4 * std::sqrt(keys) : 0;
  return {4 * elements(args.out) * keys + relative, bytes_of(args.qkv) + bytes_of(args.out)};
}

Work work_of(const PagedAttentionArgs& args) {
  const double of_token =
      static_cast<double>(args.cache.format.page_bytes) / std::max(1, args.cache.format.page_tokens);
  Work work = {0, bytes_of(args.queries) + bytes_of(args.out)};
  for (const SequenceRows& sequence : args.step.sequences()) {
    const auto rows = static_cast<double>(sequence.rows);
    const int64_t seen = args.window > 0 ? sequence.prompt + args.window : sequence.position;
    const auto past = static_cast<double>(std::min(sequence.position, seen));
    work.operations += 4 * args.heads * static_cast<double>(args.cache.head_size) * rows * (past + (rows + 1) / 2);
    work.bytes += (past + rows) * of_token;
  }
  return work;
}

Work work_of(const ExpertsArgs& args) {
  const auto rows = static_cast<double>(args.in.shape[0]);
  Work work = product(rows, args.router);
  work.bytes += bytes_of(args.in) + 2 * bytes_of(args.out);
  if (args.experts.count() == 0) return work;
  // Of those that are here.
  const auto own = static_cast<double>(args.experts.count());
  const auto count = static_cast<double>(args.router.out());
  const double read = chosen_part(rows, args.top_k, count) * own;
  for (const Weight* part : {&args.experts.gate(0), &args.experts.up(0), &args.experts.down(0)}) {
    work.operations += product(rows * args.top_k * own / count, *part).operations;
    work.bytes += read * bytes_of(*part);
  }
  return work;
}

Work work_of(const MixtureOfExpertsArgs& args) {
  Work work = {0, 2 * bytes_of(args.x)};
  const TensorView& x = args.x;
  if (args.experts.count() > 0)
    work += work_of(ExpertsArgs{.in = x, .router = args.router, .experts = args.experts, .top_k = args.top_k});
  if (args.shared.count() == 0) return work;
  for (const Weight* weight : {&args.shared.gate(0), &args.shared.up(0), &args.shared.down(0)})
    work += product(static_cast<double>(x.shape[0]), *weight);
  return work;
}

Work work_of(const GroupedLinearArgs& args) {
  const Weight& one = args.weight(0);
  const auto rows = static_cast<double>(args.in.shape[0]);
  const auto count = static_cast<double>(args.count());
  return {product(rows, one).operations,
          bytes_of(args.in) + bytes_of(args.out) + chosen_part(rows, 1, count) * count * bytes_of(one)};
}

Work work_of(const EmbedArgs& args) { return {0, 2 * bytes_of(args.out)}; }

Work work_of(const SampleArgs& args) {
  Work work = product(static_cast<double>(args.logits.shape[0]), args.head);
  work.bytes += 2 * bytes_of(args.logits);
  return work;
}

Work work_of(const GatherArgs& args) { return {0, 2 * bytes_of(args.out)}; }

Work work_of(const ArgmaxArgs& args) { return {0, bytes_of(args.logits)}; }

Work work_of(const GemmArgs& args) {
  Work work = product(static_cast<double>(args.in.shape[0]), args.weight);
  work.bytes += bytes_of(args.in) + bytes_of(args.out);
  return work;
}

Work work_of(const BatchedMatmulArgs& args) {
  return {2 * elements(args.out) * static_cast<double>(args.a.shape[-1]),
          bytes_of(args.a) + bytes_of(args.b) + bytes_of(args.out)};
}

}  // namespace lectern
