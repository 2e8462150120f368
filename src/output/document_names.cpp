#include "output/document_names.h"

#include <filesystem>

#include "hub/model_name.h"

namespace lectern {
namespace {

constexpr size_t commit_digits = 12;

// The last part of a path, which may end in a slash.
std::filesystem::path last_part(std::filesystem::path path) {
  while (!path.empty() && !path.has_filename() && path.has_parent_path() && path != path.root_path())
    path = path.parent_path();
  return path;
}

}  // namespace

std::string document_title(std::string_view source) {
  if (source == "-") return "Standard input";
  const std::string name = last_part(source).filename().string();
  return name.empty() ? std::string(source) : name;
}

std::string model_label(std::string_view folder) {
  const std::filesystem::path path = last_part(folder);
  const std::string name = path.filename().string();
  const auto stored = hub::model_name_of_folder(path.parent_path().filename().string());
  if (stored && hub::is_commit(name)) return stored->text() + "@" + name.substr(0, commit_digits);
  return name.empty() ? std::string(folder) : name;
}

}  // namespace lectern
