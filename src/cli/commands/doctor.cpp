// lectern doctor: whether a device computes what it should, and how fast; a report to attach to an issue.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>

#include "cli/commands.h"
#include "cli/doctor/doctor_report.h"
#include "cli/doctor/doctor_times.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "cli/output_options.h"
#include "cli/settings.h"
#include "core/files/file.h"
#include "core/files/file_gate.h"
#include "core/stopwatch.h"
#include "core/threads.h"
#include "device/device_failure.h"
#include "device/device_list.h"
#include "device/registry.h"
#include "diagnose/installation.h"
#include "diagnose/operator_check.h"
#include "diagnose/page_check.h"
#include "image/picture_file.h"
#include "lectern/error.h"
#include "lectern/model.h"
#include "lectern/version.h"
#include "reading/model_parts.h"

namespace lectern::cli {
namespace {

struct Arguments {
  ModelArguments model;
  std::string picture, report;
};

constexpr int64_t max_tokens = 64;

// What a stranger types to have the same report.
std::string command_of(const Arguments& arguments) {
  std::string command = "lectern doctor --device " + arguments.model.device;
  const int ranks = arguments.model.tensor_parallel;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) command += fmt::format(" {} {}", option, value);
  };
  add("--tensor-parallel", ranks > 1 ? std::to_string(ranks) : "");
  add("--without", arguments.model.without);
  add("--weights", arguments.model.weights == "auto" ? "" : arguments.model.weights);
  add("--model", arguments.model.model);
  add("--picture", arguments.picture);
  for (const char* variable :
       {"LECTERN_MODEL", "LECTERN_ASCEND_TYPE", "LECTERN_ASCEND_REPEAT", "LECTERN_ASCEND_SYNC"}) {
    const char* const value = std::getenv(variable);
    if (value != nullptr && *value != '\0') command = fmt::format("{}={} {}", variable, value, command);
  }
  return command;
}

std::string error_text(double error) { return std::isfinite(error) ? fmt::format("{:.1e}", error) : "not a number"; }

void describe(DoctorReport& report, const std::string& name, const std::string& command,
              const DeviceDescription& description, const Device& device, WeightFormat format,
              const std::string& reference) {
  utsname host{};
  ::uname(&host);
  std::string lowered;
  for (const std::string& name : device.lowered(format)) lowered += (lowered.empty() ? "" : ", ") + name;
  report.line(fmt::format("# lectern doctor: {}", name));
  report.line();
  report.line("| environment | |");
  report.line("|---|---|");
  report.fact("Lectern", LECTERN_VERSION);
  report.fact("device", description.info.hardware);
  report.fact("its software", description.info.software);
  report.fact("its memory", memory_text(description.memory));
  if (const std::string graphs = device.info().graphs; !graphs.empty()) report.fact("captured work", graphs);
  report.fact("host", fmt::format("{} {} {}, {} threads", host.sysname, host.release, host.machine, threads()));
  const ComputeTypes types = device.compute_types(format);
  report.fact("weights", fmt::format("{}; values between operators are {}", name_of(format),
                                     types.encoder == types.decoder
                                         ? std::string(name_of(types.decoder))
                                         : fmt::format("{} in the encoder, {} in the decoder", name_of(types.encoder),
                                                       name_of(types.decoder))));
  report.fact("replaced operators", lowered.empty() ? "none" : lowered);
  report.fact("reference", reference);
  report.fact("command", command);
  report.line();
}

void describe_installation(DoctorReport& report) {
  std::vector<ShippedModel> shipped;
  shipped.reserve(shipped_model_names.size());
  for (const char* const name : shipped_model_names) shipped.push_back({name, shipped_model(name)});
  report.line("## Installation");
  report.line();
  report.line("| what | found | result |");
  report.line("|---|---|---|");
  for (const InstallationCheck& check : check_installation(shipped)) {
    if (!check.fine) report.lacking(check.name);
    report.line(
        fmt::format("| {} | {} | {} |", cell(check.name), cell(check.found), check.fine ? "ok" : "**look at this**"));
  }
  report.line();
}

void check_operators_of(DoctorReport& report, Device& device, DataType type, Device& reference) {
  report.line(fmt::format("## Operators, {}", name_of(type)));
  report.line();
  report.line("How: its own (native), or what replaces it. Error: the largest difference over the largest value.");
  report.line();
  report.line("| operator | type | how | error | allowed | time | reference time | result |");
  report.line("|---|---|---|---|---|---|---|---|");
  check_operators(device, type, reference, [&](const OperatorCheck& check) {
    // What no model reaches may be absent.
    const bool absent = check.how == "absent";
    const bool ran = check.failure.empty();
    if (!absent) report.result(fmt::format("{} in {}", check.name, name_of(check.type)), check.passed());
    report.line(fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |", check.name, name_of(check.type), check.how,
                            ran ? error_text(check.error) : "", absent ? "" : error_text(check.max_error),
                            check.seconds > 0 ? milliseconds(check.seconds) : "",
                            check.seconds > 0 ? milliseconds(check.reference_seconds) : "",
                            check.passed() ? "ok"
                            : absent       ? "not needed"
                            : ran          ? "**wrong**"
                                           : "**failed**: " + cell(check.failure)));
  });
  report.line();
}

// The CPU in f32, without the operators of `reference_without`, is what a device is held against.
struct Trial {
  std::string devices;  // of the model's ranks: parse_device_groups
  int ranks = 1;
  std::string reference_without;
  std::filesystem::path folder;
  std::string where;  // follows headings and names of checks: nothing, or " on ascend:1"

  std::string first() const { return ranks_of(devices, ranks).front(); }
  // "ascend:0+ascend:1"
  std::string name() const {
    std::string text;
    for (const std::string& device : ranks_of(devices, ranks)) {
      const std::string own = parse_device_name(device).name;
      if (text != own) text += (text.empty() ? "" : "+") + own;
    }
    return text;
  }
};

// A page stage by stage, then what takes how long.
void check_pages(DoctorReport& report, const Arguments& arguments, const Trial& trial, DeviceStart start) {
  const std::filesystem::path picture =
      arguments.picture.empty() ? shipped_model() / "sample.png" : std::filesystem::path(arguments.picture);
  const std::string& where = trial.where;
  report.line("## A page" + where);
  report.line();
  const Picture page = read_picture(picture);
  const Model reference = Model::load(trial.folder, {Weights::f32, "cpu", trial.reference_without});
  Device& device = open_device(trial.first(), arguments.model.without);
  start.opened = device.memory();
  const Stopwatch loading;
  const Model model =
      reference.on({arguments.model.options().weights, trial.devices, arguments.model.without, {}, trial.ranks});
  start.load_seconds = loading.seconds();
  start.loaded = device.memory();
  const PageCheck check = check_page(loaded_of(model), loaded_of(reference), page, max_tokens);
  report.line("| stage | error | allowed | result |");
  report.line("|---|---|---|---|");
  for (const StageCheck& stage : check.stages) {
    const bool passed = stage.error <= check.max_error;
    report.result(stage.name + where, passed);
    report.line(fmt::format("| {} | {} | {} | {} |", stage.name, error_text(stage.error), error_text(check.max_error),
                            passed ? "ok" : "**wrong**"));
  }
  const bool equal = check.text == check.reference_text;
  report.result("text" + where, equal || !check.tokens_must_equal);
  report.line(fmt::format("| text | {} of {} tokens equal | {} | {} |", check.equal_tokens, check.tokens,
                          check.tokens_must_equal ? "all equal" : "any", equal ? "ok" : "differs"));
  report.line();
  report.line("| stage | work | time | reference time |");
  report.line("|---|---|---|---|");
  const auto timed = [&](const char* stage, const std::string& work, double seconds, double reference_seconds) {
    report.line(
        fmt::format("| {} | {} | {} | {} |", stage, work, milliseconds(seconds), milliseconds(reference_seconds)));
  };
  timed("encode", fmt::format("{} x {} pixels", page.width, page.height), check.encode_seconds,
        check.reference_encode_seconds);
  timed("prefill", fmt::format("{} tokens", check.prompt_tokens), check.prefill_seconds,
        check.reference_prefill_seconds);
  timed("decode", fmt::format("{} tokens", check.tokens), check.decode_seconds, check.reference_decode_seconds);
  report.line();
  report.line(fmt::format("Model {}, picture {}, {} MiB free on the device afterwards.",
                          cell(trial.folder.filename().string()), cell(picture.filename().string()),
                          device.memory().free >> 20));
  report.line();
  report.line(fmt::format("Text: `{}`", cell(check.text)));
  report.line();
  report_times(report, start, model, reference, page, where);
}

// Another device than the first, or another group of them: its pages alone, which tell a card that is broken or slow
// from the others.
void check_another(DoctorReport& report, const Arguments& arguments, Trial trial) {
  try {
    const Stopwatch opening;
    for (const std::string& name : ranks_of(trial.devices, trial.ranks)) open_device(name, arguments.model.without);
    DeviceStart start;
    start.open_seconds = opening.seconds();
    trial.where = fmt::format(" on {}", trial.name());
    check_pages(report, arguments, trial, start);
  } catch (const Error& error) {
    report.result(trial.name(), false);
    report.stopped(error.what());
  }
}

std::vector<DataType> types_of(const Device& device, WeightFormat format) {
  const ComputeTypes computed = device.compute_types(format);
  std::vector<DataType> types = {DataType::f32};
  for (const DataType type : {computed.encoder, computed.decoder}) {
    if (std::ranges::find(types, type) == types.end()) types.push_back(type);
  }
  return types;
}

int doctor(const Arguments& arguments) {
  const Interrupts interrupts(Interrupts::First::ends);
  use_threads(arguments.model.threads);
  refuse_standard_output(arguments.report, "--report", "the report is printed there as well");
  const std::filesystem::path folder =
      arguments.model.model.empty() && !names_model() ? shipped_model() : find_model(arguments.model.model).folder;
  FileGate gate;
  gate.add_input_folder(folder);
  gate.add_input(arguments.picture);
  if (!arguments.report.empty()) {
    gate.add_output(arguments.report, "the report", FileKind::text);
    const AtomicFile probe(arguments.report);  // what cannot be written is refused before the work begins
  }
  if (!arguments.picture.empty()) read_picture(arguments.picture);  // and so is what cannot be read
  const int ranks = arguments.model.tensor_parallel;
  const std::vector<std::string> groups = parse_device_groups(arguments.model.device, ranks);
  Trial trial{groups.front(), ranks, {}, folder, {}};
  const DeviceDescription description = describe_device(trial.first());
  const Stopwatch opening;
  Device& device = open_device(trial.first(), arguments.model.without);
  DeviceStart start;
  start.open_seconds = opening.seconds();
  const WeightFormat format = weight_format(arguments.model.options().weights, folder, device);
  // The CPU is held against plain loops, everything else against the CPU.
  const bool is_cpu = &device == &open_device("cpu");
  Device& reference = open_device("cpu", is_cpu ? "all" : "");
  DoctorReport report;
  trial.reference_without = is_cpu ? "all" : "";
  describe(report, trial.name(), command_of(arguments), description, device, format,
           is_cpu ? "cpu with every operator replaced, f32" : "cpu, f32");
  describe_installation(report);
  try {
    for (const DataType type : types_of(device, format)) check_operators_of(report, device, type, reference);
    check_pages(report, arguments, trial, start);
  } catch (const Error& error) {
    report.result("the rest", false);
    report.stopped(error.what());
  }
  for (const std::string& group : std::span(groups).subspan(1)) {
    trial.devices = group;
    check_another(report, arguments, trial);
  }
  report.line("## Result");
  report.line();
  report.line(report.failed().empty() ? fmt::format("All {} checks passed.", report.checks())
                                      : fmt::format("{} of {} checks failed: {}.", report.failed().size(),
                                                    report.checks(), fmt::join(report.failed(), ", ")));
  if (!report.failed().empty()) {
    report.line();
    report.line(
        "What to do is said where a check stopped. `docs/ascend.md` has the codes of CANN; `--device` with `sync=1` "
        "behind a card's name says which operator failed. What is wrong, and what nothing is said of, is worth an "
        "issue "
        "with this report.");
  }
  if (!report.lacking().empty()) {
    report.line(fmt::format("Of the installation, look at: {}.", fmt::join(report.lacking(), "; ")));
  }
  if (!arguments.report.empty()) {
    AtomicFile file(arguments.report);
    file.write(report.text());
    file.commit();
  }
  return report.failed().empty() ? exit_done : exit_some_failed;
}

}  // namespace

Command add_doctor(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "doctor", "Check that a device computes what it should, and how fast; with a report to attach to an issue");
  command
      ->add_option(
          "--model", arguments->model.model,
          "A model's folder, or its name as `lectern models` lists it (default: $LECTERN_MODEL, then the model "
          "that ships)")
      ->type_name("MODEL");
  add_device_options(*command, arguments->model);
  add_parallel_option(*command, arguments->model);
  command
      ->add_option("--picture", arguments->picture, "The page to read (default: the sample beside the shipped model)")
      ->type_name("FILE");
  command->add_option("--report", arguments->report, "Write the report to this file as well, as Markdown")
      ->type_name("FILE");
  return [arguments] { return doctor(*arguments); };
}

}  // namespace lectern::cli
