// Writes tensors to a .safetensors file that takes its name only when complete.
//
// Views are read, not kept. Throws Error when the file cannot be written, or when a name is given twice or is not
// UTF-8; the file is then as it was.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "core/tensor.h"

namespace lectern {

// Data of larger element types comes first, so that every tensor is aligned to its element.
void write_safetensors(const std::filesystem::path& path,
                       const std::vector<std::pair<std::string, TensorView>>& tensors);

}  // namespace lectern
