#include "hub/shared_cache.h"

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

constexpr std::string_view prefix = "models--";

bool is_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);  // a link to a blob that is still coming leads nowhere
}

bool is_whole(const fs::path& snapshot) {
  if (!is_file(snapshot / "config.json") || !is_file(snapshot / "tokenizer.json")) return false;
  const fs::path index = snapshot / "model.safetensors.index.json";
  std::error_code code;
  if (is_file(index)) {
    try {
      const nlohmann::json root = read_json(index, {.max_depth = 16});
      const nlohmann::json& map = root.at("weight_map");
      return !map.empty() && std::ranges::all_of(map, [&](const nlohmann::json& file) {
        const fs::path name = file.get<std::string>();
        return name.filename() == name && is_file(snapshot / name);
      });
    } catch (const Error&) {
      return false;
    } catch (const nlohmann::json::exception&) {
      return false;
    }
  }
  for (fs::directory_iterator entry(snapshot, code), end; !code && entry != end; entry.increment(code)) {
    if (entry->path().extension() == ".safetensors" && is_file(entry->path())) return true;
  }
  return false;
}

// The commit that a reference of the model leads to; empty where there is none.
std::string commit_of(const fs::path& model, const std::string& reference) {
  try {
    constexpr size_t max_bytes = 1024;
    std::string text = read_text_file(model / "refs" / reference, max_bytes);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return is_commit(text) ? text : "";
  } catch (const Error&) {
    return "";
  }
}

const char* absolute(const char* variable) {
  const char* const value = std::getenv(variable);
  return value != nullptr && *value == '/' ? value : nullptr;
}

}  // namespace

fs::path shared_cache() {
  if (const char* const cache = absolute("HF_HUB_CACHE")) return cache;
  if (const char* const home = absolute("HF_HOME")) return fs::path(home) / "hub";
  if (const char* const cache = absolute("XDG_CACHE_HOME")) return fs::path(cache) / "huggingface/hub";
  if (const char* const home = absolute("HOME")) return fs::path(home) / ".cache/huggingface/hub";
  return {};
}

std::vector<StoredModel> cached_models(const fs::path& cache) {
  std::vector<StoredModel> models;
  for (const fs::path& folder : folders_in(cache)) {
    const std::string text = folder.filename().string();
    const auto name = text.starts_with(prefix) ? model_name_of_folder(text.substr(prefix.size())) : std::nullopt;
    if (!name) continue;
    for (const fs::path& snapshot : folders_in(folder / "snapshots")) {
      const std::string commit = snapshot.filename().string();
      if (!is_commit(commit) || !is_whole(snapshot)) continue;
      StoredModel model{*name, snapshot, bytes_in(snapshot), true, {}};
      model.name.revision = commit;
      std::error_code ignored;
      model.pulled = fs::last_write_time(snapshot, ignored);
      models.push_back(std::move(model));
    }
  }
  std::ranges::stable_sort(models, [](const StoredModel& a, const StoredModel& b) {
    return a.name.text() != b.name.text() ? a.name.text() < b.name.text() : a.pulled > b.pulled;
  });
  return models;
}

std::optional<StoredModel> cached_model(const fs::path& cache, const ModelName& name) {
  if (cache.empty()) return std::nullopt;
  std::vector<StoredModel> models = cached_models(cache);
  std::erase_if(models, [&](const StoredModel& model) { return model.name.text() != name.text(); });
  const fs::path folder = cache / (std::string(prefix) + name.folder());
  const std::string commit = commit_of(folder, name.revision.empty() ? "main" : name.revision);
  const auto found = std::ranges::find_if(models, [&](const StoredModel& model) {
    return commit.empty() ? model.name.revision.starts_with(name.revision) : model.name.revision == commit;
  });
  return found == models.end() ? std::nullopt : std::optional(*found);
}

bool holds(const fs::path& snapshot, const Listing& listing) {
  return std::ranges::all_of(listing.files, [&](const ListedFile& file) {
    std::error_code code;
    const auto size = fs::file_size(snapshot / file.name, code);
    if (code || size != static_cast<uintmax_t>(file.size)) return false;
    const fs::path blob = fs::read_symlink(snapshot / file.name, code);
    return !code && blob.filename() == file.digest;
  });
}

}  // namespace lectern::hub
