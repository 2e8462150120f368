// Opened model folder: its configuration, and its weights by their published names, whatever its layout.
//
// Weights stay in their files, memory-mapped; a Checkpoint owns the mappings, and views from it are good until it is
// destroyed (moving it keeps them good). Throws Error, naming the file and the tensor. Reading from several threads
// at once is fine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/config.h"
#include "checkpoint/packed.h"
#include "core/tensor.h"

namespace lectern {

class Checkpoint {
 public:
  // Reads config.json and the .safetensors files: those that model.safetensors.index.json names where there is one,
  // otherwise all.
  static Checkpoint open(const std::filesystem::path& folder);

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  const std::filesystem::path& folder() const;
  const ModelConfig& config() const;
  std::optional<WeightFormat> packed_format() const;  // nothing for a model as it was published

  bool has(std::string_view name) const;
  Shape shape_of(std::string_view name) const;

  // A weight in the file's own type: f32, f16 or bf16. Aligned to its element; a weight that is misaligned in its
  // file is copied when first asked for.
  TensorView weight(std::string_view name, const Shape& expected) const;

  // A weight that was packed ahead: its format and its bytes. Nothing for one that is as it was published.
  struct Packed {
    WeightFormat format;
    TensorView bytes;
  };
  std::optional<Packed> packed(std::string_view name, const Shape& expected) const;

  // Releases the pages of a weight that has been copied; they are read from the file again on use.
  void forget(const TensorView& weight) const;

  // Description of a tensor in its file.
  struct Entry {
    std::string name;
    std::string type;  // "bf16"; of a packed one "q4"; as written in the file when it is a type Lectern does not read
    std::vector<int64_t> shape;  // of a packed one, that of its values
    size_t bytes = 0;
    std::string file;  // within the folder
  };
  // Every tensor of every file, by name.
  std::vector<Entry> entries() const;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace lectern
