// lectern inspect: what a checkpoint holds.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/summary.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "layout/text/shown_text.h"

namespace lectern::cli {

Command add_inspect(CLI::App& app) {
  struct Arguments {
    std::string model;
    bool json = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("inspect", "Show the parts, sizes, data types and parameter counts of a model");
  command->add_option("MODEL", arguments->model, model_help)->type_name("");
  command->add_flag("--json", arguments->json, "Write JSON");
  return [arguments] {
    const Checkpoint checkpoint = Checkpoint::open(find_model(arguments->model).folder);
    if (arguments->json) {
      fmt::print("{}\n", summary_json(checkpoint).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      fmt::print("{}", terminal_text(summarise(checkpoint)));
    }
    return exit_done;
  };
}

}  // namespace lectern::cli
