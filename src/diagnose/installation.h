// Checks of the installation that go beyond the engine: the PDF helper and its sandbox, fonts, picture formats, memory,
// disk and models.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace lectern {

struct InstallationCheck {
  std::string name;
  std::string found;
  bool fine = true;  // false: something is missing, which `found` names
};

// A model that comes with Lectern.
struct ShippedModel {
  std::string name;
  std::filesystem::path folder;  // empty: it is not there
};

// `shipped`: all of them, the usual one first. Throws nothing: what fails is in the list.
std::vector<InstallationCheck> check_installation(std::span<const ShippedModel> shipped);

}  // namespace lectern
