#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempFolder;
using ::testing::ThrowsMessage;

constexpr auto mini = TEST_DATA "/goldens/mini";
constexpr auto index_name = "model.safetensors.index.json";
constexpr std::array<float, 4> values = {1, 2, 3, 4};

TensorView floats(const Shape& shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), DataType::f32, shape};
}

// A folder with mini's config.json.
struct ModelFolder : TempFolder {
  ModelFolder() { write("config.json", testing::slurp(std::string(mini) + "/config.json")); }
  void shard(const std::string& name, const std::vector<std::string>& tensors) const {
    std::vector<std::pair<std::string, TensorView>> views;
    for (const auto& tensor : tensors) views.emplace_back(tensor, floats({2, 2}));
    write_safetensors(path() / name, views);
  }
  void index(const nlohmann::json& weight_map) const {
    write(index_name, nlohmann::json{{"weight_map", weight_map}}.dump());
  }
};

void expect_refused(const std::filesystem::path& folder, const std::string& message) {
  EXPECT_THAT([&] { Checkpoint::open(folder); }, ThrowsMessage<Error>(HasSubstr(message)));
}

TEST(Checkpoint, OpensTheMiniModel) {
  auto opened = Checkpoint::open(mini);
  const Checkpoint checkpoint = std::move(opened);
  EXPECT_EQ(checkpoint.folder(), mini);
  EXPECT_EQ(checkpoint.config().decoder.layers, 4);
  EXPECT_TRUE(checkpoint.has("lm_head.weight"));
  EXPECT_FALSE(checkpoint.has("lm_head"));
  EXPECT_EQ(checkpoint.shape_of("lm_head.weight"), Shape({512, 128}));
  const TensorView weight = checkpoint.weight("lm_head.weight", {512, 128});
  EXPECT_EQ(weight.type, DataType::bf16);
  EXPECT_EQ(weight.bytes(), 512u * 128 * 2);
}

TEST(Checkpoint, ListsEveryTensor) {
  const auto entries = Checkpoint::open(mini).entries();
  EXPECT_EQ(entries.size(), 227u);
  size_t bytes = 0;
  for (const auto& entry : entries) bytes += entry.bytes;
  EXPECT_EQ(bytes, 6112328u);
  EXPECT_EQ(entries.front().name, "lm_head.weight");
  EXPECT_EQ(entries.front().type, "bf16");
  EXPECT_EQ(entries.front().shape, (std::vector<int64_t>{512, 128}));
  EXPECT_EQ(entries.front().file, "model-00001-of-000001.safetensors");
}

TEST(Checkpoint, RefusesWeightsOfAnotherKind) {
  const auto checkpoint = Checkpoint::open(mini);
  EXPECT_THAT([&] { checkpoint.weight("model.norm.weight", {1280}); },
              ThrowsMessage<Error>(HasSubstr(
                  "/model-00001-of-000001.safetensors: tensor model.norm.weight has shape [128], expected [1280]")));
  EXPECT_THAT([&] { checkpoint.weight("model.absent", {1}); },
              ThrowsMessage<Error>(AllOf(HasSubstr("goldens/mini: no tensor model.absent"), HasSubstr("incomplete"))));
  EXPECT_THAT([&] { checkpoint.shape_of("model.absent"); }, ThrowsMessage<Error>(HasSubstr("no tensor model.absent")));
  EXPECT_THAT(
      [&] {
        checkpoint.weight("model.vision_model.embeddings.position_ids", {1, 257});
      },
      ThrowsMessage<Error>(HasSubstr("position_ids has type i64, expected f32, f16 or bf16")));
}

TEST(Checkpoint, MindsUnsupportedTensorsOnlyWhenAsked) {
  const ModelFolder folder;
  const std::string header = R"({"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},)"
                             R"("r":{"dtype":"U8","shape":[1,1,1,1,1,1],"data_offsets":[8,9]}})";
  folder.write("a.safetensors",
               std::string{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0} + header + "123456789");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_TRUE(checkpoint.has("d"));
  EXPECT_EQ(checkpoint.shape_of("d"), Shape({1}));
  EXPECT_THAT([&] { checkpoint.weight("d", {1}); }, ThrowsMessage<Error>(HasSubstr("tensor d has type F64")));
  EXPECT_THAT([&] { checkpoint.weight("r", {1}); }, ThrowsMessage<Error>(HasSubstr("tensor r has 6 dimensions")));
  EXPECT_EQ(checkpoint.entries()[1].shape.size(), 6u);
}

TEST(Checkpoint, AlignsMisalignedWeights) {
  const ModelFolder folder;
  const std::string header = R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";
  ASSERT_NE(header.size() % 4, 0u);
  std::string file{static_cast<char>(header.size()), 0, 0, 0, 0, 0, 0, 0};
  file += header;
  file.append(reinterpret_cast<const char*>(values.data()), sizeof(values));
  folder.write("a.safetensors", file);
  auto opened = Checkpoint::open(folder.path());
  const std::byte* data = opened.weight("a", {4}).data;
  const Checkpoint checkpoint = std::move(opened);
  const TensorView weight = checkpoint.weight("a", {4});
  EXPECT_EQ(weight.data, data);  // copied once
  EXPECT_EQ(reinterpret_cast<uintptr_t>(weight.data) % 4, 0u);
  EXPECT_EQ(std::memcmp(weight.data, values.data(), sizeof(values)), 0);
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i) readers.emplace_back([&] { EXPECT_EQ(checkpoint.weight("a", {4}).data, data); });
}

TEST(Checkpoint, ReadsEveryShardWithoutAnIndex) {
  const ModelFolder folder;
  folder.shard("a.safetensors", {"x"});
  folder.shard("b.safetensors", {"y"});
  folder.write("._a.safetensors", "not for us");
  folder.write("notes.txt", "not for us");
  const auto checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.weight("x", {2, 2}).as<float>()[3], 4.0f);
  EXPECT_EQ(checkpoint.entries()[1].file, "b.safetensors");
  folder.shard("c.safetensors", {"x"});
  expect_refused(folder.path(), "c.safetensors: tensor x is also in a.safetensors");
}

TEST(Checkpoint, FollowsTheIndex) {
  const ModelFolder folder;
  folder.shard("a.safetensors", {"x"});
  folder.shard("b.safetensors", {"y"});
  folder.write("old.safetensors", "of another model");
  folder.index({{"x", "a.safetensors"}, {"y", "b.safetensors"}});
  EXPECT_EQ(Checkpoint::open(folder.path()).entries().size(), 2u);

  folder.index({{"x", "a.safetensors"}, {"y", "c.safetensors"}});
  expect_refused(folder.path(),
                 "/c.safetensors: is missing, but model.safetensors.index.json names it; download it again");
  folder.index({{"x", "a.safetensors"}, {"z", "b.safetensors"}});
  expect_refused(folder.path(),
                 "/b.safetensors: tensor z is missing, but model.safetensors.index.json says it is here");
  folder.index({{"x", "b.safetensors"}, {"y", "a.safetensors"}});
  expect_refused(folder.path(), "is missing, but model.safetensors.index.json says it is here");
}

TEST(Checkpoint, RefusesBrokenIndexes) {
  const ModelFolder folder;
  folder.shard("a.safetensors", {"x"});
  for (const char* shard : {"../a.safetensors", "/etc/passwd", "", "a.bin", "sub/a.safetensors"}) {
    folder.index({{"x", shard}});
    expect_refused(folder.path(), "expected the name of a .safetensors file in this folder");
  }
  folder.index({{"x", 3}});
  expect_refused(folder.path(), "index.json: tensor x is in 3, expected the name");
  folder.index(nlohmann::json::object());
  expect_refused(folder.path(), "its weight_map is empty");
  folder.write(index_name, "[]");
  expect_refused(folder.path(), "has no weight_map");
  folder.write(index_name, R"({"weight_map":{"x":"a.safetensors","x":"a.safetensors"}})");
  expect_refused(folder.path(), "key x appears twice");
}

TEST(Checkpoint, SaysWhatAModelFolderHolds) {
  const TempFolder folder;
  const std::string needed = "a model folder holds config.json, tokenizer.json and .safetensors files";
  expect_refused(folder / "absent", "absent: there is no such folder; " + needed);
  expect_refused(folder.write("file", ""), "file: is not a folder; " + needed);
  expect_refused(folder.path(), "has no config.json; " + needed);
  const ModelFolder empty;
  expect_refused(empty.path(), "has no .safetensors file; " + needed);
}

}  // namespace
}  // namespace lectern
