// lectern bench: this machine's peak, and what share of it every stage reaches. Limits are taken from the
// rates of products and of reading at the same time: they are measured again after every run.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/bench/bench_report.h"
#include "cli/bench/decoding.h"
#include "cli/commands.h"
#include "cli/interrupts.h"
#include "cli/model_options.h"
#include "core/files/file_gate.h"
#include "core/stopwatch.h"
#include "core/threads.h"
#include "device/device_list.h"
#include "device/operators/operator_profile.h"
#include "device/registry.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/parallel_runner.h"
#include "lectern/error.h"
#include "lectern/model.h"
#include "lectern/version.h"
#include "reading/models.h"

namespace lectern::cli {
namespace {

struct Arguments {
  ModelArguments model;
  std::string mode;  // of a page to encode beside the fixed sizes; empty: none
  int64_t tokens = 32;
  int batch = 0;
  bool json = false;
  bool operators = false;
};

template <typename Work>
double seconds_of(const Work& work) {
  const Stopwatch clock;
  work();
  return clock.seconds();
}

// Times, and the median of what the device could do between them, where that can be measured.
struct Measured {
  Times seconds;
  std::optional<double> rate;
};

// What the device can do at most now; null where it cannot be measured.
using Rate = std::function<double()>;

// `rate` is asked after every run: on a machine that is shared with others the limit changes while one measures.
template <typename Work>
Measured measured(int64_t runs, int warm_up, const Work& work, const Rate& rate) {
  for (int i = 0; i < warm_up; ++i) work();  // memory is taken, kernels are compiled
  std::vector<double> seconds(static_cast<size_t>(runs));
  std::vector<double> rates(seconds.size());
  for (size_t i = 0; i < seconds.size(); ++i) {
    seconds[i] = seconds_of(work);
    if (rate) rates[i] = rate();
  }
  return {summary(seconds), rate ? std::optional(summary(rates).median) : std::nullopt};
}

// "AMD EPYC 9R14, 8 threads, AVX3_ZEN4" -> "AMD EPYC 9R14"; of a card its chip.
std::string processor_of(const Device& device) {
  const std::string hardware = device.info().hardware;
  return hardware.substr(0, hardware.find(','));
}

// limit(rate) where the rate is known.
template <typename Limit>
std::optional<double> limit_of(const Measured& measured, const Limit& limit) {
  return measured.rate ? std::optional(limit(*measured.rate)) : std::nullopt;
}

// Noise of one view and, where there are several, columns * rows tiles.
Views views_of(int whole, int tile, int columns, int rows) {
  Views views;
  views.whole = Picture(whole, whole);
  for (size_t i = 0; i < views.whole.rgb.size(); ++i) views.whole.rgb[i] = static_cast<uint8_t>(i * 2654435761u >> 24);
  views.columns = columns;
  views.rows = rows;
  for (int i = 0; i < columns * rows && columns * rows > 1; ++i) {
    views.tiles.emplace_back(tile, tile);
    std::copy_n(views.whole.rgb.begin() + i * 1000, views.tiles.back().rgb.size(), views.tiles.back().rgb.begin());
  }
  return views;
}

// Side of a tile, or what tiles of the first models had.
int tile_of(const LoadedModel& model) {
  const ViewPlan* const tiled = model.description().tiled_plan();
  return tiled != nullptr ? tiled->tile : 640;
}

void bench_encoder(const LoadedModel& model, const Arguments& arguments, const Rate& products, BenchReport& report) {
  const auto measure = [&](const std::string& key, const Views& views, int runs) {
    double operations = model.encoder.operations_of_view(views.whole.width);
    for (const Picture& tile : views.tiles) operations += model.encoder.operations_of_view(tile.width);
    const Measured found = measured(
        runs, 1, [&] { model.encoder.encode(views); }, products);
    report.add_time("encode", key, found.seconds,
                    limit_of(found, [&](double rate) { return operations / rate / 1e9; }));
  };
  measure("view1024_s", views_of(1024, 640, 1, 1), 5);
  const int tile = tile_of(model);
  measure(fmt::format("tile{}_s", tile), views_of(tile, tile, 1, 1), 5);
  measure("gundam_s", views_of(1024, tile, 2, 3), 3);
  if (!arguments.mode.empty()) {
    const Views page = make_views(Picture(1240, 1754), model.plan(parse_mode(arguments.mode), true));  // A4 at 150 dpi
    measure("a4_" + arguments.mode + "_s", page, 3);
  }
}

void bench_decoder(const LoadedModel& model, const Arguments& arguments, const Rate& products, const Rate& memory,
                   BenchReport& report) {
  for (const int64_t length : {283, 913}) {
    const Measured found = measured(
        3, 1, [&] { Decoding(model, 1, length); }, products);
    report.add_rate("prefill", fmt::format("{}_tps", length), found.seconds, static_cast<double>(length),
                    limit_of(found, [&](double rate) { return rate * 1e9 / operations_of_token(model); }));
  }
  const auto decode = [&](const std::string& key, int sequences, int64_t position) {
    Decoding decoding(model, sequences, position);
    const Measured found = measured(
        arguments.tokens, 3, [&] { decoding.step(1); }, memory);
    const double bytes = bytes_of_step(model, sequences, position);
    report.add_rate("decode", key, found.seconds, sequences,
                    limit_of(found, [&](double rate) { return rate * 1e9 / bytes * sequences; }));
  };
  decode("empty_tps", 1, 0);
  decode("after900_tps", 1, std::min<int64_t>(900, model.decoder.config().context - 512));
  decode("batch4_tps", 4, 0);
  decode("batch16_tps", 16, 0);
  if (arguments.batch > 0) decode(fmt::format("batch{}_tps", arguments.batch), arguments.batch, 0);
}

// The longest time between two tokens of a page while another arrives, whose views are encoded and whose prompt is read
// in between; and the usual time without it.
void bench_company(const LoadedModel& model, const std::shared_ptr<const Views>& views, BenchReport& report) {
  constexpr int64_t warm_up = 12;  // tokens
  const auto request_of = [&](std::shared_ptr<const Views> views) {
    Request request;
    const int64_t rows = views ? model.encoder.rows_of(*views) : 256;
    request.prompt.assign(static_cast<size_t>(rows), views ? model.image_token : 7);
    for (int32_t i = 0; i < 20; ++i) request.prompt.push_back(7 + i);
    request.image_token = model.image_token;
    request.views = std::move(views);
    request.no_repeat.n = 0;
    request.forced.assign(2000, 9);  // which no end token ends
    return request;
  };
  if (model.encoder.rows_of(*views) + 40 > model.decoder.config().context) return;  // such a page does not fit
  const std::unique_ptr<ModelRunner> runner = make_runner(model, 2 * model.decoder.config().context);
  Engine engine(*runner, {.sequences = 2});
  const RequestId first = engine.add(request_of(nullptr));
  RequestId second = 0;
  std::vector<double> alone, beside;  // seconds between tokens of the first
  Stopwatch waiting;
  for (bool arrived = false; !arrived;) {
    engine.step();
    for (const RequestEvent& event : engine.take_events()) {
      if (event.kind != RequestEvent::Kind::written) continue;
      arrived |= event.request == second;
      if (event.request != first) continue;
      (second == 0 ? alone : beside).push_back(waiting.seconds());
      waiting = Stopwatch();
      if (event.written == warm_up) second = engine.add(request_of(views));
    }
  }
  alone.erase(alone.begin());  // of the prompt
  const Times usual = summary(std::move(alone));
  const Times company = summary(std::move(beside));
  report.add("company", "usual_gap_s", usual.median, usual.least, usual.most, "s", std::nullopt, true);
  report.add("company", "longest_gap_s", company.most, company.least, company.most, "s", std::nullopt, true);
}

// A view, a prompt and some tokens once more, with every operator timed: apart from the other figures, since it waits
// for each.
void bench_operators(const LoadedModel& model, const Arguments& arguments, bool text, nlohmann::json& json) {
  OperatorProfile profile;
  const auto measure = [&](const char* part, const auto& work) {
    profile.clear();
    model.device.set_profile(&profile);
    work();
    model.device.set_profile(nullptr);
    if (text) fmt::print("\n{}\n{}", part, profile.table());
    for (const OperatorProfile::Row& row : profile.rows()) {
      json[part].push_back({{"operator", name_of(row.which)},
                            {"calls", row.calls},
                            {"seconds", row.seconds},
                            {"operations", row.work.operations},
                            {"bytes", row.work.bytes}});
    }
  };
  Views views;
  views.whole = Picture(1024, 1024);
  measure("encode.view1024", [&] { model.encoder.encode(views); });
  measure("prefill.283", [&] { Decoding(model, 1, 283); });
  Decoding decoding(model, 1, 283);
  measure("decode.after283", [&] {
    for (int64_t i = 0; i < arguments.tokens; ++i) decoding.step(1);
  });
}

int bench(const Arguments& arguments) {
  const Interrupts interrupts(Interrupts::First::ends);
  use_threads(arguments.model.threads);
  const std::filesystem::path folder = find_model(arguments.model.model).folder;
  FileGate gate;
  gate.add_input_folder(folder);
  gate.check_standard_output();
  BenchReport report(!arguments.json);
  const auto add_peak = [&](const char* key, double peak, const char* unit) {
    report.add("peak", key, peak, peak, peak, unit, std::nullopt, false);
  };
  const int ranks = arguments.model.tensor_parallel;
  const std::vector<std::string> groups = parse_device_groups(arguments.model.device, ranks);
  if (groups.size() != 1) {
    throw Error(ranks == 1 ? "bench: measures one device at a time; name one"
                           : "bench: measures one model at a time; name the devices of one");
  }
  const std::vector<std::string> names = ranks_of(groups.front(), ranks);
  std::vector<Device*> devices;
  devices.reserve(names.size());
  for (const std::string& name : names) devices.push_back(&open_device(name, arguments.model.without));
  Device& device = *devices.front();
  const WeightFormat format = weight_format(arguments.model.options().weights, folder, device);
  if (!arguments.json) {
    fmt::print("{}, {} threads, weights {}\n\n", processor_of(device), threads(), name_of(format));
    fmt::print("{:<20} {:>10} {:<6} {:>9}    {:<9} {:>10}  {:>6}\n", "", "median", "", "least", "most", "limit",
               "share");
    std::fflush(stdout);
  }
  const std::unique_ptr<DevicePeaks> peaks = device.measure_peaks();
  if (peaks) {
    add_peak("f32_gops", peaks->product(DataType::f32), "Gop/s");
    add_peak("bf16_gops", peaks->product(DataType::bf16), "Gop/s");
    add_peak("int8_gops", peaks->product(DataType::u8), "Gop/s");
    add_peak("read_gbps", peaks->read(), "GB/s");
  }

  std::optional<LoadedModel> model;
  const double load = seconds_of([&] { model.emplace(std::make_shared<const ModelFiles>(folder), devices, format); });
  const DataType multiplied = model->format == WeightFormat::f32 ? DataType::f32 : DataType::bf16;
  const Rate products = peaks ? Rate([&] { return peaks->product_now(multiplied); }) : Rate();
  const Rate memory = peaks ? Rate([&] { return peaks->read_now(); }) : Rate();
  bench_encoder(*model, arguments, products, report);
  bench_decoder(*model, arguments, products, memory, report);
  bench_company(*model, std::make_shared<const Views>(views_of(1024, tile_of(*model), 2, 3)), report);

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  // Without the memory that is held to measure the limits, which was there all the time.
  const int64_t measuring = peaks ? static_cast<int64_t>(peaks->host_bytes()) : 0;
  const int64_t peak_rss = static_cast<int64_t>(usage.ru_maxrss) * 1024 - measuring;
  nlohmann::json& json = report.json();
  json["load_s"] = load;
  json["peak_rss_bytes"] = peak_rss;
  json["threads"] = threads();
  json["weights"] = name_of(model->format);
  if (ranks > 1) json["tensor_parallel"] = ranks;
  json["cpu"] = processor_of(device);
  json["version"] = LECTERN_VERSION;
  if (arguments.json) {
    if (arguments.operators) bench_operators(*model, arguments, false, json["operators"]);
    fmt::print("{}\n", json.dump(2));
  } else {
    fmt::print("load                 {:>10.3g} s\npeak memory          {:>10.3g} GB\n", load,
               static_cast<double>(peak_rss) / 1e9);
  }
  if (arguments.operators && !arguments.json) bench_operators(*model, arguments, true, json);
  return exit_done;
}

}  // namespace

Command add_bench(CLI::App& app) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure this machine's peak and the share of it that every stage reaches");
  add_model_options(*command, arguments->model);
  add_parallel_option(*command, arguments->model);
  command->add_option("--mode", arguments->mode, "Encode a page of A4 in this mode too, as read --mode does")
      ->type_name("MODE");
  command->add_option("--tokens", arguments->tokens, "Tokens to decode for a figure (default 32)")
      ->type_name("N")
      ->check(CLI::Range(1, 500).description(""));
  command->add_option("--batch", arguments->batch, "A further number of sequences to decode together")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
  command->add_flag("--operators", arguments->operators, "Time every operator too, in a run of its own");
  command->add_flag("--json", arguments->json, "Write JSON");
  return [arguments] { return bench(*arguments); };
}

}  // namespace lectern::cli
