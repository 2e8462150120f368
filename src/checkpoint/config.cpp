#include "checkpoint/config.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "checkpoint/renamed_layout.h"
#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;

// Upper bounds far above any published model, and low enough that products of three fit in 64 bits.
constexpr int max_width = 1 << 16;
constexpr int max_layers = 1024;
constexpr int max_experts = 4096;
constexpr int max_tokens = 1 << 24;  // vocabulary and context
constexpr int max_pixels = 1 << 14;
constexpr int pixels_per_feature = 64;  // a patch of 16, halved twice by SAM's neck

// An object of config.json whose keys may also stand in a second one, with what is needed to speak of them.
class Section {
 public:
  Section(std::string file, std::string path, const json& first, const json* second = nullptr)
      : file_(std::move(file)), path_(std::move(path)), first_(first), second_(second) {}

  [[noreturn]] void fail(const std::string& key, const std::string& problem) const {
    throw Error(file_ + ": " + path_ + key + " " + problem, ErrorCode::corrupt_input);
  }
  [[noreturn]] void unexpected(const std::string& key, const json& value, const std::string& expected) const {
    const bool small = !value.is_structured();
    fail(key, "is " + (small ? printable(value.dump(), 60) : std::string("an ") + value.type_name()) + ", expected " +
                  expected);
  }

  // Null when the key is absent, or null, in both.
  const json* find(const std::string& key) const {
    for (const json* object : {&first_, second_}) {
      if (object == nullptr) continue;
      const auto value = object->find(key);
      if (value != object->end() && !value->is_null()) return &*value;
    }
    return nullptr;
  }

  const json& at(const std::string& key) const {
    const json* value = find(key);
    if (value == nullptr) fail(key, "is missing");
    return *value;
  }

  int integer(const std::string& key, int min, int max, std::optional<int> otherwise = {}) const {
    if (otherwise && find(key) == nullptr) return *otherwise;
    return check(key, at(key), min, max);
  }

  int check(const std::string& key, const json& value, int min, int max) const {
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t{INT32_MAX}) &&
                      value.get<int64_t>() >= min && value.get<int64_t>() <= max;
    if (!fits) unexpected(key, value, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    return value.get<int>();
  }

  float positive(const std::string& key, float otherwise) const {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    const double number = value->is_number() ? value->get<double>() : 0.0;
    if (!(number > 1e-30 && number < 1e30)) unexpected(key, *value, "a number above 0");
    return static_cast<float>(number);
  }

  bool boolean(const std::string& key, bool otherwise) const {
    const json* value = find(key);
    if (value == nullptr) return otherwise;
    if (!value->is_boolean()) unexpected(key, *value, "true or false");
    return value->get<bool>();
  }

  Section object(const std::string& key) const {
    const json& value = at(key);
    if (!value.is_object()) unexpected(key, value, "an object");
    return Section(file_, path_ + key + ".", value);
  }

  const json& contents() const { return first_; }

  // Absent, or one of the accepted: anything else asks for something Lectern does not do.
  void supported(const std::string& key, const std::vector<json>& accepted, const std::string& what) const {
    const json* value = find(key);
    if (value == nullptr || std::find(accepted.begin(), accepted.end(), *value) != accepted.end()) return;
    const std::string shown =
        value->is_structured() ? std::string("an ") + value->type_name() : printable(value->dump(), 60);
    fail(key, "is " + shown + ": " + what + " not supported");
  }

 private:
  std::string file_;
  std::string path_;  // "vision_config.width."
  const json& first_;
  const json* second_;
};

constexpr std::string_view qwen2_key = "qwen2-0-5b";

ModelSigns signs_of(const Section& top) {
  ModelSigns signs;
  if (const json* list = top.find("architectures")) {
    if (!list->is_array()) top.unexpected("architectures", *list, "an array of names");
    for (const json& name : *list) {
      if (!name.is_string()) top.unexpected("architectures", name, "names");
      signs.architectures.push_back(name.get<std::string>());
    }
  }
  if (const json* type = top.find("model_type")) {
    if (!type->is_string()) top.unexpected("model_type", *type, "a name");
    signs.model_type = type->get<std::string>();
  }
  const json vision = top.contents().value("vision_config", json::object());
  const bool parts = vision.is_object() && vision.contains("width") && vision["width"].is_object();
  signs.qwen2 = parts && vision["width"].contains(qwen2_key);
  return signs;
}

ModelDescription describe(const Section& top, ModelSigns signs, int view, int window) {
  signs.window = window > 0;
  const std::optional<ModelDescription> model = describe_model(signs, view);
  if (!model) {
    constexpr std::string_view expected = "expected one of DeepSeek-OCR, DeepSeek-OCR-2 or Unlimited-OCR";
    if (!signs.architectures.empty()) {
      top.fail("architectures", "names " + printable(signs.architectures.front(), 60) + ", " + std::string(expected));
    }
    top.fail("model_type", (signs.model_type.empty() ? "is missing" : "is " + printable(signs.model_type, 60)) + ", " +
                               std::string(expected));
  }
  if (signs.qwen2 != (model->encoder == EncoderKind::qwen2) && top.find("vision_config") != nullptr) {
    top.fail("vision_config.width", std::string(signs.qwen2 ? "has " : "lacks ") + std::string(qwen2_key) +
                                        ", which is not so in " + std::string(model->name) +
                                        "; are the files of one model?");
  }
  return *model;
}

// The published code of Unlimited-OCR looks for both, at the top; others have neither.
int window_of(const Section& top) {
  for (const char* key : {"sliding_window_size", "sliding_window"}) {
    if (const int window = top.integer(key, 0, max_tokens, 0); window > 0) return window;
  }
  return 0;
}

int native_size(const Section& top) {
  const std::string key = "candidate_resolutions";
  if (top.find(key) == nullptr) return 1024;  // that of all published models
  const json& list = top.at(key);
  const bool pair = list.is_array() && !list.empty() && list[0].is_array() && list[0].size() == 2;
  if (!pair) top.unexpected(key, list, "an array of pairs such as [1024, 1024]");
  const int size = top.check(key + "[0][0]", list[0][0], pixels_per_feature, max_pixels);
  if (list[0][1] != list[0][0])
    top.unexpected(key + "[0][1]", list[0][1], std::to_string(size) + ", the same as [0][0]");
  if (size % pixels_per_feature != 0) {
    top.fail(key + "[0][0]",
             "is " + std::to_string(size) + ", expected a multiple of " + std::to_string(pixels_per_feature));
  }
  return size;
}

void heads_divide(const Section& section, const std::string& heads_key, int heads, const std::string& width_key,
                  int width) {
  if (width % heads != 0) {
    section.fail(heads_key, "is " + std::to_string(heads) + ", which does not divide " + width_key + " of " +
                                std::to_string(width));
  }
}

SamConfig read_sam(const Section& section) {
  SamConfig sam;
  sam.width = section.integer("width", 1, max_width);
  sam.layers = section.integer("layers", 1, max_layers);
  sam.heads = section.integer("heads", 1, max_width);
  heads_divide(section, "heads", sam.heads, "width", sam.width);
  const std::string key = "global_attn_indexes";
  const json& list = section.at(key);
  if (!list.is_array()) section.unexpected(key, list, "an array of layers");
  for (const json& layer : list) sam.global_layers.push_back(section.check(key, layer, 0, sam.layers - 1));
  std::sort(sam.global_layers.begin(), sam.global_layers.end());
  if (std::adjacent_find(sam.global_layers.begin(), sam.global_layers.end()) != sam.global_layers.end()) {
    section.fail(key, "names a layer twice");
  }
  return sam;
}

ClipConfig read_clip(const Section& section) {
  ClipConfig clip;
  clip.width = section.integer("width", 1, max_width);
  clip.layers = section.integer("layers", 1, max_layers);
  clip.heads = section.integer("heads", 1, max_width);
  heads_divide(section, "heads", clip.heads, "width", clip.width);
  return clip;
}

Qwen2Config read_qwen2(const Section& section) {
  Qwen2Config qwen2;
  qwen2.heads = section.integer("heads", 1, max_width, qwen2.heads);
  qwen2.kv_heads = section.integer("kv_heads", 1, qwen2.heads, std::min(qwen2.heads, qwen2.kv_heads));
  heads_divide(section, "kv_heads", qwen2.kv_heads, "heads", qwen2.heads);
  qwen2.rms_epsilon = section.positive("rms_norm_eps", qwen2.rms_epsilon);
  qwen2.rope_theta = section.positive("rope_theta", qwen2.rope_theta);
  return qwen2;
}

// One, or a list of them; those that are there already are not added again.
void add_end_tokens(const Section& section, DecoderConfig& decoder) {
  const std::string key = "eos_token_id";
  const json* value = section.find(key);
  if (value == nullptr) return;
  const auto add = [&](const std::string& name, const json& token) {
    const int id = section.check(name, token, 0, decoder.vocabulary - 1);
    if (std::ranges::find(decoder.end_tokens, id) == decoder.end_tokens.end()) decoder.end_tokens.push_back(id);
  };
  if (!value->is_array()) return add(key, *value);
  constexpr size_t most = 64;
  if (value->size() > most) section.fail(key, "has " + std::to_string(value->size()) + " ids, expected at most 64");
  for (size_t i = 0; i < value->size(); ++i) add(key + "[" + std::to_string(i) + "]", (*value)[i]);
}

// What a file that folders may have beside config.json adds to it.
void add_generation(const std::filesystem::path& path, DecoderConfig& decoder) {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return;
  const json root = read_json(path, {.max_bytes = size_t{1} << 20});
  if (!root.is_object()) {
    throw Error(path.string() + ": is not a JSON object, expected how a model's text is written",
                ErrorCode::corrupt_input);
  }
  add_end_tokens(Section(path.string(), "", root), decoder);
}

// `context`: where the section does not say it.
DecoderConfig read_decoder(const Section& section, int context) {
  section.supported("use_mla", {false}, "multi-head latent attention is");
  // The published code takes an absent use_mla for true; without a rank it has no meaning.
  if (section.find("use_mla") == nullptr && section.find("kv_lora_rank") != nullptr) {
    section.fail("kv_lora_rank", "is set: multi-head latent attention is not supported");
  }
  section.supported("topk_method", {"greedy", "gready"}, "another choice of experts than greedy is");
  section.supported("n_group", {1}, "grouped experts are");
  section.supported("scoring_func", {"softmax"}, "another score of experts than softmax is");
  section.supported("moe_layer_freq", {1}, "experts in some layers only are");
  section.supported("rope_scaling", {}, "scaled positions are");
  section.supported("hidden_act", {"silu"}, "another activation than silu is");
  section.supported("attention_bias", {false}, "bias in attention is");

  DecoderConfig decoder;
  decoder.hidden = section.integer("hidden_size", 1, max_width);
  decoder.layers = section.integer("num_hidden_layers", 1, max_layers);
  decoder.heads = section.integer("num_attention_heads", 1, max_width);
  heads_divide(section, "num_attention_heads", decoder.heads, "hidden_size", decoder.hidden);
  if (const int size = decoder.hidden / decoder.heads; size % 2 != 0) {
    section.fail("num_attention_heads", "gives heads of " + std::to_string(size) + ", expected an even size");
  }
  decoder.kv_heads = section.integer("num_key_value_heads", 1, decoder.heads, decoder.heads);
  heads_divide(section, "num_key_value_heads", decoder.kv_heads, "num_attention_heads", decoder.heads);
  decoder.experts = section.integer("n_routed_experts", 1, max_experts);
  decoder.experts_per_token = section.integer("num_experts_per_tok", 1, decoder.experts);
  decoder.dense_layers = section.integer("first_k_dense_replace", 0, decoder.layers, 0);
  decoder.vocabulary = section.integer("vocab_size", 1, max_tokens);
  decoder.context = section.integer("max_position_embeddings", 1, max_tokens, context);
  decoder.rms_epsilon = section.positive("rms_norm_eps", decoder.rms_epsilon);
  decoder.rope_theta = section.positive("rope_theta", decoder.rope_theta);
  decoder.bos = section.integer("bos_token_id", 0, decoder.vocabulary - 1, 0);
  add_end_tokens(section, decoder);
  decoder.renormalise = section.boolean("norm_topk_prob", decoder.renormalise);
  decoder.routed_scale = section.positive("routed_scaling_factor", decoder.routed_scale);
  return decoder;
}

std::optional<RowConfig> read_rows(const Section& top, int view) {
  if (top.find("lectern") == nullptr) return std::nullopt;
  const Section own = top.object("lectern");
  if (own.find("rows") == nullptr) return std::nullopt;
  const Section rows = own.object("rows");
  RowConfig config;
  config.row_height = rows.integer("row_height", 8, view);
  config.ink_height = rows.integer("ink_height", 4, config.row_height);
  config.piece_width = rows.integer("piece_width", 8, view - 6);
  return config;
}

}  // namespace

ModelConfig read_config(const std::filesystem::path& path) {
  const std::string file = path.string();
  json root = read_json(path, {.max_bytes = size_t{16} << 20});
  if (auto published = published_config(root, file)) root = std::move(*published);
  if (!root.is_object())
    throw Error(file + ": is not a JSON object, expected a model's config.json", ErrorCode::corrupt_input);
  const Section top(file, "", root);
  const ModelSigns signs = signs_of(top);

  ModelConfig config;
  config.native_size = native_size(top);
  config.rows = read_rows(top, config.native_size);
  // Published files say the decoder's sizes twice; language_config is the one that its code reads, but for the window.
  const json* language = top.find("language_config");
  if (language != nullptr && !language->is_object()) top.unexpected("language_config", *language, "an object");
  const int said = language == nullptr ? window_of(top) : window_of(Section(file, "", root, language));
  config.model = describe(top, signs, config.native_size, said);
  const Section vision = top.object("vision_config").object("width");
  config.sam = read_sam(vision.object("sam_vit_b"));
  if (config.model.encoder == EncoderKind::qwen2) {
    const std::string key(qwen2_key);
    config.qwen2 = vision.find(key) == nullptr ? Qwen2Config{} : read_qwen2(vision.object(key));
  } else {
    config.clip = read_clip(vision.object("clip-l-14-224"));
  }
  const int context = config.model.context;
  config.decoder = language == nullptr ? read_decoder(top, context)
                                       : read_decoder(Section(file, "language_config.", *language, &root), context);
  config.decoder.window = said > 0 ? said : config.model.window;
  add_generation(path.parent_path() / "generation_config.json", config.decoder);
  if (config.decoder.end_tokens.empty()) config.decoder.end_tokens = {config.model.end_token};
  if (top.find("projector_config") != nullptr) {
    top.object("projector_config").supported("projector_type", {"linear"}, "another projector than linear is");
  }
  return config;
}

ModelDescription describe_folder(const std::filesystem::path& folder) {
  try {
    return read_config(folder / "config.json").model;
  } catch (const Error&) {
    return description_of("deepseek-ocr");
  }
}

}  // namespace lectern
