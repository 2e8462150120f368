// Which operators a device has, for which data types, and what replaces those it lacks.
#pragma once

#include <array>
#include <bitset>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/operators.h"

namespace lectern {

// Those that the model calls; then those that replacements are made of; last those that nothing replaces.
#define LECTERN_OPERATORS(X) \
  X(linear)                  \
  X(conv2d)                  \
  X(unfold)                  \
  X(layer_norm)              \
  X(rms_norm)                \
  X(attention)               \
  X(store)                   \
  X(paged_attention)         \
  X(rope)                    \
  X(experts)                 \
  X(gather)                  \
  X(copy)                    \
  X(add)                     \
  X(multiply)                \
  X(pixels)                  \
  X(activate)                \
  X(softmax)                 \
  X(grouped_linear)          \
  X(top_k)                   \
  X(sort)                    \
  X(gather_rows)             \
  X(scatter_rows)            \
  X(scatter_add)             \
  X(masked_scatter)          \
  X(cumulative_sum)          \
  X(select)                  \
  X(minus)                   \
  X(rearrange)               \
  X(product)                 \
  X(matmul)                  \
  X(plus)                    \
  X(times)                   \
  X(divide)                  \
  X(maximum)                 \
  X(exp)                     \
  X(sqrt)                    \
  X(reduce_sum)              \
  X(reduce_max)

#define LECTERN_NAME(name) name,
enum class Operator : uint8_t { LECTERN_OPERATORS(LECTERN_NAME) };
#undef LECTERN_NAME

inline constexpr auto operator_count = static_cast<size_t>(Operator::reduce_max) + 1;
inline constexpr auto model_operator_count = static_cast<size_t>(Operator::pixels) + 1;
using OperatorSet = std::bitset<operator_count>;

std::string_view name_of(Operator which);
// Every operator, in the order above.
std::span<const Operator> all_operators();
inline bool is_called_by_model(Operator which) { return static_cast<size_t>(which) < model_operator_count; }
// Whether it takes or gives inner values; the others compute in f32 alone.
bool has_inner_types(Operator which);

// Names between commas; "all" is every operator that can be replaced (a device that lacks what a replacement is made of
// keeps its own), and a profile's name is what that profile lacks.
// Throws Error for a name that is none of these.
OperatorSet parse_operators(std::string_view names);

// What some combination of a device and its software is known to lack.
struct Profile {
  std::string_view name, without, description;
};
std::span<const Profile> profiles();

// One way to replace an operator: exact, and made of others.
struct Lowering {
  Operator replaces;
  std::vector<Operator> made_of;
  void (*install)(Operators&);
};
std::span<const Lowering> all_lowerings();

inline constexpr std::array<DataType, 3> inner_types = {DataType::f32, DataType::f16, DataType::bf16};

// Whether a device's own function serves values of this inner type.
using TypeSupport = std::function<bool(Operator, DataType)>;

class OperatorTable {
 public:
  // `native` is what the device has, for the types that `supports` names: for every type where it is empty; less
  // `without`. What can be replaced is: by the first way whose operators are all native, else by the last possible.
  OperatorTable(const Operators& native, const TypeSupport& supports, const OperatorSet& without);

  // To be called for values of an inner type; an entry that is absent throws Error.
  const Operators& functions(DataType type) const { return of(type).functions; }
  bool is_absent(Operator which, DataType type) const;
  // How it is replaced; null where it is native or absent.
  const Lowering* lowering(Operator which, DataType type) const;
  // "native", "absent", or what it is made of: "unfold + linear".
  std::string describe(Operator which, DataType type) const;

  // The operators replaced when a model runs with values of these types, those within replacements among them.
  std::vector<Operator> lowered(std::span<const DataType> types) const;
  // What keeps a model from running: every operator that it needs, at first or second hand, and that is absent
  // without anything to make it of.
  std::vector<Operator> missing(std::span<const DataType> types) const;

 private:
  struct Plan {
    Operators functions;
    std::array<const Lowering*, operator_count> lowerings{};
  };
  class Planner;
  const Plan& of(DataType type) const;
  // Calls visit(operator, type) for all that a model reaches.
  template <typename Visit>
  void walk(std::span<const DataType> types, const Visit& visit) const;

  std::array<Plan, inner_types.size()> plans_;
};

}  // namespace lectern
