// Folder beside a document with pictures of its pages or of their parts, which appear when the document is finished.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "output/pdf/spool.h"

namespace lectern {

// Names of the pictures, and where their bytes are kept until then.
using PicturePlaces = std::vector<std::pair<std::string, Spool::Extent>>;

// Makes the folder and writes the pictures into it. Throws Error.
void put_pictures(const std::filesystem::path& folder, const Spool& kept, const PicturePlaces& pictures);

// For people: how many pictures of earlier runs lie beside these; empty where there are none.
std::string older_pictures(const std::filesystem::path& folder, const PicturePlaces& pictures);

}  // namespace lectern
