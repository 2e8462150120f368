#include "checkpoint/renamed_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;

struct Renamed {
  std::string_view from, to;  // beginnings of names
};

constexpr std::array<Renamed, 15> beginnings = {{
    {"model.vision_tower.sam_encoder.layers.", "model.sam_model.blocks."},
    {"model.vision_tower.sam_encoder.", "model.sam_model."},
    {"model.vision_tower.vision_encoder.embeddings.", "model.vision_model.embeddings."},
    {"model.vision_tower.vision_encoder.encoder.layers.", "model.vision_model.transformer.layers."},
    {"model.vision_tower.vision_encoder.pre_layrnorm.", "model.vision_model.pre_layrnorm."},
    {"model.vision_tower.vision_encoder.layers.", "model.qwen2_model.model.model.layers."},
    {"model.vision_tower.vision_encoder.norm.", "model.qwen2_model.model.model.norm."},
    {"model.vision_tower.query_768_resolution.", "model.qwen2_model.query_768."},
    {"model.vision_tower.query_1024_resolution.", "model.qwen2_model.query_1024."},
    {"model.multi_modal_projector.", "model.projector.layers."},
    {"model.view_separator", "model.view_seperator"},  // as it was published
    {"model.language_model.embed_tokens.", "model.embed_tokens."},
    {"model.language_model.layers.", "model.layers."},
    {"model.language_model.norm.", "model.norm."},
    {"language_model.lm_head.", "lm_head."},
}};

// Within names that begin with model.sam_model.
constexpr std::array<Renamed, 9> parts_of_sam = {{
    {".layer_norm1.", ".norm1."},  // of a block
    {".layer_norm2.", ".norm2."},
    {"patch_embed.projection.", "patch_embed.proj."},
    {"neck.conv1.", "neck.0."},
    {"neck.norm1.", "neck.1."},
    {"neck.conv2.", "neck.2."},
    {"neck.norm2.", "neck.3."},
    {"sam_model.proj.conv1.", "sam_model.net_2."},
    {"sam_model.proj.conv2.", "sam_model.net_3."},
}};

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const size_t at = text.find(from); at != text.npos) text.replace(at, from.size(), to);
}

[[noreturn]] void fail(const std::string& file, const std::string& what) {
  throw Error(file + ": " + what, ErrorCode::unsupported);
}

// An object at a key, or an empty one.
json object_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_object() ? *found : json::object();
}

// A rope_theta stands in an object of its own here.
void take_theta(const json& from, json& to, const std::string& file) {
  const json rope = object_at(from, "rope_parameters");
  if (const auto type = rope.find("rope_type"); type != rope.end() && *type != "default") {
    fail(file, "rope_parameters.rope_type is " + printable(type->dump(), 60) + ": scaled positions are not supported");
  }
  if (const auto theta = rope.find("rope_theta"); theta != rope.end()) to["rope_theta"] = *theta;
}

void take(const json& from, const char* key, json& to, const char* as) {
  if (const auto found = from.find(key); found != from.end()) to[as] = *found;
}

// `top`: of the file, which may say alone which tokens begin and end a text.
json published_decoder(const json& text, const json& top, const std::string& file) {
  json decoder = text;
  for (const char* const key : {"bos_token_id", "eos_token_id"}) {
    if (const auto own = text.find(key); own == text.end() || own->is_null()) take(top, key, decoder, key);
  }
  take_theta(text, decoder, file);
  if (const auto types = text.find("mlp_layer_types"); types != text.end() && types->is_array()) {
    const auto sparse = std::ranges::find(*types, json("sparse"));
    const bool in_order = std::all_of(types->begin(), sparse, [](const json& type) { return type == "dense"; }) &&
                          std::all_of(sparse, types->end(), [](const json& type) { return type == "sparse"; });
    if (!in_order) fail(file, "text_config.mlp_layer_types has dense layers behind others, which is not supported");
    decoder["first_k_dense_replace"] = sparse - types->begin();
  }
  return decoder;
}

json published_sam(const json& sam, const std::string& file) {
  for (const auto& [key, only] : {std::pair("window_size", 14), {"patch_size", 16}}) {
    const auto value = sam.find(key);
    if (value != sam.end() && *value != only) {
      fail(file,
           fmt::format("vision_config.sam_config.{} is {}, expected {}", key, printable(value->dump(), 60), only));
    }
  }
  json published;
  take(sam, "hidden_size", published, "width");
  take(sam, "num_hidden_layers", published, "layers");
  take(sam, "num_attention_heads", published, "heads");
  take(sam, "global_attn_indexes", published, "global_attn_indexes");
  return published;
}

json published_qwen2(const json& encoder, const std::string& file) {
  json published = json::object();
  take(encoder, "hidden_size", published, "dim");
  take(encoder, "num_attention_heads", published, "heads");
  take(encoder, "num_key_value_heads", published, "kv_heads");
  take(encoder, "rms_norm_eps", published, "rms_norm_eps");
  take_theta(encoder, published, file);
  return published;
}

json published_clip(const json& encoder, const std::string& file) {
  constexpr double epsilon = 1e-5;  // a constant of the published code
  if (const auto value = encoder.find("layer_norm_eps"); value != encoder.end() && *value != epsilon) {
    fail(file, fmt::format("vision_config.encoder_config.layer_norm_eps is {}, expected {}",
                           printable(value->dump(), 60), epsilon));
  }
  json published = json::object();
  take(encoder, "hidden_size", published, "width");
  take(encoder, "num_hidden_layers", published, "layers");
  take(encoder, "num_attention_heads", published, "heads");
  return published;
}

// The window, which the published form has at the top.
void take_window(const json& text, json& published, const std::string& file) {
  if (const auto types = text.find("layer_types"); types != text.end() && types->is_array()) {
    const auto in_window = [](const json& type) { return type == "reference_sliding_attention"; };
    if (!std::ranges::all_of(*types, in_window))
      fail(file, "text_config.layer_types has layers without a window, which is not supported");
  }
  take(text, "sliding_window", published, "sliding_window");
}

}  // namespace

std::optional<json> published_config(const json& config, const std::string& file) {
  if (!config.is_object()) return std::nullopt;
  const json vision = object_at(config, "vision_config");
  const json sam = object_at(vision, "sam_config");
  const json encoder = object_at(vision, "encoder_config");
  const json text = object_at(config, "text_config");
  if (sam.empty() || encoder.empty() || text.empty()) return std::nullopt;
  const auto type = config.find("model_type");
  const bool qwen2 = type != config.end() && *type == "deepseek_ocr2";
  const bool clip = type != config.end() && *type == "unlimited_ocr";
  if (!qwen2 && !clip) return std::nullopt;
  json published = {{"architectures", {qwen2 ? "DeepseekOCR2ForCausalLM" : "UnlimitedOCRForCausalLM"}},
                    {"model_type", qwen2 ? "deepseek_vl_v2" : "unlimited-ocr"},
                    {"language_config", published_decoder(text, config, file)}};
  json& width = published["vision_config"]["width"];
  width["sam_vit_b"] = published_sam(sam, file);
  if (qwen2) {
    width["qwen2-0-5b"] = published_qwen2(encoder, file);
  } else {
    width["clip-l-14-224"] = published_clip(encoder, file);
    take_window(text, published, file);
  }
  return published;
}

std::string published_name(std::string_view name) {
  const auto found =
      std::ranges::find_if(beginnings, [&](const Renamed& renamed) { return name.starts_with(renamed.from); });
  if (found == beginnings.end()) return std::string(name);
  std::string published = std::string(found->to).append(name.substr(found->from.size()));
  if (published.starts_with("model.sam_model.")) {
    replace(published, "neck.layer_norm", "neck.norm");  // before those of blocks
    for (const Renamed& part : parts_of_sam) replace(published, part.from, part.to);
  }
  return published;
}

std::vector<std::pair<std::string, TensorView>> split_experts(std::string_view name, const TensorView& packed) {
  constexpr std::string_view gate_up = ".mlp.experts.gate_up_proj", down = ".mlp.experts.down_proj";
  std::vector<std::pair<std::string, TensorView>> experts;
  const bool has_gates = name.ends_with(gate_up);
  if ((!has_gates && !name.ends_with(down)) || packed.shape.rank() != 3) return experts;
  constexpr int64_t max_experts = 4096;  // as config.json may have
  const int64_t count = packed.shape[0];
  const int64_t rows = packed.shape[1];
  const int64_t width = packed.shape[2];
  if (count > max_experts || (has_gates && rows % 2 != 0)) return experts;
  const std::string layer(name.substr(0, name.rfind('.') + 1));  // "model.layers.1.mlp.experts."
  const auto add = [&](int64_t expert, const char* part, int64_t first, int64_t some) {
    experts.emplace_back(fmt::format("{}{}.{}.weight", layer, expert, part),
                         packed.at((expert * rows + first) * width, {some, width}));
  };
  for (int64_t i = 0; i < count; ++i) {
    if (has_gates) {
      add(i, "gate_proj", 0, rows / 2);
      add(i, "up_proj", rows / 2, rows / 2);
    } else {
      add(i, "down_proj", 0, rows);
    }
  }
  return experts;
}

std::optional<JoinedRows> joined_rows(std::string_view name) {
  constexpr std::string_view beginning = "model.vision_model.", queries = ".self_attn.q_proj.";
  const size_t at = name.find(queries);
  if (!name.starts_with(beginning) || at == name.npos) return std::nullopt;
  const auto named = [&](const char* part) {
    return fmt::format("{}.self_attn.{}_proj.{}", name.substr(0, at), part, name.substr(at + queries.size()));
  };
  return JoinedRows{named("qkv"), {named("q"), named("k"), named("v")}};
}

}  // namespace lectern
