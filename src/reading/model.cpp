#include "lectern/model.h"

#include <fmt/format.h>

#include <utility>

#include "core/threads.h"
#include "device/registry.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "reading/models.h"
#include "reading/worker/worker_model.h"

namespace lectern {

Model::Model(std::shared_ptr<const LoadedModel> loaded) : files_(loaded->files), loaded_(std::move(loaded)) {}
Model::Model(std::shared_ptr<const ModelFiles> files, std::shared_ptr<WorkerModel> worker)
    : files_(std::move(files)), worker_(std::move(worker)) {}

Model Model::load(const std::filesystem::path& folder, const ModelOptions& options) {
  if (options.worker.empty()) open_device(options.device, options.without);  // one that is not there is told first
  return load(std::make_shared<const ModelFiles>(folder), options);
}

Model Model::load(std::shared_ptr<const ModelFiles> files, const ModelOptions& options) {
  if (!options.worker.empty()) return load_in_worker(std::move(files), options);
  Device& device = open_device(options.device, options.without);
  const WeightFormat format = weight_format(options.weights, files->checkpoint.folder(), device);
  return Model(std::make_shared<const LoadedModel>(std::move(files), device, format));
}

Model Model::on(const ModelOptions& options) const { return load(files_, options); }

const LoadedModel& Model::loaded() const {
  if (loaded_ == nullptr) {
    throw Error(fmt::format("{}: another process holds this model; load it without `worker`", worker_->label()),
                ErrorCode::unsupported);
  }
  return *loaded_;
}

int Model::native_size() const { return files_->checkpoint.config().native_size; }
Weights Model::weights() const { return worker_ ? worker_->facts().weights : weights_of(loaded_->format); }
std::string Model::device() const { return worker_ ? worker_->facts().device : std::string(loaded_->device.name()); }

void use_threads(int count) { set_threads(count); }

}  // namespace lectern
