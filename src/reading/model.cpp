#include "lectern/model.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/threads.h"
#include "device/device_list.h"
#include "device/registry.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/worker/worker_model.h"

namespace lectern {
namespace {

// Of every rank.
std::vector<Device*> open_devices(const ModelOptions& options) {
  std::vector<Device*> devices;
  const std::vector<std::string> names = ranks_of(options.device, options.tensor_parallel);
  devices.reserve(names.size());
  for (const std::string& name : names) devices.push_back(&open_device(name, options.without));
  return devices;
}

}  // namespace

Model Model::load(const std::filesystem::path& folder, const ModelOptions& options) {
  if (options.worker.empty()) open_devices(options);  // one that is not there is told first
  return ModelParts::load(std::make_shared<const ModelFiles>(folder), options);
}

Model ModelParts::load(std::shared_ptr<const ModelFiles> files, const ModelOptions& options) {
  if (!options.worker.empty()) return load_in_worker(std::move(files), options);
  const std::vector<Device*> devices = open_devices(options);
  const WeightFormat format = weight_format(options.weights, files->checkpoint.folder(), *devices.front());
  Model model;
  model.loaded_ = std::make_shared<const LoadedModel>(std::move(files), devices, format);
  model.files_ = model.loaded_->files;
  return model;
}

Model ModelParts::of_worker(std::shared_ptr<const ModelFiles> files, std::shared_ptr<WorkerModel> worker) {
  Model model;
  model.files_ = std::move(files);
  model.worker_ = std::move(worker);
  return model;
}

const LoadedModel& ModelParts::loaded(const Model& model) {
  if (model.loaded_ == nullptr) {
    throw Error(fmt::format("{}: another process holds this model; load it without `worker`", model.worker_->label()),
                ErrorCode::unsupported);
  }
  return *model.loaded_;
}

Model Model::on(const ModelOptions& options) const { return ModelParts::load(files_, options); }

int Model::native_size() const { return files_->checkpoint.config().native_size; }
Weights Model::weights() const { return worker_ ? worker_->facts().weights : weights_of(loaded_->format); }
std::string Model::device() const { return worker_ ? worker_->facts().device : loaded_->device_names(); }

void use_threads(int count) { set_threads(count); }

}  // namespace lectern
