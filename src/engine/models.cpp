#include "engine/models.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/files/json_file.h"
#include "core/log.h"
#include "device/device_list.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "lectern/version.h"

namespace lectern {
namespace {

bool is_device_failure(const Error& error) {
  return error.code() == ErrorCode::device_lost || error.code() == ErrorCode::out_of_memory;
}

}  // namespace

Mode parse_mode(std::string_view name) {
  if (const std::optional<Mode> mode = named<Mode>(name)) return *mode;
  throw Error(fmt::format("unknown mode '{}'; choose tiny, small, base, large, gundam, native, lines or auto",
                          printable(name)));
}

Weights parse_weights(std::string_view name) {
  if (const std::optional<Weights> weights = named<Weights>(name)) return *weights;
  throw Error(fmt::format("unknown weights '{}'; choose f32, bf16, q8 or q4", printable(name)));
}

std::vector<Model> load_models(const std::filesystem::path& folder, const ModelOptions& options,
                               const DeviceLeftOut& left_out) {
  const std::vector<std::string> devices = parse_device_list(options.device);
  std::vector<Model> models;
  models.reserve(devices.size());
  for (const std::string& device : devices) {
    const ModelOptions on_device = {options.weights, device, options.without};
    try {
      models.push_back(models.empty() ? Model::load(folder, on_device) : models.front().on(on_device));
    } catch (const Error& failure) {
      const bool is_last_hope = models.empty() && device == devices.back();
      if (!is_device_failure(failure) || is_last_hope) throw;
      log_info("device.left_out", {{"device", device}, {"why", failure.what()}});
      left_out(device, failure.what());
    }
  }
  return models;
}

bool knows_grounding(const Model& model, const Prompt& prompt) {
  return prompt.text.find(grounding_token) == std::string::npos ||
         model.loaded().tokenizer.id_of(grounding_token).has_value();
}

DocumentInfo describe_models(const std::vector<Model>& models) {
  DocumentInfo info;
  info.version = LECTERN_VERSION;
  info.model = models.front().loaded().checkpoint.folder().string();
  info.weights = models.front().weights();
  for (const Model& model : models) {
    const Device& device = model.loaded().device;
    info.device += (info.device.empty() ? "" : ",") + std::string(device.name());
    for (const std::string& name : device.lowered(model.loaded().format)) {
      if (std::ranges::find(info.lowered, name) == info.lowered.end()) info.lowered.push_back(name);
    }
  }
  return info;
}

}  // namespace lectern
