// lectern devices: the devices of this machine, and which operators each of them has.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "device/registry.h"

namespace lectern::cli {
namespace {

struct Arguments {
  std::string device = "cpu", without;
  bool operators = false, json = false;
};

void list_devices(bool json) {
  if (!json) {
    for (const DeviceDescription& device : describe_devices()) {
      fmt::print("{}\n  {}\n  {}\n  {}\n", device.info.name, in_one_line(device.info.hardware),
                 in_one_line(device.info.software), memory_text(device.memory));
    }
    return;
  }
  nlohmann::json list = nlohmann::json::array();
  for (const DeviceDescription& device : describe_devices()) {
    list.push_back({{"name", device.info.name},
                    {"hardware", device.info.hardware},
                    {"software", device.info.software},
                    {"memory_bytes", device.memory.total},
                    {"free_memory_bytes", device.memory.free}});
  }
  fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

// Operators that compute in f32 alone have no other column.
bool is_shown(Operator which, DataType type) { return type == DataType::f32 || has_compute_types(which); }

void list_operators(const OperatorTable& table, std::string_view device, bool json) {
  if (json) {
    nlohmann::json operators;
    for (const Operator which : all_operators()) {
      nlohmann::json& row = operators[std::string(name_of(which))];
      row["called_by_model"] = is_called_by_model(which);
      for (const DataType type : all_compute_types) {
        if (!is_shown(which, type)) continue;
        nlohmann::json& cell = row[std::string(name_of(type))];
        const Lowering* way = table.lowering(which, type);
        cell["state"] = way != nullptr ? "lowered" : table.is_absent(which, type) ? "absent" : "native";
        if (way == nullptr) continue;
        cell["made_of"] = nlohmann::json::array();
        for (const Operator part : way->made_of) cell["made_of"].push_back(name_of(part));
      }
    }
    fmt::print("{}\n", nlohmann::json{{"device", device}, {"operators", operators}}.dump(2));
    return;
  }
  fmt::print("Operators of {}: its own (native), replaced by others (which), or absent.\n", device);
  fmt::print("Types are those of the values between operators; - where it computes in f32 alone.\n\n");
  fmt::print("{:<20}{:<9}{:<9}{:<9}replaced by\n", "", "f32", "f16", "bf16");
  for (const Operator which : all_operators()) {
    std::string line = fmt::format("{:<20}", name_of(which));
    std::string made_of;
    for (const DataType type : all_compute_types) {
      const bool lowered = table.lowering(which, type) != nullptr;
      const std::string text = table.describe(which, type);
      line += fmt::format("{:<9}", !is_shown(which, type) ? "-" : lowered ? "lowered" : text);
      if (lowered) made_of = text;
    }
    line += made_of;
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
  std::string called;
  for (const Operator which : all_operators()) {
    if (is_called_by_model(which)) called += fmt::format("{}{}", called.empty() ? "" : ", ", name_of(which));
  }
  fmt::print("\nThe model calls {}; replacements call these and the others.\n", called);
  for (const Profile& profile : profiles())
    fmt::print("--without {} stands for {}: {}.\n", profile.name, profile.without, profile.description);
}

int run(const Arguments& arguments) {
  if (arguments.operators) {
    const std::unique_ptr<Device> device = make_device(arguments.device, parse_operators(arguments.without));
    list_operators(device->operators(), arguments.device, arguments.json);
  } else {
    list_devices(arguments.json);
  }
  return exit_done;
}

}  // namespace

Command add_devices(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("devices", "List the devices of this machine, or the operators of one");
  CLI::Option* operators = command->add_flag("--ops", arguments->operators, "The operators of a device");
  command->add_option("--device", arguments->device, "Whose operators (default: cpu)")
      ->type_name("DEVICE")
      ->needs(operators);
  std::string profile_names;
  for (const Profile& profile : profiles()) profile_names += fmt::format(", {}", profile.name);
  command
      ->add_option("--without", arguments->without,
                   fmt::format("Do without these: names between commas{}, or all that can be replaced", profile_names))
      ->type_name("OPERATORS")
      ->needs(operators);
  command->add_flag("--json", arguments->json, "Write JSON");
  return [arguments] { return run(*arguments); };
}

}  // namespace lectern::cli
