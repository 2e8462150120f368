// Writing a model whose matrices are packed already, so that it loads by mapping its file.
#pragma once

#include <filesystem>

#include "device/device.h"

namespace lectern {

// Makes the folder `out`, which must not exist, of the model in `in`: its matrices in `format` (bf16, q8 or q4), all
// else as it is; packed by `device`, which alone can load it. The folder takes its name when it is complete. Throws
// Error when it cannot be made.
void quantize_model(const std::filesystem::path& in, const std::filesystem::path& out, WeightFormat format,
                    Device& device);

}  // namespace lectern
