#include "device/operators/operator_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lectern/error.h"

namespace lectern {
namespace {

#define LECTERN_NAME(name, Args, type) #name,
constexpr std::array<std::string_view, operator_count> names = {LECTERN_OPERATORS(LECTERN_NAME)};
#undef LECTERN_NAME

#define LECTERN_RULE(name, Args, type) #type,
constexpr std::array<std::string_view, operator_count> type_rules = {LECTERN_OPERATORS(LECTERN_RULE)};
#undef LECTERN_RULE

constexpr std::array<Operator, operator_count> operators = [] {
  std::array<Operator, operator_count> all{};
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Operator>(i);
  return all;
}();

constexpr size_t index_of(Operator which) { return static_cast<size_t>(which); }

size_t index_of(DataType type) {
  const auto found = std::ranges::find(all_compute_types, type);
  return found == all_compute_types.end() ? 0 : static_cast<size_t>(found - all_compute_types.begin());
}

bool has(const Operators& table, Operator which) {
  switch (which) {
#define LECTERN_CASE(name, Args, type) \
  case Operator::name: return table.name != nullptr;
    LECTERN_OPERATORS(LECTERN_CASE)
#undef LECTERN_CASE
  }
  return false;
}

void take(Operators& table, Operator which, const Operators& from) {
  switch (which) {
#define LECTERN_CASE(name, Args, type) \
  case Operator::name: table.name = from.name; return;
    LECTERN_OPERATORS(LECTERN_CASE)
#undef LECTERN_CASE
  }
}

// Stands where nothing replaces an operator that a device lacks; calling it is an error, not a crash.
const Lowering no_way = {Operator::linear, {}, nullptr};

void refuse(Operators& table, Operator which) {
  switch (which) {
#define LECTERN_CASE(name, Args, type)                                          \
  case Operator::name:                                                          \
    table.name = [](Device&, const auto&) {                                     \
      throw Error("the device has no operator " #name, ErrorCode::unsupported); \
    };                                                                          \
    return;
    LECTERN_OPERATORS(LECTERN_CASE)
#undef LECTERN_CASE
  }
}

// Made of the same operator in f32.
bool is_conversion(const Lowering& way) { return std::ranges::find(way.made_of, way.replaces) != way.made_of.end(); }

constexpr std::array<Profile, 1> known_profiles = {
    {{"cann-8.3.rc1-pytorch", "conv2d,masked_scatter",
      "an Ascend 910B2 under CANN 8.3.RC1 as PyTorch saw it, where every page failed"}}};

}  // namespace

std::string_view name_of(Operator which) { return names[index_of(which)]; }

std::span<const Operator> all_operators() { return operators; }

bool is_called_by_model(Operator which) {
  switch (which) {
#define LECTERN_CASE(name, Args, type) case Operator::name:
    LECTERN_MODEL_OPERATORS(LECTERN_CASE)
#undef LECTERN_CASE
    return true;
    default: return false;
  }
}

bool has_compute_types(Operator which) { return type_rules[index_of(which)] != "f32"; }

OperatorSet replaceable_operators() {
  OperatorSet set;
  for (const Lowering& lowering : all_lowerings()) {
    if (!is_conversion(lowering)) set.set(index_of(lowering.replaces));
  }
  return set;
}

std::span<const Profile> profiles() { return known_profiles; }

OperatorSet parse_operators(std::string_view list) {
  OperatorSet set;
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), word.size() + 1));
    const auto name = std::ranges::find(names, word);
    const auto profile = std::ranges::find(known_profiles, word, &Profile::name);
    if (name != names.end()) {
      set.set(static_cast<size_t>(name - names.begin()));
    } else if (profile != known_profiles.end()) {
      set |= parse_operators(profile->without);
    } else if (word == "all") {
      set |= replaceable_operators();
    } else {
      throw Error(fmt::format("there is no operator '{}'; choose from all, {}, {}", word, known_profiles[0].name,
                              fmt::join(names, ", ")));
    }
  }
  return set;
}

// Fills the plan of one type, every operator after those that it is made of.
class OperatorTable::Planner {
 public:
  // f32: the plan of f32 where that is made already, else null.
  Planner(const Operators& native, const TypeSupport& supports, const OperatorSet& without, DataType type,
          const Plan* f32)
      : native_(native), supports_(supports), without_(without), type_(type), f32_(f32) {}

  Plan run() {
    for (const Operator which : operators) resolve(which);
    for (const Operator which : operators) {
      if (has(plan_.functions, which)) continue;
      refuse(plan_.functions, which);
      plan_.lowerings[index_of(which)] = &no_way;
    }
    return plan_;
  }

 private:
  bool is_native(Operator which) const {
    // What is where in the cache only the device knows: what writes it goes with its attention or not at all.
    const bool writes = which == Operator::project_qkv || which == Operator::write_kv;
    if (writes || which == Operator::paged_attention)
      return owns(which) && owns(Operator::write_kv) && owns(Operator::paged_attention) && may_have_parts(which);
    return owns(which) && may_have_parts(which);
  }
  // Who is to do without an operator does without those that are fused of it.
  bool may_have_parts(Operator which) const {
    constexpr std::array fused = {Operator::gated_linear, Operator::embed, Operator::project_qkv,
                                  Operator::mixture_of_experts, Operator::sample};
    if (std::ranges::find(fused, which) == fused.end()) return true;
    return std::ranges::none_of(all_lowerings(), [&](const Lowering& way) {
      return way.replaces == which &&
             std::ranges::any_of(way.made_of, [&](Operator part) { return without_.test(index_of(part)); });
    });
  }
  bool owns(Operator which) const { return owns(which, without_); }
  bool owns(Operator which, const OperatorSet& without) const {
    const DataType type = has_compute_types(which) ? type_ : DataType::f32;
    return has(native_, which) && !without.test(index_of(which)) && (!supports_ || supports_(which, type));
  }

  // Whether it can be called, for f32 and for the type of this plan.
  bool resolve(Operator which) {
    const size_t i = index_of(which);
    if (f32_ != nullptr && !has_compute_types(which)) {
      if (f32_->lowerings[i] == &no_way) return false;
      take(plan_.functions, which, f32_->functions);
      plan_.lowerings[i] = f32_->lowerings[i];
      return true;
    }
    if (!seen_.test(i)) {
      seen_.set(i);
      const Lowering* way = is_native(which) ? nullptr : choose(which);
      // "all" is what can be replaced on this device.
      const bool kept = without_ == replaceable_operators() && owns(which, {});
      if (way != nullptr) {
        way->install(plan_.functions);
        plan_.lowerings[i] = way;
      } else if (is_native(which) || kept) {
        take(plan_.functions, which, native_);
      }
    }
    return has(plan_.functions, which) && (f32_ == nullptr || is_there_in_f32(which));
  }

  bool is_there_in_f32(Operator which) const { return f32_ != nullptr && f32_->lowerings[index_of(which)] != &no_way; }

  const Lowering* choose(Operator which) {
    const Lowering* chosen = nullptr;
    for (const Lowering& way : all_lowerings()) {
      if (way.replaces != which) continue;
      const auto is_there = [&](Operator part) { return part == which ? is_there_in_f32(part) : resolve(part); };
      if (!std::ranges::all_of(way.made_of, is_there)) continue;
      chosen = &way;
      if (std::ranges::all_of(way.made_of, [&](Operator part) { return part != which && is_native(part); })) break;
    }
    return chosen;
  }

  const Operators& native_;
  const TypeSupport& supports_;
  const OperatorSet& without_;
  DataType type_;
  const Plan* f32_;
  Plan plan_;
  OperatorSet seen_;
};

OperatorTable::OperatorTable(const Operators& native, const TypeSupport& supports, const OperatorSet& without) {
  for (size_t i = 0; i < all_compute_types.size(); ++i)
    plans_[i] = Planner(native, supports, without, all_compute_types[i], i == 0 ? nullptr : plans_.data()).run();
}

const OperatorTable::Plan& OperatorTable::of(DataType type) const { return plans_[index_of(type)]; }

bool OperatorTable::is_absent(Operator which, DataType type) const {
  return of(type).lowerings[index_of(which)] == &no_way;
}

const Lowering* OperatorTable::lowering(Operator which, DataType type) const {
  const Lowering* way = of(type).lowerings[index_of(which)];
  return way == &no_way ? nullptr : way;
}

std::string OperatorTable::describe(Operator which, DataType type) const {
  if (is_absent(which, type)) return "absent";
  const Lowering* way = lowering(which, type);
  if (way == nullptr) return "native";
  if (way->made_of.empty()) return "host";
  std::string text;
  for (const Operator part : way->made_of)
    text += fmt::format("{}{}{}", text.empty() ? "" : " + ", name_of(part), part == which ? " in f32" : "");
  return text;
}

template <typename Visit>
void OperatorTable::walk(std::span<const DataType> types, const Visit& visit) const {
  for (const DataType first : types) {
    std::set<std::pair<Operator, DataType>> seen;
    std::vector<std::pair<Operator, DataType>> open;
    for (const Operator which : operators) {
      if (is_called_by_model(which)) open.emplace_back(which, first);
    }
    while (!open.empty()) {
      const auto [which, type] = open.back();
      open.pop_back();
      if (!seen.emplace(which, type).second) continue;
      visit(which, type);
      const auto follow = [&, which = which, type = type](const Lowering& way) {
        for (const Operator part : way.made_of) open.emplace_back(part, part == which ? DataType::f32 : type);
      };
      if (const Lowering* way = lowering(which, type)) {
        follow(*way);
      } else if (is_absent(which, type)) {
        for (const Lowering& possible : all_lowerings()) {
          if (possible.replaces == which && !(is_conversion(possible) && type == DataType::f32)) follow(possible);
        }
      }
    }
  }
}

std::vector<Operator> OperatorTable::lowered(std::span<const DataType> types) const {
  OperatorSet set;
  walk(types, [&](Operator which, DataType type) {
    if (lowering(which, type) != nullptr) set.set(index_of(which));
  });
  std::vector<Operator> list;
  std::ranges::copy_if(operators, std::back_inserter(list), [&](Operator which) { return set.test(index_of(which)); });
  return list;
}

std::vector<Operator> OperatorTable::missing(std::span<const DataType> types) const {
  const OperatorSet can_be_replaced = replaceable_operators();
  OperatorSet set;
  walk(types, [&](Operator which, DataType type) {
    if (is_absent(which, type) && !can_be_replaced.test(index_of(which))) set.set(index_of(which));
  });
  std::vector<Operator> list;
  std::ranges::copy_if(operators, std::back_inserter(list), [&](Operator which) { return set.test(index_of(which)); });
  return list;
}

}  // namespace lectern
