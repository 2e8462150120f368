#include <fmt/format.h>

#include <optional>

#include "core/files/json_file.h"
#include "hub/model_store.h"
#include "hub/shared_cache.h"
#include "lectern/error.h"
#include "lectern/hub.h"

namespace lectern {
namespace {

PulledModel pulled(const hub::StoredModel& model) {
  return {model.name.text(), model.name.revision, model.folder, model.bytes};
}

}  // namespace

std::vector<PulledModel> pulled_models() {
  std::vector<PulledModel> models;
  for (const hub::StoredModel& model : hub::stored_models(hub::model_store())) {
    if (model.complete) models.push_back(pulled(model));
  }
  return models;
}

PulledModel pulled_model(std::string_view name) {
  const std::optional<hub::ModelName> wanted = hub::parse_model_name(name);
  if (!wanted)
    throw Error(fmt::format("'{}': is no name of a model; expected OWNER/NAME or a short name such as deepseek-ocr-2",
                            printable(name)));
  if (const auto model = hub::find_stored(hub::model_store(), *wanted)) return pulled(*model);
  if (const auto model = hub::cached_model(hub::shared_cache(), *wanted)) return pulled(*model);
  throw Error(fmt::format("{}: no model of that name was pulled; run: lectern pull {}", name, wanted->text()),
              ErrorCode::not_found);
}

}  // namespace lectern
