#include "lectern/model.h"

#include "core/threads.h"
#include "device/registry.h"
#include "engine/loaded_model.h"

namespace lectern {

Model Model::load(const std::filesystem::path& folder, std::string_view weights, std::string_view device,
                  std::string_view without) {
  Device& on = open_device(device, without);
  return Model(std::make_shared<LoadedModel>(folder, on, weight_format(weights, folder, on)));
}

Model Model::on(std::string_view device, std::string_view weights, std::string_view without) const {
  Device& other = open_device(device, without);
  const WeightFormat format = weight_format(weights, loaded_->checkpoint.folder(), other);
  return Model(std::make_shared<LoadedModel>(loaded_->files, other, format));
}

int Model::native_size() const { return loaded_->checkpoint.config().native_size; }

void use_threads(int count) { set_threads(count); }

}  // namespace lectern
