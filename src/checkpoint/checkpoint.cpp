#include "checkpoint/checkpoint.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "checkpoint/renamed_layout.h"
#include "checkpoint/safetensors.h"
#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern {

struct Checkpoint::State {
  // Exactly one of view and unsupported is set.
  struct Place {
    const Safetensors* file = nullptr;
    const TensorView* view = nullptr;
    const Safetensors::Unsupported* unsupported = nullptr;
  };

  std::filesystem::path folder;
  ModelConfig config;
  PackedTensors packed;
  std::vector<Safetensors> files;
  std::map<std::string, Place, std::less<>> places;
  std::deque<TensorView> parts;                                        // of tensors that hold several weights
  std::map<std::string, std::vector<TensorView>, std::less<>> joined;  // the parts of weights that several hold

  std::mutex copying;
  std::map<std::string, std::vector<std::byte>, std::less<>> copies;  // of misaligned weights, and of joined ones

  // Under the published names, whatever layout the files are in.
  void rename() {
    std::map<std::string, Place, std::less<>> renamed;
    const auto add = [&](const std::string& name, const Place& place) {
      if (!renamed.emplace(name, place).second) {
        throw Error(place.file->path().string() + ": tensor " + printable(name) + " is there under two names",
                    ErrorCode::corrupt_input);
      }
    };
    for (const auto& [name, place] : places) {
      const std::string published = published_name(name);
      const auto experts = place.view != nullptr ? split_experts(published, *place.view)
                                                 : std::vector<std::pair<std::string, TensorView>>();
      for (const auto& [part, view] : experts) add(part, {place.file, &parts.emplace_back(view), nullptr});
      if (experts.empty()) add(published, place);
    }
    places = std::move(renamed);
    std::vector<JoinedRows> joins;
    for (const auto& [name, place] : places) {
      if (auto rows = joined_rows(name)) joins.push_back(std::move(*rows));
    }
    for (const JoinedRows& rows : joins) join(rows);
  }

  // Parts that do not fit each other stay as they are: the weight will be missed.
  void join(const JoinedRows& rows) {
    std::vector<TensorView> views;
    int64_t count = 0;
    for (const std::string& part : rows.parts) {
      const auto place = places.find(part);
      if (place == places.end() || place->second.view == nullptr) return;
      const TensorView& view = *place->second.view;
      const bool fits = view.shape.rank() > 0 &&
                        (views.empty() || (view.type == views.front().type && view.shape == views.front().shape));
      if (!fits) return;
      count += view.shape[0];
      views.push_back(view);
    }
    std::vector<int64_t> extents(views.front().shape.extents().begin(), views.front().shape.extents().end());
    extents.front() = count;
    const Safetensors* const file = places.at(rows.parts.front()).file;
    const TensorView& whole = parts.emplace_back(nullptr, views.front().type, Shape(extents));
    if (!places.emplace(rows.name, Place{file, &whole, nullptr}).second) return;
    joined.emplace(rows.name, std::move(views));
    for (const std::string& part : rows.parts) places.erase(part);
  }

  const Place& find(std::string_view name) const {
    const auto place = places.find(name);
    if (place == places.end()) {
      throw Error(folder.string() + ": no tensor " + printable(name) +
                      "; the weights are incomplete or belong to another model",
                  ErrorCode::corrupt_input);
    }
    return place->second;
  }

  TensorView aligned(std::string_view name, const TensorView& view) {
    const auto several = joined.find(name);
    if (several == joined.end() && reinterpret_cast<uintptr_t>(view.data) % size_of(view.type) == 0) return view;
    const std::lock_guard lock(copying);
    auto copy = copies.find(name);
    if (copy == copies.end()) {
      std::vector<std::byte> bytes;
      bytes.reserve(view.bytes());
      const auto append = [&](const TensorView& part) {
        bytes.insert(bytes.end(), part.data, part.data + part.bytes());
      };
      if (several == joined.end()) {
        append(view);
      } else {
        std::ranges::for_each(several->second, append);
      }
      copy = copies.emplace(name, std::move(bytes)).first;
    }
    return {copy->second.data(), view.type, view.shape};
  }
};

namespace {

constexpr std::string_view index_name = "model.safetensors.index.json";

Error tensor_error(const Safetensors& file, std::string_view tensor, const std::string& problem) {
  return Error(file.path().string() + ": tensor " + printable(tensor) + " " + problem, ErrorCode::corrupt_input);
}

std::vector<std::filesystem::path> all_weight_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code code;
  std::filesystem::directory_iterator entry(folder, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    const auto& path = entry->path();
    const bool hidden = path.filename().string().starts_with('.');  // such as macOS's ._model.safetensors
    if (path.extension() == ".safetensors" && !hidden) paths.push_back(path);
  }
  if (code) throw Error(folder.string() + ": cannot be listed: " + code.message(), ErrorCode::not_found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Tensor -> the file that holds it.
std::map<std::string, std::string> read_index(const std::filesystem::path& path) {
  const std::string file = path.string();
  const nlohmann::json root = read_json(path, {.max_depth = 16, .unique_keys = true});
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (map == root.end() || !map->is_object()) throw Error(file + ": has no weight_map", ErrorCode::corrupt_input);
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    const bool plain = !name.empty() && name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!plain || !name.ends_with(".safetensors")) {
      throw Error(file + ": tensor " + printable(tensor) + " is in " + printable(shard.dump(), 80) +
                      ", expected the name of a .safetensors file in this folder",
                  ErrorCode::corrupt_input);
    }
    shards.emplace(tensor, name);
  }
  if (shards.empty()) throw Error(file + ": its weight_map is empty", ErrorCode::corrupt_input);
  return shards;
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& folder) {
  constexpr std::string_view needed = "a model folder holds config.json, tokenizer.json and .safetensors files";
  std::error_code code;
  const auto complaint = [&](const std::string& problem) {
    return Error(folder.string() + ": " + problem + "; " + std::string(needed), ErrorCode::not_found);
  };
  if (!std::filesystem::exists(folder, code)) throw complaint("there is no such folder");
  if (!std::filesystem::is_directory(folder, code)) throw complaint("is not a folder");
  if (!std::filesystem::exists(folder / "config.json", code)) throw complaint("has no config.json");

  auto state = std::make_unique<State>();
  state->folder = folder;
  state->config = read_config(folder / "config.json");
  state->packed = read_packed(folder);

  std::map<std::string, std::string> index;
  std::vector<std::filesystem::path> paths;
  const auto index_path = folder / index_name;
  if (std::filesystem::exists(index_path, code)) {
    index = read_index(index_path);
    std::set<std::string> shards;
    for (const auto& [tensor, shard] : index) shards.insert(shard);
    for (const auto& shard : shards) {
      if (!std::filesystem::exists(folder / shard, code)) {
        throw Error(
            (folder / shard).string() + ": is missing, but " + std::string(index_name) + " names it; download it again",
            ErrorCode::not_found);
      }
      paths.push_back(folder / shard);
    }
  } else {
    paths = all_weight_files(folder);
    if (paths.empty()) throw complaint("has no .safetensors file");
  }

  state->files.reserve(paths.size());  // places point into it
  for (const auto& path : paths) {
    state->files.push_back(Safetensors::open(path));
    const Safetensors& file = state->files.back();
    const auto add = [&](const std::string& name, const State::Place& place) {
      const auto [other, added] = state->places.emplace(name, place);
      if (!added) throw tensor_error(file, name, "is also in " + other->second.file->path().filename().string());
    };
    for (const auto& [name, view] : file.tensors()) add(name, {&file, &view, nullptr});
    for (const auto& [name, tensor] : file.unsupported()) add(name, {&file, nullptr, &tensor});
  }
  const std::string_view foreign =
      state->config.model.encoder == EncoderKind::qwen2 ? "model.vision_model." : "model.qwen2_model.";
  if (const auto place = state->places.lower_bound(foreign);
      place != state->places.end() && place->first.starts_with(foreign)) {
    throw tensor_error(*place->second.file, place->first,
                       "is none of " + std::string(state->config.model.name) +
                           ", which config.json announces; are the files of one model?");
  }
  for (const auto& [tensor, shard] : index) {
    const auto place = state->places.find(tensor);
    if (place == state->places.end() || place->second.file->path().filename() != shard) {
      throw Error((folder / shard).string() + ": tensor " + printable(tensor) + " is missing, but " +
                      std::string(index_name) + " says it is here",
                  ErrorCode::not_found);
    }
  }
  state->rename();
  return Checkpoint(std::move(state));
}

Checkpoint::Checkpoint(std::unique_ptr<State> state) : state_(std::move(state)) {}
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;
Checkpoint::~Checkpoint() = default;

const std::filesystem::path& Checkpoint::folder() const { return state_->folder; }

const ModelConfig& Checkpoint::config() const { return state_->config; }

std::optional<WeightFormat> Checkpoint::packed_format() const {
  return state_->packed.tensors.empty() ? std::nullopt : std::optional(state_->packed.weights);
}

bool Checkpoint::has(std::string_view name) const { return state_->places.find(name) != state_->places.end(); }

Shape Checkpoint::shape_of(std::string_view name) const {
  const State::Place& place = state_->find(name);
  if (const auto packed = state_->packed.tensors.find(name); packed != state_->packed.tensors.end())
    return packed->second.shape;
  if (place.view != nullptr) {
    // Nothing of a published model is of single bytes.
    if (place.view->type == DataType::u8) {
      throw tensor_error(*place.file, name,
                         "was packed by lectern quantize, and " + std::string(packed_file) +
                             ", which says how, is missing from its folder; copy or pull that file too");
    }
    return place.view->shape;
  }
  const std::vector<int64_t>& extents = place.unsupported->shape;
  if (extents.size() > Shape::max_rank) {
    throw tensor_error(
        *place.file, name,
        "has " + std::to_string(extents.size()) + " dimensions, expected at most " + std::to_string(Shape::max_rank));
  }
  return Shape(extents);
}

TensorView Checkpoint::weight(std::string_view name, const Shape& expected) const {
  const State::Place& place = state_->find(name);
  if (const Shape shape = shape_of(name); shape != expected) {
    throw tensor_error(*place.file, name, "has shape " + to_string(shape) + ", expected " + to_string(expected));
  }
  if (state_->packed.tensors.contains(name))
    throw tensor_error(*place.file, name, "was packed, expected it as published");
  const bool is_float =
      place.view != nullptr &&
      (place.view->type == DataType::f32 || place.view->type == DataType::f16 || place.view->type == DataType::bf16);
  if (!is_float) {
    const std::string type = place.view != nullptr ? std::string(name_of(place.view->type)) : place.unsupported->type;
    throw tensor_error(*place.file, name, "has type " + type + ", expected f32, f16 or bf16");
  }
  return state_->aligned(name, *place.view);
}

std::optional<Checkpoint::Packed> Checkpoint::packed(std::string_view name, const Shape& expected) const {
  const auto entry = state_->packed.tensors.find(name);
  if (entry == state_->packed.tensors.end()) return std::nullopt;
  const State::Place& place = state_->find(name);
  if (entry->second.shape != expected) {
    throw tensor_error(*place.file, name,
                       "has shape " + to_string(entry->second.shape) + ", expected " + to_string(expected));
  }
  if (place.view == nullptr || place.view->type != DataType::u8)
    throw tensor_error(*place.file, name, "has another type than the bytes that packed.json announces");
  return Packed{entry->second.format, *place.view};
}

void Checkpoint::forget(const TensorView& weight) const {
  for (const Safetensors& file : state_->files) file.forget(weight);
}

std::vector<Checkpoint::Entry> Checkpoint::entries() const {
  std::vector<Entry> entries;
  entries.reserve(state_->places.size());
  for (const auto& [name, place] : state_->places) {
    Entry entry{name, {}, {}, 0, place.file->path().filename().string()};
    if (place.view != nullptr) {
      const auto extents = place.view->shape.extents();
      entry.type = name_of(place.view->type);
      entry.shape.assign(extents.begin(), extents.end());
      entry.bytes = place.view->bytes();
      if (const auto packed = state_->packed.tensors.find(name); packed != state_->packed.tensors.end()) {
        const auto original = packed->second.shape.extents();
        entry.type = name_of(packed->second.format);
        entry.shape.assign(original.begin(), original.end());
      }
    } else {
      entry.type = place.unsupported->type;
      entry.shape = place.unsupported->shape;
      entry.bytes = place.unsupported->bytes;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace lectern
