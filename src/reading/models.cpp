#include "reading/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/files/json_file.h"
#include "core/log.h"
#include "core/system/available_memory.h"
#include "core/threads.h"
#include "device/device_list.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "lectern/version.h"
#include "reading/model_parts.h"
#include "reading/worker/placement.h"
#include "reading/worker/worker_model.h"

namespace lectern {

Mode parse_mode(std::string_view name) {
  if (const std::optional<Mode> mode = named<Mode>(name)) return *mode;
  throw Error(fmt::format("unknown mode '{}'; choose tiny, small, base, large, gundam, native, lines or auto",
                          printable(name)));
}

Weights parse_weights(std::string_view name) {
  if (const std::optional<Weights> weights = named<Weights>(name)) return *weights;
  throw Error(fmt::format("unknown weights '{}'; choose f32, bf16, q8 or q4", printable(name)));
}

namespace {

bool is_device_failure(const Error& error) {
  return error.code() == ErrorCode::device_lost || error.code() == ErrorCode::out_of_memory;
}

// Bytes of the weights as f32, the CPU's default, from their 16 bits in the files.
int64_t bytes_on_cpu(const Checkpoint& checkpoint) {
  int64_t bytes = 0;
  for (const Checkpoint::Entry& entry : checkpoint.entries()) bytes += 2 * static_cast<int64_t>(entry.bytes);
  return bytes;
}

std::shared_ptr<WorkerModel> start_worker(const std::filesystem::path& program, const ModelFiles& files,
                                          const ModelOptions& options, const Placement& place) {
  if (program.empty())
    throw Error(fmt::format("device '{}': a process of its own needs `worker`, the program to start", place.label));
  worker::LoadRequest request;
  request.folder = std::filesystem::absolute(files.checkpoint.folder()).string();
  request.device = place.device;
  request.without = options.without;
  request.weights = options.weights;
  request.tensor_parallel = options.tensor_parallel;
  request.threads = place.threads;
  request.processors = place.processors;
  request.log = log_enabled(LogLevel::debug)  ? LogLevel::debug
                : log_enabled(LogLevel::info) ? LogLevel::info
                                              : LogLevel::off;
  return std::make_shared<WorkerModel>(program, place.label, request, place.silence);
}

PlacementRules rules_for(const ModelFiles& files, const ModelOptions& options) {
  PlacementRules rules;
  rules.processes = !options.worker.empty();
  rules.threads = threads();
  rules.model_bytes = bytes_on_cpu(files.checkpoint);
  rules.memory = available_memory();
  rules.ranks = options.tensor_parallel;
  return rules;
}

using Workers = std::vector<std::shared_ptr<WorkerModel>>;

// A model for each place, with the place's worker where it has one.
std::vector<Model> load_on(const std::vector<Placement>& places, const Workers& workers,
                           const std::shared_ptr<const ModelFiles>& files, const ModelOptions& options,
                           const DeviceLeftOut& left_out) {
  std::vector<Model> models;
  models.reserve(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    const Placement& place = places[i];
    try {
      if (workers[i] != nullptr) {
        workers[i]->facts();
        models.push_back(ModelParts::of_worker(files, workers[i]));
      } else {
        models.push_back(
            ModelParts::load(files, {options.weights, place.device, options.without, {}, options.tensor_parallel}));
      }
    } catch (const Error& failure) {
      const bool is_last_hope = models.empty() && i + 1 == places.size();
      if (!is_device_failure(failure) || is_last_hope) throw;
      log_info("device.left_out", {{"device", place.label}, {"why", failure.what()}});
      left_out(place.label, failure.what());
    }
  }
  return models;
}

}  // namespace

Model load_in_worker(std::shared_ptr<const ModelFiles> files, const ModelOptions& options) {
  auto worker =
      start_worker(options.worker, *files, options, place_process(options.device, rules_for(*files, options)));
  worker->facts();
  return ModelParts::of_worker(std::move(files), std::move(worker));
}

std::vector<Model> load_models(const std::filesystem::path& folder, const ModelOptions& options,
                               const DeviceLeftOut& left_out) {
  parse_device_groups(options.device, options.tensor_parallel);  // a mistyped one is refused before anything is read
  const auto files = std::make_shared<const ModelFiles>(folder);
  const std::vector<Placement> places = place_devices(options.device, rules_for(*files, options));
  Workers workers;
  workers.reserve(places.size());
  try {
    // They load at the same time.
    for (const Placement& place : places)
      workers.push_back(place.process ? start_worker(options.worker, *files, options, place) : nullptr);
    return load_on(places, workers, files, options, left_out);
  } catch (...) {
    for (const auto& worker : workers) {  // and end at the same time
      if (worker != nullptr) worker->begin_to_end();
    }
    throw;
  }
}

std::string label_of(const Model& model) { return worker_of(model) ? worker_of(model)->label() : model.device(); }

int64_t tokens_of_page(const Model& model) {
  if (worker_of(model)) return worker_of(model)->facts().tokens_of_page;
  const LoadedModel& loaded = loaded_of(model);
  Views page;
  page.whole = Picture(loaded.description().pages_plan.whole, loaded.description().pages_plan.whole);
  return loaded.encoder.rows_of(page);
}

void begin_to_end(const std::vector<Model>& models) {
  for (const Model& model : models) {
    if (worker_of(model)) worker_of(model)->begin_to_end();
  }
}

bool knows_grounding(const Model& model, const Prompt& prompt) {
  return prompt.text.find(grounding_token) == std::string::npos ||
         files_of(model).tokenizer.id_of(grounding_token).has_value();
}

DocumentInfo describe_models(const std::vector<Model>& models) {
  DocumentInfo info;
  info.version = LECTERN_VERSION;
  info.model = files_of(models.front()).checkpoint.folder().string();
  info.weights = models.front().weights();
  std::string last;  // the sockets of one device are one
  for (const Model& model : models) {
    const std::string device = model.device();
    if (!worker_of(model) || device != last) info.device += (info.device.empty() ? "" : ",") + device;
    last = device;
    const std::vector<std::string> lowered =
        worker_of(model) ? worker_of(model)->facts().lowered : loaded_of(model).device.lowered(loaded_of(model).format);
    for (const std::string& name : lowered) {
      if (std::ranges::find(info.lowered, name) == info.lowered.end()) info.lowered.push_back(name);
    }
  }
  return info;
}

}  // namespace lectern
