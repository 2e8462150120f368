// The safetensors format: a JSON header that names tensors, and their bytes after it.
//
// The file is untrusted. Throws Error, naming the file and the tensor, for sizes beyond the bytes there are and for
// tensors that overlap or leave gaps. Data is not copied; it may be misaligned for its element type. Views live as long
// as the file is mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/files/mapped_file.h"
#include "core/tensor.h"

namespace lectern {

class Safetensors {
 public:
  // A tensor whose type or rank has no TensorView; reported, and an error only for whoever needs it.
  struct Unsupported {
    std::string type;  // as in the file, printable
    std::vector<int64_t> shape;
    size_t bytes = 0;
  };

  struct Parsed {
    std::map<std::string, TensorView, std::less<>> tensors;
    std::map<std::string, Unsupported, std::less<>> unsupported;
  };

  // Maps the file; the views are good as long as this object, wherever it is moved.
  static Safetensors open(const std::filesystem::path& path);

  // The views point into `bytes`, which the caller keeps. `name` stands for the file in messages. Takes time in the
  // size of the header, not of the tensors.
  static Parsed parse(std::span<const std::byte> bytes, std::string_view name);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, TensorView, std::less<>>& tensors() const { return parsed_.tensors; }
  const std::map<std::string, Unsupported, std::less<>>& unsupported() const { return parsed_.unsupported; }

  // Lets the system take back the memory of a tensor; see MappedFile::forget.
  void forget(const TensorView& tensor) const { file_.forget({tensor.data, tensor.bytes()}); }

 private:
  Safetensors() = default;

  std::filesystem::path path_;
  MappedFile file_;
  Parsed parsed_;
};

}  // namespace lectern
