// Inside of a Model, for the rest of Lectern: its files, and who holds its weights.
#pragma once

#include <memory>

#include "lectern/model.h"

namespace lectern {

struct ModelParts {
  static Model load(std::shared_ptr<const ModelFiles> files, const ModelOptions& options);
  // Of a process of its own, which may still be loading.
  static Model of_worker(std::shared_ptr<const ModelFiles> files, std::shared_ptr<WorkerModel> worker);

  static const ModelFiles& files(const Model& model) { return *model.files_; }
  // Null where this process holds the model.
  static const std::shared_ptr<WorkerModel>& worker(const Model& model) { return model.worker_; }
  // Throws Error where a process of its own holds it.
  static const LoadedModel& loaded(const Model& model);
};

inline const ModelFiles& files_of(const Model& model) { return ModelParts::files(model); }
inline const std::shared_ptr<WorkerModel>& worker_of(const Model& model) { return ModelParts::worker(model); }
inline const LoadedModel& loaded_of(const Model& model) { return ModelParts::loaded(model); }

}  // namespace lectern
