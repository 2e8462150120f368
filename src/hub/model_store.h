// Store of pulled models: STORE/OWNER--NAME/COMMIT/, or COMMIT.partial/ during a pull and after an interrupted one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/model_name.h"

namespace lectern::hub {

// Of a folder that a pull is filling.
inline constexpr std::string_view partial_suffix = ".partial";

struct StoredFile {
  std::string name;
  int64_t size = 0;
};

struct StoredModel {
  ModelName name;  // its revision is the commit
  std::filesystem::path folder;
  int64_t bytes = 0;      // on disk
  bool complete = false;  // every file was verified when it was pulled, and is there in its size
  std::filesystem::file_time_type pulled;
};

// Sorted, for the same order on every file system.
std::vector<std::filesystem::path> folders_in(const std::filesystem::path& folder);

// Of the files that lie in the folder itself.
int64_t bytes_in(const std::filesystem::path& folder);

// $XDG_CACHE_HOME/lectern/models, or ~/.cache/lectern/models. Throws Error when neither variable tells where.
std::filesystem::path model_store();

// Sorted by name, the latest pull of a name first. Empty without a store.
std::vector<StoredModel> stored_models(const std::filesystem::path& store);

// The latest complete pull of the name, of those whose commit begins with its revision, if it has one.
std::optional<StoredModel> find_stored(const std::filesystem::path& store, const ModelName& name);

// Writes a manifest of the model's files into the folder, so that missing files are detected later.
void write_manifest(const std::filesystem::path& folder, const ModelName& name, const std::string& source,
                    const std::vector<StoredFile>& files);

// Whether the folder has a manifest, and every file that it lists in its size.
bool holds_its_files(const std::filesystem::path& folder);

}  // namespace lectern::hub
