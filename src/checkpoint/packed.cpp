#include "checkpoint/packed.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <system_error>

#include "core/files/file.h"
#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;

constexpr int version = 1;
constexpr std::array<std::pair<const char*, WeightFormat>, 4> formats = {
    {{"f32", WeightFormat::f32}, {"bf16", WeightFormat::bf16}, {"q8", WeightFormat::q8}, {"q4", WeightFormat::q4}}};

PackedTensors::Entry entry_of(const json& value, const std::string& place) {
  constexpr int64_t max_elements = int64_t{1} << 40;  // elements
  if (!value.is_object() || !value.contains("format") || !value["format"].is_string() || !value.contains("shape") ||
      !value["shape"].is_array() || value["shape"].empty() || value["shape"].size() > Shape::max_rank) {
    throw Error(place + ", expected a format and a shape", ErrorCode::corrupt_input);
  }
  std::vector<int64_t> extents;
  int64_t elements = 1;
  for (const json& extent : value["shape"]) {
    const int64_t n = extent.is_number_integer() ? extent.get<int64_t>() : 0;
    if (n < 1 || n > max_elements / elements)
      throw Error(place + ", and its shape is no shape", ErrorCode::corrupt_input);
    elements *= n;
    extents.push_back(n);
  }
  return {weight_format(value["format"].get<std::string>()), Shape(extents)};
}

}  // namespace

WeightFormat weight_format(std::string_view name) {
  for (const auto& [known, format] : formats) {
    if (name == known) return format;
  }
  throw Error(fmt::format("unknown weights '{}'; choose f32, bf16, q8 or q4", printable(name)));
}

std::string_view name_of(WeightFormat format) {
  for (const auto& [name, known] : formats) {
    if (format == known) return name;
  }
  return "?";
}

PackedTensors read_packed(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / packed_file;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  const json root = read_json(path, {.max_depth = 8, .unique_keys = true});
  const std::string file = path.string();
  if (!root.is_object() || !root.contains("version") || root["version"] != version) {
    throw Error(file + ": is not of version 1 of this format; make the folder again with lectern quantize",
                ErrorCode::corrupt_input);
  }
  if (!root.contains("weights") || !root["weights"].is_string() || !root.contains("tensors") ||
      !root["tensors"].is_object()) {
    throw Error(file + ": expected weights and tensors; make the folder again with lectern quantize",
                ErrorCode::corrupt_input);
  }
  PackedTensors packed;
  packed.weights = weight_format(root["weights"].get<std::string>());
  for (const auto& [name, value] : root["tensors"].items())
    packed.tensors.emplace(name, entry_of(value, file + ": tensor " + printable(name) + " is not described"));
  return packed;
}

void write_packed(const std::filesystem::path& folder, const PackedTensors& packed) {
  json tensors = json::object();
  for (const auto& [name, entry] : packed.tensors) {
    const auto extents = entry.shape.extents();
    tensors[name] = {{"format", name_of(entry.format)},
                     {"shape", std::vector<int64_t>(extents.begin(), extents.end())}};
  }
  AtomicFile file(folder / packed_file);
  file.write(json{{"version", version}, {"weights", name_of(packed.weights)}, {"tensors", tensors}}.dump() + "\n");
  file.commit();
}

}  // namespace lectern
