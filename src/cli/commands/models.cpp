// lectern models: which models are here.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "checkpoint/config.h"
#include "cli/commands.h"
#include "cli/model_options.h"
#include "core/format_bytes.h"
#include "hub/model_store.h"
#include "hub/shared_cache.h"
#include "lectern/error.h"
#include "lectern/version.h"

namespace lectern::cli {
namespace {

struct Row {
  std::string name, short_name, revision;
  int64_t bytes = 0;
  bool complete = false;
  bool used = false;  // when no model is named
  std::filesystem::path folder;
};

// Without a home there is no store, and the model that ships is all.
std::vector<hub::StoredModel> models_in_store() {
  try {
    return hub::stored_models(hub::model_store());
  } catch (const Error&) {
    return {};
  }
}

// The cache of Hugging Face's tools holds models of all kinds.
bool can_be_read(const std::filesystem::path& folder) {
  try {
    read_config(folder / "config.json");
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<Row> rows() {
  std::vector<Row> rows;
  const auto add = [&](const hub::StoredModel& model) {
    rows.push_back({model.name.text(), std::string(hub::short_name_of(model.name)), model.name.revision, model.bytes,
                    model.complete, false, model.folder});
  };
  std::ranges::for_each(models_in_store(), add);
  for (const hub::StoredModel& model : hub::cached_models(hub::shared_cache())) {
    if (can_be_read(model.folder)) add(model);
  }
  for (const char* const name : shipped_model_names) {
    if (const auto folder = shipped_model(name); !folder.empty()) {
      rows.push_back({name, "", LECTERN_VERSION, hub::bytes_in(folder), true, false, folder});
    }
  }
  try {
    const auto used = find_model("").folder;
    for (Row& row : rows) {
      std::error_code ignored;
      row.used = std::filesystem::equivalent(row.folder, used, ignored);
    }
  } catch (const Error&) {
    // LECTERN_MODEL names none of them.
  }
  return rows;
}

void print_json(const std::vector<Row>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Row& row : rows) {
    list.push_back(
        {{"name", row.name},
         {"short_name", row.short_name.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(row.short_name)},
         {"revision", row.revision},
         {"bytes", row.bytes},
         {"complete", row.complete},
         {"default", row.used},
         {"path", row.folder.string()}});
  }
  fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_table(const std::vector<Row>& rows) {
  size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.name.size());
  for (const Row& row : rows) {
    fmt::print("{} {:<{}}  {:<12}  {:>9}  {:<10}  {}\n", row.used ? '*' : ' ', on_stdout(row.name), width,
               on_stdout(row.revision.substr(0, 12)), format_bytes(row.bytes), row.complete ? "complete" : "incomplete",
               on_stdout(row.folder.string()));
  }
  std::string missing;
  const bool incomplete = std::ranges::any_of(rows, [](const Row& row) { return !row.complete; });
  if (std::ranges::any_of(rows, [](const Row& row) { return row.used; })) fmt::print("\n* used when none is named\n");
  for (const hub::ShortName& known : hub::short_names()) {
    const bool here = std::ranges::any_of(rows, [&](const Row& row) { return row.short_name == known.text; });
    if (!here) missing += fmt::format("{}{} ({})", missing.empty() ? "" : ", ", known.text, known.name.text());
  }
  if (!missing.empty()) fmt::print("\nTo be had with `lectern pull NAME`: {}\n", missing);
  if (incomplete) fmt::print("\nAn incomplete model is completed by `lectern pull NAME --revision REVISION`.\n");
}

}  // namespace

Command add_models(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "models",
      "List the models that are here: those pulled, those in the cache of Hugging Face's tools, and the one that "
      "ships");
  command->add_flag("--json", *json, "Write JSON");
  return [json] {
    const std::vector<Row> all = rows();
    *json ? print_json(all) : print_table(all);
    return exit_done;
  };
}

}  // namespace lectern::cli
