// What the model wrote, byte for byte; pages parted by the line of the published code: <--- Page Split --->.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_raw_writer(const std::filesystem::path& path);

}  // namespace lectern
