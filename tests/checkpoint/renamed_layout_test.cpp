#include "checkpoint/renamed_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors_writer.h"
#include "core/files/json_file.h"
#include "core/temp_folder.h"
#include "lectern/error.h"
#include "support/values.h"

namespace lectern {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::string mini = TEST_DATA "/goldens/deepseek-ocr-2/mini";
const std::string clip_mini = TEST_DATA "/goldens/unlimited-ocr/mini";

// As transformers' port calls what the published file holds.
std::string native_name(const std::string& published) {
  const std::vector<std::pair<std::string, std::string>> rules = {
      {"model.sam_model.blocks.", "model.vision_tower.sam_encoder.layers."},
      {"model.sam_model.patch_embed.proj.", "model.vision_tower.sam_encoder.patch_embed.projection."},
      {"model.sam_model.neck.0.", "model.vision_tower.sam_encoder.neck.conv1."},
      {"model.sam_model.neck.1.", "model.vision_tower.sam_encoder.neck.layer_norm1."},
      {"model.sam_model.neck.2.", "model.vision_tower.sam_encoder.neck.conv2."},
      {"model.sam_model.neck.3.", "model.vision_tower.sam_encoder.neck.layer_norm2."},
      {"model.sam_model.net_2.", "model.vision_tower.sam_encoder.proj.conv1."},
      {"model.sam_model.net_3.", "model.vision_tower.sam_encoder.proj.conv2."},
      {"model.sam_model.", "model.vision_tower.sam_encoder."},
      {"model.qwen2_model.model.model.", "model.vision_tower.vision_encoder."},
      {"model.qwen2_model.query_768.", "model.vision_tower.query_768_resolution."},
      {"model.qwen2_model.query_1024.", "model.vision_tower.query_1024_resolution."},
      {"model.vision_model.transformer.layers.", "model.vision_tower.vision_encoder.encoder.layers."},
      {"model.vision_model.", "model.vision_tower.vision_encoder."},
      {"model.image_newline", "model.image_newline"},
      {"model.projector.layers.", "model.multi_modal_projector."},
      {"model.view_seperator", "model.view_separator"},
      {"lm_head.", "lm_head."},
      {"model.", "model.language_model."},
  };
  for (const auto& [from, to] : rules) {
    if (!published.starts_with(from)) continue;
    std::string name = to + published.substr(from.size());
    if (from == "model.sam_model.blocks.") {
      for (const std::string norm : {"norm1", "norm2"}) {
        if (const size_t at = name.find("." + norm + "."); at != name.npos) name.insert(at + 1, "layer_");
      }
    }
    return name;
  }
  return published;
}

json native_text(const json& published) {
  json text = published["language_config"];
  for (const char* gone : {"first_k_dense_replace", "architectures", "use_mla", "v_head_dim", "kv_lora_rank"})
    text.erase(gone);
  text["mlp_layer_types"] = {"dense", "sparse", "sparse"};
  text["rope_parameters"] = {{"rope_theta", 10000.0}, {"rope_type", "default"}};
  return text;
}

json native_sam(const json& width) {
  return {{"hidden_size", width["sam_vit_b"]["width"]},
          {"num_hidden_layers", width["sam_vit_b"]["layers"]},
          {"num_attention_heads", width["sam_vit_b"]["heads"]},
          {"global_attn_indexes", width["sam_vit_b"]["global_attn_indexes"]},
          {"window_size", 14},
          {"patch_size", 16},
          {"downsample_channels", {512, 896}}};
}

// config.json as transformers' converter writes it.
json native_config() {
  const json published = read_json(mini + "/config.json");
  json text = native_text(published);
  text["model_type"] = "deepseek_ocr2_text";
  const json width = published["vision_config"]["width"];
  const json sam = native_sam(width);
  const json encoder = {{"hidden_size", width["qwen2-0-5b"]["dim"]},
                        {"num_attention_heads", width["qwen2-0-5b"]["heads"]},
                        {"num_key_value_heads", width["qwen2-0-5b"]["kv_heads"]},
                        {"num_hidden_layers", 4},
                        {"rms_norm_eps", 1e-6},
                        {"rope_parameters", {{"rope_theta", 1000000.0}, {"rope_type", "default"}}}};
  return {
      {"architectures", {"DeepseekOcr2ForConditionalGeneration"}},
      {"model_type", "deepseek_ocr2"},
      {"image_token_id", 128815},
      {"text_config", text},
      {"vision_config", {{"sam_config", sam}, {"encoder_config", encoder}, {"model_type", "deepseek_ocr2_vision"}}}};
}

// The same of Unlimited-OCR, as transformers saves it.
json native_clip_config() {
  const json published = read_json(clip_mini + "/config.json");
  json text = native_text(published);
  text.erase("sliding_window_size");
  text["model_type"] = "unlimited_ocr_text";
  text["sliding_window"] = published["sliding_window"];
  text["layer_types"] = json::array();
  for (int i = 0; i < 3; ++i) text["layer_types"].push_back("reference_sliding_attention");
  const json width = published["vision_config"]["width"];
  const json encoder = {{"hidden_size", width["clip-l-14-224"]["width"]},
                        {"num_hidden_layers", width["clip-l-14-224"]["layers"]},
                        {"num_attention_heads", width["clip-l-14-224"]["heads"]},
                        {"layer_norm_eps", 1e-5}};
  return {{"architectures", {"UnlimitedOcrForConditionalGeneration"}},
          {"model_type", "unlimited_ocr"},
          {"text_config", text},
          {"vision_config", {{"sam_config", native_sam(width)}, {"encoder_config", encoder}}}};
}

// A mini's weights in the other layout: a layer's experts in one tensor, CLIP's queries, keys and values in three.
void write_native(const std::string& from, const std::filesystem::path& folder) {
  const Checkpoint published = Checkpoint::open(from);
  std::vector<std::pair<std::string, TensorView>> tensors;
  std::map<std::string, std::vector<std::byte>> packed;
  std::map<std::string, Shape> shapes;
  const auto bytes_of = [&](const std::string& name) {
    return testing::copy_of<std::byte>(published.weight(name, published.shape_of(name)));
  };
  for (const Checkpoint::Entry& entry : published.entries()) {
    if (entry.name.find(".mlp.experts.") != std::string::npos) continue;
    const TensorView weight = published.weight(entry.name, published.shape_of(entry.name));
    const std::string name = native_name(entry.name);
    const size_t joined = name.find("qkv_proj");
    if (joined == std::string::npos) {
      tensors.emplace_back(name, weight);
      continue;
    }
    const int64_t rows = weight.shape[0] / 3;
    for (int64_t i = 0; i < 3; ++i) {
      const std::string part(1, "qkv"[i]);
      tensors.emplace_back(std::string(name).replace(joined, 3, part), weight.slice(i * rows, rows));
    }
  }
  const int count = published.config().decoder.experts;
  for (int layer = published.config().decoder.dense_layers; layer < published.config().decoder.layers; ++layer) {
    const std::string of = "model.layers." + std::to_string(layer) + ".mlp.experts.";
    const auto append = [&](const std::string& to, const std::string& part, int factor) {
      const std::string native = native_name(of) + to;
      for (int e = 0; e < count; ++e) {
        const std::string name = of + std::to_string(e) + "." + part + ".weight";
        const Shape shape = published.shape_of(name);
        shapes[native] = {count, factor * shape[0], shape[1]};
        const std::vector<std::byte> bytes = bytes_of(name);
        packed[native].insert(packed[native].end(), bytes.begin(), bytes.end());
        if (factor == 2) {
          const std::vector<std::byte> up = bytes_of(of + std::to_string(e) + ".up_proj.weight");
          packed[native].insert(packed[native].end(), up.begin(), up.end());
        }
      }
    };
    append("gate_up_proj", "gate_proj", 2);
    append("down_proj", "down_proj", 1);
  }
  for (const auto& [name, bytes] : packed)
    tensors.emplace_back(name, TensorView(bytes.data(), DataType::bf16, shapes[name]));
  write_safetensors(folder / "model.safetensors", tensors);
}

// Every weight, by its published name.
void expect_same(const Checkpoint& renamed, const Checkpoint& published) {
  const std::vector<Checkpoint::Entry> expected = published.entries();
  const std::vector<Checkpoint::Entry> entries = renamed.entries();
  ASSERT_EQ(entries.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(entries[i].name, expected[i].name);
    const Shape shape = published.shape_of(expected[i].name);
    EXPECT_EQ(testing::copy_of<uint16_t>(renamed.weight(entries[i].name, shape)),
              testing::copy_of<uint16_t>(published.weight(entries[i].name, shape)))
        << entries[i].name;
  }
}

TEST(RenamedLayout, ReadsTheSameModel) {
  const testing::TempFolder folder;
  folder.write("config.json", native_config().dump());
  write_native(mini, folder.path());
  const Checkpoint published = Checkpoint::open(mini);
  const Checkpoint renamed = Checkpoint::open(folder.path());
  expect_same(renamed, published);
  const ModelConfig& config = renamed.config();
  ASSERT_TRUE(config.qwen2);
  EXPECT_EQ(config.qwen2->heads, published.config().qwen2->heads);
  EXPECT_EQ(config.qwen2->kv_heads, published.config().qwen2->kv_heads);
  EXPECT_EQ(config.qwen2->rope_theta, 1e6f);
  EXPECT_EQ(config.sam.global_layers, published.config().sam.global_layers);
  EXPECT_EQ(config.decoder.dense_layers, published.config().decoder.dense_layers);
  EXPECT_EQ(config.decoder.rope_theta, 1e4f);
  EXPECT_EQ(config.decoder.end_tokens, published.config().decoder.end_tokens);
  EXPECT_EQ(config.native_size, 1024);
}

TEST(RenamedLayout, ReadsTheSameModelWithClip) {
  const testing::TempFolder folder;
  folder.write("config.json", native_clip_config().dump());
  write_native(clip_mini, folder.path());
  const Checkpoint published = Checkpoint::open(clip_mini);
  const Checkpoint renamed = Checkpoint::open(folder.path());
  expect_same(renamed, published);
  EXPECT_EQ(renamed.config().model.name, "Unlimited-OCR");
  EXPECT_EQ(renamed.config().decoder.window, published.config().decoder.window);
  EXPECT_EQ(renamed.config().decoder.context, published.config().decoder.context);
  EXPECT_EQ(renamed.config().clip.heads, published.config().clip.heads);
}

// As transformers saves it when it gives tensors their published names back.
TEST(RenamedLayout, TakesPublishedNamesBesideTheOtherConfig) {
  const testing::TempFolder folder;
  folder.write("config.json", native_clip_config().dump());
  std::filesystem::create_symlink(clip_mini + "/model-00001-of-000001.safetensors", folder / "model.safetensors");
  expect_same(Checkpoint::open(folder.path()), Checkpoint::open(clip_mini));
}

TEST(RenamedLayout, JoinsNothingThatDoesNotFit) {
  EXPECT_FALSE(joined_rows("model.layers.0.self_attn.q_proj.weight"));
  EXPECT_FALSE(joined_rows("model.vision_model.transformer.layers.0.self_attn.k_proj.weight"));
  const auto rows = joined_rows("model.vision_model.transformer.layers.0.self_attn.q_proj.bias");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->name, "model.vision_model.transformer.layers.0.self_attn.qkv_proj.bias");
  const testing::TempFolder folder;
  folder.write("config.json", native_clip_config().dump());
  const std::vector<uint16_t> values(64);
  const std::string of = "model.vision_tower.vision_encoder.encoder.layers.0.self_attn.";
  const auto view = [&](const Shape& shape) {
    return TensorView(reinterpret_cast<const std::byte*>(values.data()), DataType::bf16, shape);
  };
  write_safetensors(folder / "model.safetensors", {{of + "q_proj.weight", view({8, 8})},
                                                   {of + "k_proj.weight", view({4, 8})},
                                                   {of + "v_proj.weight", view({8, 8})},
                                                   {of + "q_proj.bias", view({8})},
                                                   {of + "k_proj.bias", view({8})}});
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  EXPECT_EQ(checkpoint.entries().size(), 5u);
  EXPECT_FALSE(checkpoint.has(rows->name));
}

TEST(RenamedLayout, TakesTokensThatTheFileSaysAtItsTop) {
  json config = native_config();
  config["text_config"].erase("bos_token_id");
  config["text_config"]["eos_token_id"] = nullptr;
  config["bos_token_id"] = 2;
  config["eos_token_id"] = {1, 5};
  const testing::TempFolder folder;
  const DecoderConfig decoder = read_config(folder.write("config.json", config.dump())).decoder;
  EXPECT_EQ(decoder.bos, 2);
  EXPECT_EQ(decoder.end_tokens, (std::vector<int32_t>{1, 5}));
}

TEST(RenamedLayout, RefusesSettingsThatThePublishedOneHasNoPlaceFor) {
  const auto refused = [](const std::string& pointer, const json& value, const std::string& reason) {
    json config = native_config();
    config[json::json_pointer(pointer)] = value;
    EXPECT_THAT([&] { published_config(config, "config.json"); }, ThrowsMessage<Error>(HasSubstr(reason))) << pointer;
  };
  refused("/text_config/mlp_layer_types", {"dense", "sparse", "dense"}, "has dense layers behind others");
  refused("/text_config/mlp_layer_types", {"dense", 3, "sparse"}, "has dense layers behind others");
  refused("/text_config/rope_parameters/rope_type", "yarn", "scaled positions are not supported");
  refused("/vision_config/encoder_config/rope_parameters/rope_type", "yarn", "scaled positions are not supported");
  refused("/vision_config/sam_config/window_size", 7, "window_size is 7, expected 14");
  json windowless = native_clip_config();
  windowless["text_config"]["layer_types"][1] = "full_attention";
  EXPECT_THAT([&] { published_config(windowless, "config.json"); },
              ThrowsMessage<Error>(HasSubstr("layer_types has layers without a window")));
  json epsilon = native_clip_config();
  epsilon["vision_config"]["encoder_config"]["layer_norm_eps"] = 1e-6;
  EXPECT_THAT([&] { published_config(epsilon, "config.json"); }, ThrowsMessage<Error>(HasSubstr("layer_norm_eps is")));
}

TEST(RenamedLayout, LeavesOthersAsTheyAre) {
  EXPECT_FALSE(published_config(read_json(mini + "/config.json"), "config.json"));
  for (const json& other : {json::array(), json::object(), json(3), json{{"vision_config", 1}, {"text_config", "x"}}})
    EXPECT_FALSE(published_config(other, "config.json"));
  for (const Checkpoint::Entry& entry : Checkpoint::open(mini).entries())
    EXPECT_EQ(published_name(entry.name), entry.name);
  const std::vector<uint16_t> values(24);
  const auto view = [&](const Shape& shape) {
    return TensorView(reinterpret_cast<const std::byte*>(values.data()), DataType::bf16, shape);
  };
  EXPECT_EQ(split_experts("model.layers.1.mlp.experts.gate_up_proj", view({2, 4, 3})).size(), 4u);
  EXPECT_TRUE(split_experts("model.layers.1.mlp.experts.gate_up_proj", view({2, 3, 4})).empty()) << "an odd number";
  EXPECT_TRUE(split_experts("model.layers.1.mlp.experts.gate_up_proj", view({6, 4})).empty());
  EXPECT_TRUE(split_experts("model.layers.1.mlp.experts.0.gate_proj.weight", view({2, 4, 3})).empty());
}

}  // namespace
}  // namespace lectern
