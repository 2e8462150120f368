// What of an installation shows only when a document needs it: the PDF helper and what confines it, fonts, formats of
// pictures, memory, disk and models.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lectern {

struct InstallationCheck {
  std::string name;
  std::string found;
  bool fine = true;  // false: something is missing, which `found` names
};

// `shipped_model` is the folder of the model that comes with Lectern. Throws nothing: what fails is in the list.
std::vector<InstallationCheck> check_installation(const std::filesystem::path& shipped_model);

}  // namespace lectern
