#include "checkpoint/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "checkpoint/packed.h"

namespace lectern {
namespace {

struct Part {
  std::string name;
  uint64_t tensors = 0;
  uint64_t parameters = 0;
  uint64_t bytes = 0;
  std::set<std::string> types = {};
};

struct Parts {
  std::vector<Part> parts;  // in the order of a page's journey
  Part total{.name = "total"};
  int64_t qwen2_layers = 0, qwen2_width = 0;  // which the tensors say alone
};

constexpr std::array part_names = {"SAM",
                                   "CLIP",
                                   "Qwen2",
                                   "projector",
                                   "decoder embeddings",
                                   "decoder attention",
                                   "decoder dense layers",
                                   "decoder experts",
                                   "decoder norms",
                                   "decoder head",
                                   "other, ignored"};
enum PartIndex { sam, clip, qwen2, projector, embeddings, attention, dense, experts, norms, head, other };

PartIndex part_of(std::string_view name) {
  // In the published file and of no use: SAM's features stand in for CLIP's patches.
  constexpr std::string_view clip_embeddings = "model.vision_model.embeddings.";
  if (name.starts_with(clip_embeddings)) {
    const auto rest = name.substr(clip_embeddings.size());
    return rest == "position_ids" || rest.starts_with("patch_embedding.") ? other : clip;
  }
  if (name.starts_with("model.sam_model.")) return sam;
  if (name.starts_with("model.vision_model.")) return clip;
  if (name.starts_with("model.qwen2_model.")) return qwen2;
  if (name.starts_with("model.projector.") || name == "model.image_newline" || name == "model.view_seperator") {
    return projector;
  }
  if (name.starts_with("model.embed_tokens.")) return embeddings;
  if (name.starts_with("lm_head.")) return head;
  if (name.starts_with("model.norm.")) return norms;
  constexpr std::string_view layers = "model.layers.";
  if (name.starts_with(layers)) {
    const auto dot = name.find('.', layers.size());
    const auto rest = dot == name.npos ? std::string_view() : name.substr(dot + 1);
    if (rest.starts_with("self_attn.")) return attention;
    if (rest.starts_with("input_layernorm.") || rest.starts_with("post_attention_layernorm.")) return norms;
    if (rest.starts_with("mlp.experts.") || rest.starts_with("mlp.shared_experts.") || rest.starts_with("mlp.gate.")) {
      return experts;
    }
    if (rest.starts_with("mlp.")) return dense;
  }
  return other;
}

Parts count(const Checkpoint& checkpoint) {
  Parts counted;
  for (const char* name : part_names) counted.parts.push_back({.name = name});
  for (const Checkpoint::Entry& entry : checkpoint.entries()) {
    if (entry.name.starts_with("model.qwen2_model.") && entry.name.ends_with(".input_layernorm.weight")) {
      ++counted.qwen2_layers;
      counted.qwen2_width = entry.shape.empty() ? 0 : entry.shape.front();
    }
    uint64_t parameters = 1;
    for (const int64_t extent : entry.shape) parameters *= static_cast<uint64_t>(extent);
    for (Part* part : {&counted.parts[part_of(entry.name)], &counted.total}) {
      part->tensors += 1;
      part->parameters += parameters;
      part->bytes += entry.bytes;
      part->types.insert(entry.type);
    }
  }
  std::erase_if(counted.parts, [](const Part& part) { return part.tensors == 0; });
  return counted;
}

// "6.67 GB"
std::string short_number(uint64_t number, const std::string& unit) {
  constexpr std::array prefixes = {"", " k", " M", " G", " T"};
  if (number < 1000) return fmt::format("{}{}", number, unit.empty() ? "" : " " + unit);
  auto value = static_cast<double>(number);
  size_t prefix = 0;
  for (; value >= 999.5 && prefix + 1 < prefixes.size(); ++prefix) value /= 1000;
  return fmt::format("{:.{}f}{}{}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, prefixes[prefix], unit);
}

// "gundam (1024, 2 to 9 tiles of 640)"
std::string shown(const ViewPlan& plan) {
  return fmt::format("{} ({}{}{})", name_of(plan.mode), plan.whole,
                     plan.crop ? fmt::format(", 2 to {} tiles of {}", plan.max_tiles, plan.tile) : "",
                     plan.squash ? ", stretched" : "");
}

// What it was trained for, a line each.
std::string shown(const ModelConfig& config) {
  const ModelDescription& model = config.model;
  std::vector<std::string> modes, prompts;
  for (const ViewPlan& plan : model.plans) modes.push_back(shown(plan));
  for (const TrainedPrompt& prompt : model.prompts) prompts.emplace_back(prompt.name);
  if (model.locates) prompts.emplace_back("locate:TEXT");
  if (model.pages_prompt) {
    prompts.push_back(
        fmt::format("{} (together, in mode {})", model.pages_prompt->name, name_of(model.pages_plan.mode)));
  }
  std::string text = fmt::format("modes    {}\nprompts  {}\n", fmt::join(modes, ", "), fmt::join(prompts, ", "));
  const auto limit = [&](InputKind kind) {
    return fmt::format("{} tokens within {}", model.repeat_of(kind).n, model.repeat_of(kind).window);
  };
  text += fmt::format("repeats  of {}, of PDF pages {}", limit(InputKind::picture), limit(InputKind::pdf));
  if (model.pages_prompt) text += fmt::format(", of several pages together {}", limit(InputKind::pages));
  text += ", are not written twice";
  text += model.repeatable.empty() ? "\n" : fmt::format(", but for {}\n", fmt::join(model.repeatable, " and "));
  if (config.decoder.window > 0) {
    text += fmt::format("window   what was asked, and the last {} tokens written\n", config.decoder.window);
  }
  text += fmt::format("layout   {} before a block, where it is asked for\n", model.layout_form);
  text += fmt::format("ends     with token {}{}\n", fmt::join(config.decoder.end_tokens, " or "),
                      model.temperature > 0 ? fmt::format("; drawn with temperature {}", model.temperature)
                                            : "; the likeliest token is written each time");
  return text;
}

nlohmann::json description_json(const ModelDescription& model) {
  const auto plan_json = [](const ViewPlan& plan) {
    nlohmann::json json = {{"mode", name_of(plan.mode)}, {"view", plan.whole}, {"stretched", plan.squash}};
    if (plan.crop) json.update({{"tile", plan.tile}, {"max_tiles", plan.max_tiles}});
    return json;
  };
  nlohmann::json modes = nlohmann::json::array(), prompts = nlohmann::json::object(), repeat;
  for (const ViewPlan& plan : model.plans) modes.push_back(plan_json(plan));
  for (const TrainedPrompt& prompt : model.prompts) prompts[std::string(prompt.name)] = prompt.text;
  if (model.pages_prompt) prompts["pages"] = model.pages_prompt->text;
  const auto add_limit = [&](const char* kind, InputKind of) {
    repeat[kind] = {{"n", model.repeat_of(of).n}, {"window", model.repeat_of(of).window}};
  };
  add_limit("picture", InputKind::picture);
  add_limit("pdf", InputKind::pdf);
  if (model.pages_prompt) add_limit("pages", InputKind::pages);
  return {{"name", model.name},
          {"modes", std::move(modes)},
          {"prompts", std::move(prompts)},
          {"repeat", std::move(repeat)},
          {"repeatable", model.repeatable},
          {"layout", model.layout},
          {"temperature", model.temperature}};
}

std::string joined(const std::set<std::string>& types) { return fmt::format("{}", fmt::join(types, ", ")); }

}  // namespace

std::string summarise(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  const DecoderConfig& decoder = config.decoder;
  const Parts counted = count(checkpoint);

  std::string text = fmt::format("{} in {}\n\n", config.model.name, checkpoint.folder().string());
  if (const auto packed = checkpoint.packed_format()) {
    text += fmt::format("weights  {}, packed by lectern quantize\n", name_of(*packed));
  }
  text += fmt::format("view     {} pixels\n", config.native_size);
  text += fmt::format("SAM      {} layers, width {}, {} heads, {} of the layers global\n", config.sam.layers,
                      config.sam.width, config.sam.heads, config.sam.global_layers.size());
  if (config.qwen2) {
    text += fmt::format("Qwen2    {} layers, width {}, {} heads ({} for keys and values)\n", counted.qwen2_layers,
                        counted.qwen2_width, config.qwen2->heads, config.qwen2->kv_heads);
  } else {
    text += fmt::format("CLIP     {} layers, width {}, {} heads\n", config.clip.layers, config.clip.width,
                        config.clip.heads);
  }
  text += fmt::format("decoder  {} layers ({} dense), width {}, {} heads ({} for keys and values)\n", decoder.layers,
                      decoder.dense_layers, decoder.hidden, decoder.heads, decoder.kv_heads);
  text += fmt::format("         {} experts, {} for each token; {} tokens, context {}\n", decoder.experts,
                      decoder.experts_per_token, decoder.vocabulary, decoder.context);
  text += shown(config) + "\n";

  size_t widest_types = 5;
  for (const Part& part : counted.parts) widest_types = std::max(widest_types, joined(part.types).size());
  widest_types = std::max(widest_types, joined(counted.total.types).size());
  const auto row = [&](std::string_view name, std::string_view tensors, std::string_view types,
                       std::string_view parameters, std::string_view bytes) {
    text +=
        fmt::format("{:<20}  {:>7}  {:<{}}  {:>10}  {:>9}\n", name, tensors, types, widest_types, parameters, bytes);
  };
  const auto part_row = [&](const Part& part) {
    row(part.name, std::to_string(part.tensors), joined(part.types), short_number(part.parameters, ""),
        short_number(part.bytes, "B"));
  };
  row("part", "tensors", "types", "parameters", "bytes");
  for (const Part& part : counted.parts) part_row(part);
  part_row(counted.total);
  return text;
}

nlohmann::json summary_json(const Checkpoint& checkpoint) {
  const ModelConfig& config = checkpoint.config();
  const DecoderConfig& decoder = config.decoder;
  const Parts counted = count(checkpoint);

  const auto numbers = [](const Part& part) {
    return nlohmann::json{
        {"tensors", part.tensors}, {"types", part.types}, {"parameters", part.parameters}, {"bytes", part.bytes}};
  };
  nlohmann::json parts = nlohmann::json::array();
  for (const Part& part : counted.parts) {
    nlohmann::json entry = numbers(part);
    entry["name"] = part.name;
    parts.push_back(std::move(entry));
  }
  const auto packed = checkpoint.packed_format();
  nlohmann::json summary = {{"folder", checkpoint.folder().string()},
                            {"model", description_json(config.model)},
                            {"packed", packed ? nlohmann::json(name_of(*packed)) : nlohmann::json()},
                            {"native_size", config.native_size},
                            {"sam",
                             {{"layers", config.sam.layers},
                              {"width", config.sam.width},
                              {"heads", config.sam.heads},
                              {"global_layers", config.sam.global_layers}}},
                            {"decoder",
                             {{"layers", decoder.layers},
                              {"dense_layers", decoder.dense_layers},
                              {"width", decoder.hidden},
                              {"heads", decoder.heads},
                              {"kv_heads", decoder.kv_heads},
                              {"experts", decoder.experts},
                              {"experts_per_token", decoder.experts_per_token},
                              {"vocabulary", decoder.vocabulary},
                              {"context", decoder.context},
                              {"window", decoder.window},
                              {"begin_token", decoder.bos},
                              {"end_token", decoder.end_tokens.front()},
                              {"end_tokens", decoder.end_tokens}}},
                            {"parts", std::move(parts)},
                            {"total", numbers(counted.total)}};
  if (config.qwen2) {
    summary["qwen2"] = {{"layers", counted.qwen2_layers},
                        {"width", counted.qwen2_width},
                        {"heads", config.qwen2->heads},
                        {"kv_heads", config.qwen2->kv_heads}};
  } else {
    summary["clip"] = {{"layers", config.clip.layers}, {"width", config.clip.width}, {"heads", config.clip.heads}};
  }
  return summary;
}

}  // namespace lectern
