#include "checkpoint/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/files/json_file.h"
#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

json mini() { return read_json(TEST_DATA "/goldens/mini/config.json"); }

ModelConfig read(const json& config) {
  const testing::TempFolder folder;
  return read_config(folder.write("config.json", config.dump()));
}

// The mini configuration with one value changed, at a JSON pointer.
json with(const std::string& pointer, const json& value) {
  json config = mini();
  config[json::json_pointer(pointer)] = value;
  return config;
}

void expect_refused(const json& config, const std::string& message) {
  EXPECT_THAT([&] { read(config); }, ThrowsMessage<Error>(AllOf(HasSubstr("config.json: "), HasSubstr(message))));
}

TEST(Config, SaysWhichRowsASmallModelWasTrainedOn) {
  EXPECT_FALSE(read(mini()).rows);
  const json rows = {{"rows", {{"row_height", 64}, {"ink_height", 27}, {"piece_width", 244}}}};
  const ModelConfig config = read(with("/lectern", rows));
  ASSERT_TRUE(config.rows);
  EXPECT_EQ(config.rows->row_height, 64);
  EXPECT_EQ(config.rows->ink_height, 27);
  EXPECT_EQ(config.rows->piece_width, 244);
  EXPECT_FALSE(read(with("/lectern", json::object())).rows);
  expect_refused(with("/lectern/rows", {{"row_height", 64}, {"ink_height", 27}}),
                 "lectern.rows.piece_width is missing");
  expect_refused(with("/lectern/rows", {{"row_height", 64}, {"ink_height", 65}, {"piece_width", 244}}),
                 "lectern.rows.ink_height is 65");
  expect_refused(with("/lectern", 3), "lectern");
}

TEST(Config, ReadsTheMiniModel) {
  const ModelConfig config = read_config(TEST_DATA "/goldens/mini/config.json");
  EXPECT_EQ(config.native_size, 1024);
  EXPECT_EQ(config.sam.width, 96);
  EXPECT_EQ(config.sam.layers, 4);
  EXPECT_EQ(config.sam.heads, 3);
  EXPECT_THAT(config.sam.global_layers, ElementsAre(1, 3));
  EXPECT_EQ(config.sam.window, 14);
  EXPECT_EQ(config.sam.patch, 16);
  EXPECT_EQ(config.clip.width, 128);
  EXPECT_EQ(config.clip.layers, 3);
  EXPECT_EQ(config.clip.heads, 4);
  EXPECT_EQ(config.decoder.hidden, 128);
  EXPECT_EQ(config.decoder.layers, 4);
  EXPECT_EQ(config.decoder.heads, 4);
  EXPECT_EQ(config.decoder.kv_heads, 4);
  EXPECT_EQ(config.decoder.experts, 8);
  EXPECT_EQ(config.decoder.experts_per_token, 3);
  EXPECT_EQ(config.decoder.dense_layers, 1);
  EXPECT_EQ(config.decoder.vocabulary, 512);
  EXPECT_EQ(config.decoder.context, 8192);
  EXPECT_EQ(config.decoder.rms_epsilon, 1e-6f);
  EXPECT_EQ(config.decoder.rope_theta, 1e4f);
  EXPECT_EQ(config.decoder.bos, 0);
  EXPECT_EQ(config.decoder.end_tokens, std::vector<int32_t>{1});
  EXPECT_FALSE(config.decoder.renormalise);
  EXPECT_EQ(config.decoder.routed_scale, 1.0f);
}

TEST(Config, FallsBackToTheTopLevel) {
  json config = with("/rope_theta", 5e5);
  config["language_config"]["rms_norm_eps"] = 1e-5;
  config["language_config"]["norm_topk_prob"] = true;
  config["routed_scaling_factor"] = 2.5;
  config["language_config"].erase("hidden_size");
  config["language_config"]["num_key_value_heads"] = nullptr;
  config["num_key_value_heads"] = 2;
  const DecoderConfig decoder = read(config).decoder;
  EXPECT_EQ(decoder.rope_theta, 5e5f);
  EXPECT_EQ(decoder.rms_epsilon, 1e-5f);
  EXPECT_TRUE(decoder.renormalise);
  EXPECT_EQ(decoder.routed_scale, 2.5f);
  EXPECT_EQ(decoder.hidden, 128);
  EXPECT_EQ(decoder.kv_heads, 2);

  json flat = mini();
  flat.erase("language_config");
  EXPECT_EQ(read(flat).decoder.layers, 4);
  json disagreeing = mini();
  disagreeing["num_hidden_layers"] = 7;
  EXPECT_EQ(read(disagreeing).decoder.layers, 4);
}

TEST(Config, HasAsManyKeyHeadsAsHeadsWhenUnsaid) {
  json config = mini();
  config.erase("num_key_value_heads");
  config["language_config"].erase("num_key_value_heads");
  EXPECT_EQ(read(config).decoder.kv_heads, 4);
}

TEST(Config, ReadsUnlimitedOcr) {
  const ModelConfig config = read_config(TEST_DATA "/goldens/unlimited-ocr/mini/config.json");
  EXPECT_EQ(config.model.name, "Unlimited-OCR");
  EXPECT_EQ(config.decoder.window, 16);
  EXPECT_EQ(config.decoder.context, 32768);
  EXPECT_FALSE(config.qwen2);
  EXPECT_EQ(read(mini()).model.name, "DeepSeek-OCR");
  EXPECT_EQ(read(mini()).decoder.window, 0);
}

TEST(Config, TheWindowStandsAtTheTopOrWithTheDecoder) {
  json unlimited = read_json(TEST_DATA "/goldens/unlimited-ocr/mini/config.json");
  unlimited["sliding_window_size"] = 7;
  EXPECT_EQ(read(unlimited).decoder.window, 7);
  unlimited.erase("sliding_window_size");
  unlimited["sliding_window"] = 9;
  EXPECT_EQ(read(unlimited).decoder.window, 16);  // language_config has sliding_window_size
  unlimited["language_config"].erase("sliding_window_size");
  EXPECT_EQ(read(unlimited).decoder.window, 9);
  unlimited["sliding_window"] = nullptr;
  EXPECT_EQ(read(unlimited).decoder.window, 128);  // as the model was trained
  unlimited["sliding_window"] = -1;
  expect_refused(unlimited, "sliding_window is -1");
}

TEST(Config, ReadsTheEncoderOfDeepSeekOcr2) {
  json second = with("/architectures/0", "DeepseekOCR2ForCausalLM");
  json& width = second["vision_config"]["width"];
  width.erase("clip-l-14-224");
  width["qwen2-0-5b"] = {{"dim", 896}};
  ASSERT_TRUE(read(second).qwen2);
  EXPECT_EQ(read(second).model.encoder, EncoderKind::qwen2);
  EXPECT_EQ(read(second).qwen2->heads, 14);
  EXPECT_EQ(read(second).qwen2->kv_heads, 2);
  EXPECT_EQ(read(second).qwen2->rope_theta, 1e6f);
  width["qwen2-0-5b"]["heads"] = 4;
  width["qwen2-0-5b"]["kv_heads"] = 3;
  expect_refused(second, "kv_heads is 3, which does not divide heads of 4");
  second.erase("architectures");
  width["qwen2-0-5b"]["kv_heads"] = 4;
  EXPECT_EQ(read(second).model.name, "DeepSeek-OCR-2");
}

TEST(Config, DoesWithoutWhatReSavedFilesLeaveOut) {
  json config = mini();
  for (const char* key : {"candidate_resolutions", "bos_token_id", "eos_token_id", "projector_config", "model_type"})
    config.erase(key);
  config["language_config"].erase("bos_token_id");
  config["language_config"].erase("eos_token_id");
  const ModelConfig read_back = read(config);
  EXPECT_EQ(read_back.native_size, 1024);
  EXPECT_EQ(read_back.decoder.bos, 0);
  EXPECT_EQ(read_back.decoder.end_tokens, std::vector<int32_t>{1});
}

// What the published code has for them.
TEST(Config, DoesWithoutOptionalSettings) {
  json config = mini();
  for (const char* key : {"first_k_dense_replace", "max_position_embeddings", "num_key_value_heads", "n_group",
                          "topk_group", "topk_method", "use_mla", "v_head_dim", "rm_head"}) {
    config.erase(key);
    config["language_config"].erase(key);
  }
  const ModelConfig first = read(config);
  EXPECT_EQ(first.decoder.dense_layers, 0);
  EXPECT_EQ(first.decoder.context, 8192);
  EXPECT_EQ(first.decoder.kv_heads, first.decoder.heads);
  config["architectures"] = {"UnlimitedOCRForCausalLM"};
  EXPECT_EQ(read(config).decoder.context, 32768);
  EXPECT_EQ(read(config).decoder.window, 128);
}

TEST(Config, EveryEndTokenEndsAText) {
  const std::string key = "/language_config/eos_token_id";
  EXPECT_THAT(read(with(key, {7, 2, 7})).decoder.end_tokens, ElementsAre(7, 2));
  expect_refused(with(key, {7, 512}), "language_config.eos_token_id[1] is 512");
  expect_refused(with(key, json::object()), "language_config.eos_token_id is an object");
  expect_refused(with(key, json(std::vector<int>(65, 1))), "has 65 ids, expected at most 64");
  const auto both = [](const json& config, const json& generation) {
    const testing::TempFolder folder;
    folder.write("generation_config.json", generation.dump());
    return read_config(folder.write("config.json", config.dump())).decoder.end_tokens;
  };
  EXPECT_THAT(both(mini(), {{"eos_token_id", {3, 1}}}), ElementsAre(1, 3));
  EXPECT_THAT(both(mini(), json::object()), ElementsAre(1));
  json silent = mini();
  silent.erase("eos_token_id");
  silent["language_config"]["eos_token_id"] = nullptr;
  EXPECT_THAT(both(silent, {{"eos_token_id", 9}}), ElementsAre(9));
  EXPECT_THAT(both(silent, {{"eos_token_id", nullptr}}), ElementsAre(1));
  EXPECT_THAT(
      [&] {
        both(mini(), {{"eos_token_id", -1}});
      },
      ThrowsMessage<Error>(HasSubstr("generation_config.json: eos_token_id is -1")));
  EXPECT_THAT([&] { both(mini(), json::array()); },
              ThrowsMessage<Error>(HasSubstr("generation_config.json: is not a JSON object")));
}

TEST(Config, DescribesAFolderBeforeItIsLoaded) {
  EXPECT_EQ(describe_folder(TEST_DATA "/goldens/unlimited-ocr/mini").name, "Unlimited-OCR");
  EXPECT_EQ(describe_folder("nowhere").name, "DeepSeek-OCR");
}

TEST(Config, RefusesOtherModels) {
  expect_refused(with("/architectures/0", "DeepseekOCR2ForCausalLM"),
                 "vision_config.width lacks qwen2-0-5b, which is not so in DeepSeek-OCR-2");
  expect_refused(with("/vision_config/width/qwen2-0-5b", json::object()),
                 "vision_config.width has qwen2-0-5b, which is not so in DeepSeek-OCR;");
  expect_refused(with("/architectures/0", "LlamaForCausalLM"),
                 "architectures names LlamaForCausalLM, expected one of DeepSeek-OCR");
  expect_refused(with("/architectures", 3), "architectures is 3, expected an array of names");
  json renamed = with("/model_type", "llama");
  renamed.erase("architectures");
  expect_refused(renamed, "model_type is llama, expected one of DeepSeek-OCR");
  expect_refused(json::object(), "model_type is missing");
  expect_refused(json::array(), "is not a JSON object");
  json unnamed = mini();
  unnamed.erase("architectures");
  EXPECT_NO_THROW(read(unnamed));
}

TEST(Config, RefusesWhatIsNotImplemented) {
  const std::string decoder = "/language_config/";
  expect_refused(with(decoder + "use_mla", true), "language_config.use_mla is true: multi-head latent attention");
  expect_refused(with(decoder + "topk_method", "noaux_tc"), "topk_method is \"noaux_tc\": another choice of experts");
  expect_refused(with(decoder + "n_group", 8), "n_group is 8: grouped experts");
  expect_refused(with(decoder + "scoring_func", "sigmoid"), "scoring_func is \"sigmoid\"");
  expect_refused(with(decoder + "moe_layer_freq", 2), "moe_layer_freq is 2");
  expect_refused(with(decoder + "rope_scaling", {{"type", "yarn"}}), "rope_scaling is an object: scaled positions");
  expect_refused(with("/rope_scaling", {{"type", "yarn"}}), "rope_scaling is an object: scaled positions");
  expect_refused(with(decoder + "hidden_act", "gelu"), "hidden_act is \"gelu\"");
  expect_refused(with(decoder + "attention_bias", true), "attention_bias is true");
  expect_refused(with("/projector_config/projector_type", "mlp"), "projector_config.projector_type is \"mlp\"");
  json latent = with("/kv_lora_rank", 512);
  latent.erase("use_mla");
  latent["language_config"].erase("use_mla");
  expect_refused(latent, "kv_lora_rank is set");
  json silent = with(decoder + "hidden_act", "silu");
  silent["language_config"]["scoring_func"] = "softmax";
  silent["language_config"].erase("topk_method");
  silent.erase("topk_method");
  EXPECT_NO_THROW(read(silent));
}

TEST(Config, RefusesWrongTypesAndRanges) {
  const std::string decoder = "/language_config/";
  for (const json& value : std::vector<json>{0, -3, 65537, 1.5, "128", true, json::array(), 1e300, UINT64_MAX}) {
    expect_refused(with(decoder + "hidden_size", value), "language_config.hidden_size is ");
    expect_refused(with("/vision_config/width/sam_vit_b/width", value), "vision_config.width.sam_vit_b.width is ");
  }
  expect_refused(with(decoder + "hidden_size", -3), "hidden_size is -3, expected a whole number from 1 to 65536");
  expect_refused(with(decoder + "num_hidden_layers", 100000), "num_hidden_layers is 100000");
  expect_refused(with(decoder + "vocab_size", 1 << 30), "vocab_size is 1073741824");
  expect_refused(with(decoder + "max_position_embeddings", 0), "max_position_embeddings is 0");
  expect_refused(with(decoder + "first_k_dense_replace", 5), "first_k_dense_replace is 5");
  expect_refused(with(decoder + "num_experts_per_tok", 9),
                 "num_experts_per_tok is 9, expected a whole number from 1 to 8");
  expect_refused(with(decoder + "eos_token_id", 512), "eos_token_id is 512");
  expect_refused(with(decoder + "bos_token_id", -1), "bos_token_id is -1");
  expect_refused(with(decoder + "rms_norm_eps", -1), "rms_norm_eps is -1, expected a number above 0");
  expect_refused(with(decoder + "rope_theta", "big"), "rope_theta is \"big\", expected a number above 0");
  expect_refused(with(decoder + "norm_topk_prob", 1), "norm_topk_prob is 1, expected true or false");
  expect_refused(with("/language_config", 3), "language_config is 3, expected an object");
  expect_refused(with("/vision_config", json::array()), "vision_config is an array, expected an object");
}

TEST(Config, RefusesHeadsThatDoNotDivide) {
  const std::string decoder = "/language_config/";
  expect_refused(with(decoder + "num_attention_heads", 3),
                 "num_attention_heads is 3, which does not divide hidden_size of 128");
  expect_refused(with(decoder + "num_attention_heads", 128), "gives heads of 1, expected an even size");
  expect_refused(with(decoder + "num_key_value_heads", 3), "num_key_value_heads is 3, which does not divide");
  expect_refused(with(decoder + "num_key_value_heads", 8),
                 "num_key_value_heads is 8, expected a whole number from 1 to 4");
  expect_refused(with("/vision_config/width/sam_vit_b/heads", 5),
                 "sam_vit_b.heads is 5, which does not divide width of 96");
  expect_refused(with("/vision_config/width/clip-l-14-224/heads", 5),
                 "clip-l-14-224.heads is 5, which does not divide");
}

TEST(Config, ChecksTheEncoder) {
  const std::string sam = "/vision_config/width/sam_vit_b/";
  expect_refused(with(sam + "global_attn_indexes", {1, 4}),
                 "global_attn_indexes is 4, expected a whole number from 0 to 3");
  expect_refused(with(sam + "global_attn_indexes", {1, 1}), "global_attn_indexes names a layer twice");
  expect_refused(with(sam + "global_attn_indexes", 1), "global_attn_indexes is 1, expected an array");
  EXPECT_THAT(read(with(sam + "global_attn_indexes", {3, 0})).sam.global_layers, ElementsAre(0, 3));
  EXPECT_EQ(read(with("/candidate_resolutions", {{128, 128}})).native_size, 128);
  expect_refused(with("/candidate_resolutions", json::array()),
                 "candidate_resolutions is an array, expected an array of pairs");
  expect_refused(with("/candidate_resolutions", {{100, 100}}), "is 100, expected a multiple of 64");
  expect_refused(with("/candidate_resolutions", {{1024, 640}}), "[0][1] is 640, expected 1024");
  expect_refused(with("/candidate_resolutions", json::array({json::array({"a", "a"})})),
                 "candidate_resolutions[0][0] is \"a\"");
  json missing = mini();
  missing["vision_config"]["width"].erase("sam_vit_b");
  expect_refused(missing, "vision_config.width.sam_vit_b is missing");
}

TEST(Config, NamesTheFileWhenItIsNoJson) {
  const testing::TempFolder folder;
  EXPECT_THAT([&] { read_config(folder.write("config.json", "{")); },
              ThrowsMessage<Error>(HasSubstr("/config.json: not valid JSON")));
}

}  // namespace
}  // namespace lectern
