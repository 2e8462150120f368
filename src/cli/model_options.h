// Options of commands that run a model, and the lookup of models by name.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "lectern/model.h"

namespace lectern::cli {

struct ModelArguments {
  std::string model;  // as given: a folder, a name, or empty
  std::string weights = "auto";
  std::string device = "cpu";  // or several, as parse_device_list takes them
  std::string without;         // operators, as parse_operators takes them
  int threads = 0;
  int tensor_parallel = 1;

  // Throws Error for unknown weights.
  ModelOptions options() const;
};
void add_model_options(CLI::App& command, ModelArguments& arguments);
// All of them but which model.
void add_device_options(CLI::App& command, ModelArguments& arguments);
// --tensor-parallel, for commands that run models over several devices.
void add_parallel_option(CLI::App& command, ModelArguments& arguments);

// For a device that load_models leaves out.
std::string left_out_message(const std::string& device, const std::string& why);

// Help text of options and arguments that name a model.
extern const char* const model_help;

struct FoundModel {
  std::filesystem::path folder;
  std::string description;  // for people
  bool named = false;       // whether the user said which
};

// The model given: a folder, OWNER/NAME[@REVISION] as it was pulled, or the name of one that ships. When nothing is
// given: what $LECTERN_MODEL gives, or DeepSeek-OCR if it was pulled, or the primer, which ships. Throws Error when
// there is none.
FoundModel find_model(const std::string& given);

// Whether $LECTERN_MODEL names a model.
bool names_model();

inline constexpr const char* shipped_model_name = "primer";
// The primer, which is used where nothing is named, and a larger one, which takes longer and errs less.
inline constexpr std::array<const char*, 2> shipped_model_names = {shipped_model_name, "primer-large"};

// Where a model that ships is: in ../share/lectern of the program's folder, or beside a program that is not installed.
// An empty path when it is in neither, or no such model ships.
std::filesystem::path shipped_model(std::string_view name = shipped_model_name);

}  // namespace lectern::cli
