// Arithmetic and memory traffic of a call of an operator, from its arguments alone; for the profile.
#pragma once

#include "device/operators/operator_table.h"

namespace lectern {

struct Work {
  double operations = 0;  // a multiplication and an addition are two
  double bytes = 0;       // read and written at least once
  Work& operator+=(const Work& other) {
    operations += other.operations;
    bytes += other.bytes;
    return *this;
  }
};

inline double bytes_of(const TensorView& view) { return view.data == nullptr ? 0 : static_cast<double>(view.bytes()); }
inline double bytes_of(const Weight& weight) { return bytes_of(weight.data); }
// What is repeated counts once.
template <typename Byte>
double bytes_of(const BasicStridedView<Byte>& view) {
  double bytes = view.data == nullptr ? 0 : static_cast<double>(size_of(view.type));
  for (size_t i = 0; i < view.shape.rank(); ++i)
    bytes *= view.strides[i] == 0 ? 1.0 : static_cast<double>(view.shape[static_cast<int>(i)]);
  return bytes;
}

// Of operators bound by memory: reading and writing their views.
template <typename Args>
Work work_of(const Args& args) {
  Work work;
  const auto count = [&](const auto& view) { work.bytes += bytes_of(view); };
  if constexpr (requires { args.in; }) count(args.in);
  if constexpr (requires { args.out; }) count(args.out);
  if constexpr (requires { args.a; }) count(args.a);
  if constexpr (requires { args.b; }) count(args.b);
  if constexpr (requires { args.x; }) work.bytes += 2 * bytes_of(args.x);
  if constexpr (requires { args.weight; }) count(args.weight);
  if constexpr (requires {
                  args.keys;
                  args.values;
                })
    work.bytes += 2 * (bytes_of(args.keys) + bytes_of(args.values));
  return work;
}

// Of those bound by arithmetic, or that read other memory than their views.
Work work_of(const LinearArgs&);
Work work_of(const GatedLinearArgs&);
Work work_of(const ProjectQkvArgs&);
Work work_of(const Conv2dArgs&);
Work work_of(const AttentionArgs&);
Work work_of(const PagedAttentionArgs&);
// Rows choose experts independently of each other and alike, as far as the weights that are read go.
Work work_of(const ExpertsArgs&);
Work work_of(const MixtureOfExpertsArgs&);
Work work_of(const GroupedLinearArgs&);
Work work_of(const EmbedArgs&);
Work work_of(const SampleArgs&);
Work work_of(const GatherArgs&);
Work work_of(const ArgmaxArgs&);
Work work_of(const GemmArgs&);
Work work_of(const BatchedMatmulArgs&);

}  // namespace lectern
