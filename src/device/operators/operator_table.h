// Operator table: which operators a device has, for which data types, and what replaces those it lacks.
#pragma once

#include <array>
#include <bitset>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "device/operators/operators.h"
#include "device/operators/primitives.h"

namespace lectern {

// All operators: those that the model calls, then the primitives.
#define LECTERN_OPERATORS(X) LECTERN_MODEL_OPERATORS(X) LECTERN_PRIMITIVES(X)

// The functions of a device; null where it has none.
struct Operators {
#define LECTERN_ENTRY(name, Args, type) void (*name)(Device&, const Args&) = nullptr;
  LECTERN_OPERATORS(LECTERN_ENTRY)
#undef LECTERN_ENTRY
};

// Declares a function for every operator, to be defined for those that a device has.
#define LECTERN_DECLARE_KERNEL(name, Args, type) void name(Device&, const Args&);

#define LECTERN_NAME(name, Args, type) name,
enum class Operator : uint8_t { LECTERN_OPERATORS(LECTERN_NAME) };
#undef LECTERN_NAME

#define LECTERN_ONE(name, Args, type) +1
inline constexpr size_t operator_count = LECTERN_OPERATORS(LECTERN_ONE);
#undef LECTERN_ONE
using OperatorSet = std::bitset<operator_count>;

std::string_view name_of(Operator which);
// Every operator, in the order above.
std::span<const Operator> all_operators();
bool is_called_by_model(Operator which);
// Whether its operands may be of the compute type; other operators compute in f32 alone.
bool has_compute_types(Operator which);

// Names between commas; "all" is every operator that can be replaced (a device that lacks what a replacement is made of
// keeps its own), and a profile's name is what that profile lacks.
// Throws Error for an unknown name.
OperatorSet parse_operators(std::string_view names);
// Every operator that can be replaced by others, in f32.
OperatorSet replaceable_operators();

// A combination of a device and its software, with the operators that it is known to lack.
struct Profile {
  std::string_view name, without, description;
};
std::span<const Profile> profiles();

// One way to replace an operator exactly by others. If these include the operator itself, its f32 version replaces
// those of other types. If there are none, the host computes it.
struct Lowering {
  Operator replaces;
  std::vector<Operator> made_of;
  void (*install)(Operators&);
};
std::span<const Lowering> all_lowerings();

inline constexpr std::array<DataType, 3> all_compute_types = {DataType::f32, DataType::f16, DataType::bf16};

// Whether a device's own function serves values of this compute type.
using TypeSupport = std::function<bool(Operator, DataType)>;

class OperatorTable {
 public:
  // `native` is what the device has, for the types that `supports` names: for every type where it is empty; less
  // `without`. What can be replaced is: by the first way whose operators are all native, else by the last possible.
  OperatorTable(const Operators& native, const TypeSupport& supports, const OperatorSet& without);

  // To be called for values of a compute type; an entry that is absent throws Error.
  const Operators& functions(DataType type) const { return of(type).functions; }
  bool is_absent(Operator which, DataType type) const;
  // How it is replaced; null where it is native or absent.
  const Lowering* lowering(Operator which, DataType type) const;
  // "native", "absent", or what it is made of: "im2col + linear"; "host".
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

  std::array<Plan, all_compute_types.size()> plans_;
};

}  // namespace lectern
