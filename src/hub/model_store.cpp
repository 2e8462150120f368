#include "hub/model_store.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>

#include "core/files/file.h"
#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view manifest_name = "lectern-model.json";

}  // namespace

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) found.push_back(entry->path());
  }
  std::ranges::sort(found);
  return found;
}

int64_t bytes_in(const fs::path& folder) {
  int64_t sum = 0;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) sum += static_cast<int64_t>(entry->file_size(ignored));
  }
  return sum;
}

fs::path model_store() {
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  // The rule for these variables: a path that is not absolute does not count.
  if (cache != nullptr && *cache == '/') return fs::path(cache) / "lectern/models";
  const char* const home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return fs::path(home) / ".cache/lectern/models";
  throw Error("HOME: is not set, so there is no place for models; set it, or XDG_CACHE_HOME, to a folder",
              ErrorCode::not_found);
}

std::vector<StoredModel> stored_models(const fs::path& store) {
  std::vector<StoredModel> models;
  for (const fs::path& folder : folders_in(store)) {
    const auto name = model_name_of_folder(folder.filename().string());
    if (!name) continue;
    for (const fs::path& revision : folders_in(folder)) {
      StoredModel model{*name, revision, bytes_in(revision), false, {}};
      std::string commit = revision.filename().string();
      const bool partial = commit.ends_with(partial_suffix);
      if (partial) commit.resize(commit.size() - partial_suffix.size());
      if (!is_commit(commit)) continue;
      model.name.revision = commit;
      model.complete = !partial && holds_its_files(revision);
      std::error_code ignored;
      model.pulled = fs::last_write_time(revision, ignored);
      models.push_back(std::move(model));
    }
  }
  std::ranges::stable_sort(models, [](const StoredModel& a, const StoredModel& b) {
    return a.name.text() != b.name.text() ? a.name.text() < b.name.text() : a.pulled > b.pulled;
  });
  return models;
}

std::optional<StoredModel> find_stored(const fs::path& store, const ModelName& name) {
  for (const StoredModel& model : stored_models(store)) {
    if (model.complete && model.name.text() == name.text() && model.name.revision.starts_with(name.revision)) {
      return model;
    }
  }
  return std::nullopt;
}

void write_manifest(const fs::path& folder, const ModelName& name, const std::string& source,
                    const std::vector<StoredFile>& files) {
  nlohmann::ordered_json manifest{{"name", name.text()}, {"revision", name.revision}, {"source", source}};
  for (const StoredFile& file : files) manifest["files"].push_back({{"name", file.name}, {"size", file.size}});
  AtomicFile target(folder / manifest_name);
  target.write(manifest.dump(2) + "\n");
  target.commit();
}

bool holds_its_files(const fs::path& folder) {
  try {
    constexpr size_t max_bytes = size_t{4} << 20;
    const nlohmann::json manifest = read_json(folder / manifest_name, {.max_bytes = max_bytes});
    const nlohmann::json& files = manifest.at("files");
    return std::ranges::all_of(files, [&](const nlohmann::json& file) {
      std::error_code code;
      const auto size = fs::file_size(folder / file.at("name").get<std::string>(), code);
      return !code && size == file.at("size").get<uint64_t>();
    });
  } catch (const Error&) {
    return false;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

}  // namespace lectern::hub
