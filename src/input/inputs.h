// Expansion of input arguments: files, folders, patterns, and "-" for standard input.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace lectern {

struct Input {
  std::filesystem::path file;   // to open; "-" is standard input
  std::filesystem::path below;  // its path inside of the folder that was typed; for a file, its name
};

struct Inputs {
  std::vector<Input> files;         // in the order typed; of one folder or pattern in natural order: page2, page10
  std::vector<std::string> errors;  // for every word that stands for nothing, and what cannot be looked at in a folder
  std::vector<std::string> notes;   // what was left out, and how much
  bool several = false;             // more than one word, a folder or a pattern, whatever is there now
};

// A folder stands for the pictures and PDFs in it and in its folders, told by their extensions, hidden ones left out;
// links are followed, but no folder is taken twice, and what Lectern wrote is left out. A pattern (* ? [...]) stands
// for the files and folders it matches, unless a file has that very name. A file that several words, or several names,
// stand for is taken once.
Inputs expand_inputs(std::span<const std::string> words);

// page2 before page10, whatever the case of letters; names that differ only in case or in leading zeros still differ.
bool natural_less(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace lectern
