#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "core/temp_folder.h"
#include "hub/model_store.h"
#include "lectern/error.h"
#include "lectern/hub.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

class PulledModels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* given = std::getenv("XDG_CACHE_HOME")) before_ = given;
    ::setenv("XDG_CACHE_HOME", folder_.path().c_str(), 1);
  }
  void TearDown() override {
    before_.empty() ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", before_.c_str(), 1);
  }

  fs::path pull(const std::string& name, const std::string& commit) {
    const std::string place = "lectern/models/owner--" + name + "/" + commit;
    fs::create_directories(folder_ / place);
    folder_.write(place + "/config.json", "{}");
    hub::write_manifest(folder_ / place, {"owner", name, commit}, "https://hub", {{"config.json", 2}});
    return folder_ / place;
  }

  testing::TempFolder folder_;
  std::string before_;
};

TEST_F(PulledModels, AreListedWhenTheyAreComplete) {
  EXPECT_TRUE(pulled_models().empty());
  const fs::path whole = pull("whole", std::string(40, '1'));
  fs::remove(pull("broken", std::string(40, '2')) / "config.json");
  const std::vector<PulledModel> models = pulled_models();
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "owner/whole");
  EXPECT_EQ(models[0].revision, std::string(40, '1'));
  EXPECT_EQ(models[0].folder, whole);
  EXPECT_GT(models[0].bytes, 0);
}

TEST_F(PulledModels, AreFoundByName) {
  const fs::path whole = pull("whole", std::string(40, '1'));
  EXPECT_EQ(pulled_model("owner/whole").folder, whole);
  EXPECT_EQ(pulled_model("owner/whole@111").folder, whole);
  try {
    pulled_model("owner/whole@2");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
  EXPECT_THROW(pulled_model("no name"), Error);
}

}  // namespace
}  // namespace lectern
