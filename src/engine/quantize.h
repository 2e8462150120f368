// Quantized copies of models, with packed matrices, which load by mapping the file.
#pragma once

#include <filesystem>
#include <stop_token>

#include "device/device.h"

namespace lectern {

// Makes the folder `out`, which must not exist, of the model in `in`: its matrices in `format` (bf16, q8 or q4), all
// else as it is; packed by `device`, which alone can load it. The folder gets its name when it is complete; leftovers
// of a killed run are removed. Throws Error if it cannot be made, and Stopped soon after the request to stop; nothing
// is left then.
void quantize_model(const std::filesystem::path& in, const std::filesystem::path& out, WeightFormat format,
                    Device& device, const std::stop_token& stop = {});

}  // namespace lectern
