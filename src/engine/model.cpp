#include "lectern/model.h"

#include "core/threads.h"
#include "device/registry.h"
#include "engine/loaded_model.h"

namespace lectern {

Model Model::load(const std::filesystem::path& folder, const ModelOptions& options) {
  Device& on = open_device(options.device, options.without);
  return Model(std::make_shared<LoadedModel>(folder, on, weight_format(options.weights, folder, on)));
}

Model Model::on(const ModelOptions& options) const {
  Device& other = open_device(options.device, options.without);
  const WeightFormat format = weight_format(options.weights, loaded_->checkpoint.folder(), other);
  return Model(std::make_shared<LoadedModel>(loaded_->files, other, format));
}

int Model::native_size() const { return loaded_->checkpoint.config().native_size; }
Weights Model::weights() const { return weights_of(loaded_->format); }
std::string Model::device() const { return loaded_->device.name(); }

void use_threads(int count) { set_threads(count); }

}  // namespace lectern
