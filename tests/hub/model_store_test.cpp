#include "hub/model_store.h"

#include <gtest/gtest.h>

#include <chrono>

#include "core/temp_folder.h"

namespace lectern::hub {
namespace {

namespace fs = std::filesystem;
using testing::TempFolder;

const std::string first_commit(40, '1');
const std::string second_commit(40, '2');
const ModelName name{"owner", "name", ""};

fs::path add_model(const TempFolder& store, const std::string& commit, int minutes_ago) {
  const fs::path folder = store / ("owner--name/" + commit);
  fs::create_directories(folder);
  store.write("owner--name/" + commit + "/config.json", "{}");
  write_manifest(folder, {"owner", "name", commit}, "https://hub", {{"config.json", 2}});
  fs::last_write_time(folder, fs::file_time_type::clock::now() - std::chrono::minutes(minutes_ago));
  return folder;
}

TEST(ModelStore, FindsTheOneThatWasPulledLast) {
  const TempFolder store;
  EXPECT_FALSE(find_stored(store.path(), name));
  EXPECT_TRUE(stored_models(store / "nowhere").empty());
  const fs::path older = add_model(store, first_commit, 2);
  const fs::path newer = add_model(store, second_commit, 1);
  EXPECT_EQ(find_stored(store.path(), name)->folder, newer);
  EXPECT_EQ(find_stored(store.path(), {"owner", "name", "111"})->folder, older);
  EXPECT_FALSE(find_stored(store.path(), {"owner", "name", "3"}));
  EXPECT_FALSE(find_stored(store.path(), {"owner", "other", ""}));
  const auto models = stored_models(store.path());
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name.revision, second_commit);
  EXPECT_TRUE(models[0].complete);
}

TEST(ModelStore, SeesWhatIsIncomplete) {
  const TempFolder store;
  const fs::path damaged = add_model(store, first_commit, 1);
  store.write("owner--name/" + first_commit + "/config.json", "{ }");
  EXPECT_FALSE(holds_its_files(damaged)) << "another size";
  fs::create_directories(store / ("owner--name/" + second_commit + ".partial"));
  store.write("owner--name/" + second_commit + ".partial/config.json.part", "123");
  const auto models = stored_models(store.path());
  ASSERT_EQ(models.size(), 2u);
  for (const StoredModel& model : models) EXPECT_FALSE(model.complete);
  EXPECT_FALSE(find_stored(store.path(), name));
}

TEST(ModelStore, PassesOverWhatIsNoModel) {
  const TempFolder store;
  fs::create_directories(store / "something/else");
  fs::create_directories(store / "owner--name/latest");
  store.write("owner--name/file", "");
  EXPECT_TRUE(stored_models(store.path()).empty());
  add_model(store, first_commit, 1);
  for (const char* manifest : {"", "[]", "{}", R"({"files": [1]})", R"({"files": [{"name": 1, "size": 2}]})"}) {
    store.write("owner--name/" + first_commit + "/lectern-model.json", manifest);
    EXPECT_FALSE(stored_models(store.path()).at(0).complete) << manifest;
  }
}

}  // namespace
}  // namespace lectern::hub
