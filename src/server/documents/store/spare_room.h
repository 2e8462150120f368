// Spare file in the data folder that reserves disk space, so that jobs can be deleted on a full disk.
#pragma once

#include <filesystem>

namespace lectern::server {

std::filesystem::path spare_file(const std::filesystem::path& folder);

// Reserves the space if it is not reserved yet and the disk has it.
void keep_spare_room(const std::filesystem::path& folder);
void free_spare_room(const std::filesystem::path& folder);

}  // namespace lectern::server
