// Checks of the installation that go beyond the engine: the PDF helper and its sandbox, fonts, picture formats, memory,
// disk and models.
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
