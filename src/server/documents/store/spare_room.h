// Room that is kept on the disk of the data folder, as a file, so that it can be noted on a full disk that a job is
// gone.
#pragma once

#include <filesystem>

namespace lectern::server {

std::filesystem::path spare_file(const std::filesystem::path& folder);

// Takes the room where it is not taken and the disk has it.
void keep_spare_room(const std::filesystem::path& folder);
void free_spare_room(const std::filesystem::path& folder);

}  // namespace lectern::server
