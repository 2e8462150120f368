#include "hub/shared_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>

#include "core/temp_folder.h"
#include "hub/fake_hub.h"
#include "hub/pull.h"

namespace lectern::hub {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using testing::FakeHub;
using ::testing::HasSubstr;
using testing::TempFolder;

// As Hugging Face's tools lay a model out.
class Cache {
 public:
  explicit Cache(const std::string& model = "models--deepseek-ai--DeepSeek-OCR") : model_(folder_ / model) {
    fs::create_directories(model_ / "blobs");
    fs::create_directories(model_ / "refs");
  }
  void add(const std::string& commit, const std::string& name, const std::string& content, const std::string& digest) {
    std::ofstream(model_ / "blobs" / digest, std::ios::binary) << content;
    link(commit, name, digest);
  }
  void link(const std::string& commit, const std::string& name, const std::string& digest) {
    fs::create_directories(model_ / "snapshots" / commit);
    fs::create_symlink("../../blobs/" + digest, model_ / "snapshots" / commit / name);
  }
  void refer(const std::string& reference, const std::string& commit) {
    std::ofstream(model_ / "refs" / reference) << commit;
  }
  // A model of small files that are what they are called.
  void add_model(const std::string& commit) {
    for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"})
      add(commit, name, name, commit + name);
  }
  fs::path snapshot(const std::string& commit) const { return model_ / "snapshots" / commit; }
  const fs::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
  fs::path model_;
};

const std::string first(40, 'a'), second(40, 'b');

TEST(SharedCache, FindsWholeModels) {
  Cache cache;
  cache.add_model(first);
  cache.link(second, "config.json", "coming");  // a blob that is not there yet
  fs::create_directories(cache.path() / "datasets--a--b/snapshots" / first);
  fs::create_directories(cache.path() / "models--strange");
  const std::vector<StoredModel> models = cached_models(cache.path());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name.text(), "deepseek-ai/DeepSeek-OCR");
  EXPECT_EQ(models[0].name.revision, first);
  EXPECT_EQ(models[0].folder, cache.snapshot(first));
  EXPECT_EQ(models[0].bytes, 42);  // what the links lead to
  EXPECT_TRUE(cached_models(cache.path() / "nowhere").empty());
  EXPECT_FALSE(cached_model("", deepseek_ocr));
}

TEST(SharedCache, WantsAllShardsThatTheIndexNames) {
  Cache cache;
  cache.add_model(first);
  cache.add(first, "model.safetensors.index.json",
            R"({"weight_map": {"a": "model.safetensors", "b": "more.safetensors"}})", "index");
  EXPECT_TRUE(cached_models(cache.path()).empty());
  cache.add(first, "more.safetensors", "more", "more");
  EXPECT_EQ(cached_models(cache.path()).size(), 1u);
  for (const char* broken : {"[", R"({"weight_map": 3})", R"({"weight_map": {"a": "../../blobs/more"}})", "{}"}) {
    std::ofstream(cache.path() / "models--deepseek-ai--DeepSeek-OCR/blobs/index") << broken;
    EXPECT_TRUE(cached_models(cache.path()).empty()) << broken;
  }
}

TEST(SharedCache, FollowsReferences) {
  Cache cache;
  cache.add_model(first);
  cache.add_model(second);
  fs::last_write_time(cache.snapshot(first), fs::file_time_type::clock::now() - std::chrono::hours(1));
  const auto found = [&](const std::string& revision) {
    const auto model = cached_model(cache.path(), {"deepseek-ai", "DeepSeek-OCR", revision});
    return model ? model->name.revision : "nothing";
  };
  EXPECT_EQ(found(""), second) << "the one that came last";
  EXPECT_EQ(found("aaaa"), first);
  cache.refer("main", first);
  cache.refer("v2", second + "\n");
  EXPECT_EQ(found(""), first);
  EXPECT_EQ(found("main"), first);
  EXPECT_EQ(found("v2"), second);
  EXPECT_EQ(found("v3"), "nothing");
  cache.refer("main", std::string(40, 'c'));
  EXPECT_EQ(found(""), "nothing") << "what main stands for is not here";
  EXPECT_FALSE(cached_model(cache.path(), {"deepseek-ai", "Other", ""}));
}

// The listed files in their sizes, as blobs of the listed digests: nothing has to come.
TEST(SharedCache, SavesAPullItsDownload) {
  FakeHub hub;
  const Listing listing = parse_listing(hub.listing().dump(), deepseek_ocr);
  for (const bool damaged : {false, true}) {
    Cache cache;
    for (const ListedFile& file : listing.files) {
      const bool wrong = damaged && file.name == FakeHub::weights_name;
      cache.add(FakeHub::commit, file.name, hub.files.at(file.name), wrong ? std::string(64, '0') : file.digest);
    }
    EXPECT_EQ(holds(cache.snapshot(FakeHub::commit), listing), !damaged);
    const TempFolder store;
    PullOptions options;
    options.endpoint = hub.url();
    options.store = store.path();
    options.shared_cache = cache.path();
    std::vector<std::string> notes;
    PullEvents events;
    events.note = [&](const std::string& text) { notes.push_back(text); };
    const Pulled pulled = pull(options, events);
    EXPECT_EQ(pulled.was_there, !damaged);
    EXPECT_EQ(pulled.folder == cache.snapshot(FakeHub::commit), !damaged);
    EXPECT_THAT(notes, Contains(HasSubstr(damaged ? "licence not named by the hub" : "in the cache of Hugging Face")));
  }
}

}  // namespace
}  // namespace lectern::hub
