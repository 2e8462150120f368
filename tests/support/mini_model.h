// The mini checkpoint of the goldens, and copies of it with something changed.
#pragma once

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/temp_folder.h"

namespace lectern::testing {

inline const std::filesystem::path mini_folder = std::filesystem::path(TEST_DATA) / "goldens" / "mini";
inline const std::string mini_weights = "model-00001-of-000001.safetensors";

// Links to mini's files in a temporary folder; what is changed is a copy.
class MiniCopy {
 public:
  MiniCopy() {
    for (const auto& entry : std::filesystem::directory_iterator(mini_folder))
      std::filesystem::create_symlink(entry.path(), folder_ / entry.path().filename().string());
  }

  // Sets a key of the decoder's configuration.
  void set(const std::string& key, const nlohmann::json& value) const {
    auto config = nlohmann::json::parse(slurp(folder_ / "config.json"));
    config["language_config"][key] = value;
    replace("config.json", config.dump());
  }

  // Makes every value of a bf16 tensor this one.
  void fill(const std::string& tensor, uint16_t bits) const {
    std::string bytes = slurp(folder_ / mini_weights);
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    const auto header = nlohmann::json::parse(bytes.substr(sizeof(length), length));
    const auto offsets = header.at(tensor).at("data_offsets").get<std::vector<size_t>>();
    for (size_t at = offsets[0]; at < offsets[1]; at += sizeof(bits))
      std::memcpy(bytes.data() + sizeof(length) + length + at, &bits, sizeof(bits));
    replace(mini_weights, bytes);
  }

  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  void replace(const std::string& name, const std::string& content) const {
    std::filesystem::remove(folder_ / name);
    folder_.write(name, content);
  }

  TempFolder folder_;
};

}  // namespace lectern::testing
