#include "checkpoint/safetensors_writer.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "core/files/file.h"
#include "core/files/json_file.h"
#include "core/files/own_output.h"
#include "lectern/error.h"

namespace lectern {
namespace {

// "BF16"
std::string stored_name(DataType type) {
  std::string name(name_of(type));
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

std::string little_endian(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(value >> (8 * i));
  return bytes;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, TensorView>>& tensors) {
  auto ordered = tensors;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return size_of(a.second.type) > size_of(b.second.type); });

  nlohmann::json header = {{"__metadata__", {{"format", "pt"}, {"written_by", tensors_mark}}}};
  size_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    if (header.contains(name)) {
      throw Error(path.string() + ": tensor name " + printable(name) + " is reserved or given twice");
    }
    const auto extents = tensor.shape.extents();
    header[name] = {{"dtype", stored_name(tensor.type)},
                    {"shape", std::vector<int64_t>(extents.begin(), extents.end())},
                    {"data_offsets", {offset, offset + tensor.bytes()}}};
    offset += tensor.bytes();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error(path.string() + ": a tensor name is not valid UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');

  AtomicFile file(path);
  file.write(little_endian(text.size()) + text);
  for (const auto& [name, tensor] : ordered) file.write(std::span(tensor.data, tensor.bytes()));
  file.commit();
}

}  // namespace lectern
