// lectern models: which models are here.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/model_options.h"
#include "core/size_text.h"
#include "hub/model_store.h"
#include "lectern/error.h"
#include "lectern/version.h"

namespace lectern::cli {
namespace {

struct Row {
  std::string name, revision;
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

std::vector<Row> rows() {
  std::vector<Row> rows;
  for (const hub::StoredModel& model : models_in_store()) {
    rows.push_back({model.name.text(), model.name.revision, model.bytes, model.complete, false, model.folder});
  }
  if (const auto folder = shipped_model(); !folder.empty()) {
    rows.push_back({shipped_model_name, LECTERN_VERSION, hub::bytes_in(folder), true, false, folder});
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
    list.push_back({{"name", row.name},
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
               on_stdout(row.revision.substr(0, 12)), size_text(row.bytes), row.complete ? "complete" : "incomplete",
               on_stdout(row.folder.string()));
  }
  const bool incomplete = std::ranges::any_of(rows, [](const Row& row) { return !row.complete; });
  if (std::ranges::any_of(rows, [](const Row& row) { return row.used; })) fmt::print("\n* used when none is named\n");
  if (incomplete) fmt::print("\nAn incomplete model is completed by `lectern pull NAME --revision REVISION`.\n");
}

}  // namespace

Run add_models(CLI::App& app) {
  const auto json = std::make_shared<bool>(false);
  CLI::App* command =
      app.add_subcommand("models", "List the models that are here: those pulled and the one that ships");
  command->add_flag("--json", *json, "Write JSON");
  return [json] {
    const std::vector<Row> all = rows();
    *json ? print_json(all) : print_table(all);
    return exit_done;
  };
}

}  // namespace lectern::cli
