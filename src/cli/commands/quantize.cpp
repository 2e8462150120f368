// lectern quantize: a model packed ahead, which then loads at once.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "checkpoint/packed.h"
#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/output_options.h"
#include "core/stopped.h"
#include "core/threads.h"
#include "device/registry.h"
#include "engine/quantize.h"

namespace lectern::cli {

Command add_quantize(CLI::App& app) {
  struct Arguments {
    std::string in, out, weights = "q8";
    int threads = 0;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("quantize", "Pack a model's weights ahead, so that it loads at once");
  command->add_option("MODEL", arguments->in, "A model's folder, or its name as `lectern models` lists it")
      ->type_name("")
      ->required();
  command->add_option("FOLDER", arguments->out, "The folder to make, which is then a model like any other")
      ->type_name("")
      ->required();
  command->add_option("--weights", arguments->weights, "How weights are kept (default: q8)")->type_name("bf16|q8|q4");
  command->add_option("--threads", arguments->threads, "Threads (default: the processors of this process)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  return [arguments] {
    refuse_standard_output(arguments->out, "FOLDER", "a folder is made");
    set_threads(arguments->threads);
    const Interrupts interrupts;
    try {
      quantize_model(find_model(arguments->in).folder, arguments->out, weight_format(arguments->weights),
                     open_device("cpu"), interrupts.token());
    } catch (const Stopped&) {
      complain("interrupted; nothing was made");
      return exit_interrupted;
    }
    const std::string made = on_stdout(arguments->out);
    fmt::print("{}: made; read with it: lectern read --model {} ...\n", made, made);
    return exit_done;
  };
}

}  // namespace lectern::cli
