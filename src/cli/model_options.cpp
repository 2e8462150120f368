#include "cli/model_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <system_error>

#include "core/log.h"
#include "hub/model_store.h"
#include "hub/shared_cache.h"
#include "lectern/error.h"
#include "reading/models.h"

namespace lectern::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t short_commit = 7;  // digits, as git shows them

FoundModel stored(const hub::StoredModel& model, bool named) {
  return {model.folder, fmt::format("{}, revision {}", model.name.text(), model.name.revision.substr(0, short_commit)),
          named};
}

// Without a home there is no store, which matters only to those who ask for a model of it.
std::optional<hub::StoredModel> pulled_deepseek_ocr() {
  try {
    return hub::find_stored(hub::model_store(), hub::deepseek_ocr);
  } catch (const Error&) {
    return std::nullopt;
  }
}

FoundModel named_model(const std::string& given) {
  std::error_code ignored;
  if (fs::exists(given, ignored)) return {given, given, true};
  if (const fs::path shipped = shipped_model(given); !shipped.empty()) return {shipped, given, true};
  const auto name = hub::parse_model_name(given);
  if (!name) return {given, given, true};  // and loading says what is missing there
  if (const auto model = hub::find_stored(hub::model_store(), *name)) return stored(*model, true);
  if (const auto model = hub::cached_model(hub::shared_cache(), *name)) return stored(*model, true);
  throw Error(fmt::format("{}: is no folder here, and no model of that name was pulled; run: lectern pull {}{}", given,
                          name->text(), name->revision.empty() ? "" : " --revision " + name->revision));
}

}  // namespace

const char* const model_help =
    "A model's folder, or its name as `lectern models` lists it (default: $LECTERN_MODEL, then DeepSeek-OCR if it was "
    "pulled, then the model that ships)";

void add_model_options(CLI::App& command, ModelArguments& arguments) {
  command.add_option("--model", arguments.model, model_help)->type_name("MODEL");
  add_device_options(command, arguments);
}

void add_device_options(CLI::App& command, ModelArguments& arguments) {
  command
      .add_option("--weights", arguments.weights,
                  "How weights are kept and multiplied (default: as the model was packed, else f32, which is exact, on "
                  "the cpu, and 16 bits on a card)")
      ->type_name("f32|bf16|q8|q4");
  command
      .add_option("--device", arguments.device, "Where to run: cpu (default), or another that `lectern devices` lists")
      ->type_name("DEVICE");
  command
      .add_option(
          "--without", arguments.without,
          "Replace these operators by equivalents, as for a device that lacks them: names from `lectern devices "
          "--ops`, a profile, or all")
      ->type_name("OPERATORS");
  command.add_option("--threads", arguments.threads, "Threads (default: the processors of this process)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024).description(""));
}

void add_parallel_option(CLI::App& command, ModelArguments& arguments) {
  command
      .add_option("--tensor-parallel", arguments.tensor_parallel,
                  "Run each model over so many devices of --device, or so many times on the cpu, with a share of its "
                  "heads, experts and words on each; for cards that are too small")
      ->type_name("N")
      ->check(CLI::Range(1, 64).description(""));
}

ModelOptions ModelArguments::options() const { return {parse_weights(weights), device, without, {}, tensor_parallel}; }

std::string left_out_message(const std::string& device, const std::string& why) {
  return fmt::format("{}: failed and is left out: {}", device, why);
}

bool names_model() {
  const char* const named = std::getenv("LECTERN_MODEL");
  return named != nullptr && *named != '\0';
}

fs::path shipped_model(std::string_view name) {
  if (std::ranges::find(shipped_model_names, name) == shipped_model_names.end()) return {};
  std::error_code ignored;
  const fs::path binary = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path folder = binary.parent_path();
  const fs::path installed = folder.parent_path() / "share/lectern/models" / name;
  for (const fs::path& place : {installed, folder / "models" / name}) {
    if (fs::exists(place, ignored)) return fs::canonical(place);
  }
  return {};
}

namespace {

FoundModel look_for_model(const std::string& given) {
  if (!given.empty()) return named_model(given);
  if (names_model()) {
    const std::string named = std::getenv("LECTERN_MODEL");
    try {
      FoundModel model = named_model(named);
      std::error_code ignored;
      if (fs::exists(model.folder, ignored)) return model;
      throw Error(
          fmt::format("{}: there is no such folder; expected one, or a name as `lectern models` lists it", named));
    } catch (const Error& error) {
      throw Error(fmt::format("LECTERN_MODEL names {}", error.what()));
    }
  }
  if (const auto model = pulled_deepseek_ocr()) return stored(*model, false);
  if (const fs::path folder = shipped_model(); !folder.empty()) {
    return {folder, "primer, the small model that ships, for printed pages; for all others, first: lectern pull",
            false};
  }
  throw Error(
      "the model that ships is not beside lectern; run `lectern pull`, or name a model with --model or LECTERN_MODEL: "
      "a "
      "folder with config.json, tokenizer.json and .safetensors files");
}

}  // namespace

FoundModel find_model(const std::string& given) {
  FoundModel model = look_for_model(given);
  log_info("model.chosen", {{"folder", model.folder}, {"named", model.named}, {"description", model.description}});
  return model;
}

}  // namespace lectern::cli
