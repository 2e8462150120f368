#include "fake_cann/costs/cost_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <functional>
#include <memory>

#include "checkpoint/checkpoint.h"
#include "device/ascend/ascend_device.h"
#include "engine/parallel_runner.h"
#include "lectern/error.h"

namespace lectern::testing {
namespace {

constexpr int64_t prompt_rows = 913;  // of a page in six tiles: 903 rows of images and the text around them
constexpr int64_t image_rows = 903;
constexpr int64_t step_position = 1000;  // of a sequence that is being written
constexpr int64_t max_positions = 1152;
constexpr int many = 32;
constexpr int32_t image_token = 7;

struct Sizes {
  int64_t experts_inner = 896;
  int64_t shared_inner = 1792;
  int64_t dense_inner = 6848;
  int64_t vocabulary = 129280;
  int64_t sam_inner = 3072;
  int64_t clip_inner = 4096;
};

Sizes sizes_of(bool narrow) {
  return narrow ? Sizes{.experts_inner = 32,
                        .shared_inner = 64,
                        .dense_inner = 256,
                        .vocabulary = 1024,
                        .sam_inner = 256,
                        .clip_inner = 256}
                : Sizes{};
}

constexpr int64_t hidden = 1280, experts = 64, decoder_layers = 12, sam_width = 768, clip_width = 1024;
constexpr int64_t sam_layers = 12, clip_layers = 24;

// Names and shapes of the published checkpoint.
class Tensors {
 public:
  explicit Tensors(const Sizes& sizes) {
    sam(sizes);
    clip(sizes);
    linear("model.projector.layers", hidden, clip_width + 1024);
    add("model.image_newline", {hidden});
    add("model.view_seperator", {hidden});
    decoder(sizes);
  }

  // The file is sparse: its tensors are zeros that take up no room.
  void write(const std::filesystem::path& path) const {
    std::string header = "{";
    uint64_t end = 0;
    for (const auto& [name, shape] : all_) {
      uint64_t bytes = 2;
      for (const int64_t extent : shape) bytes *= static_cast<uint64_t>(extent);
      header += fmt::format("{}\"{}\":{{\"dtype\":\"BF16\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                            header.size() > 1 ? "," : "", name, fmt::join(shape, ","), end, end + bytes);
      end += bytes;
    }
    header += "}";
    header.resize((header.size() + 63) / 64 * 64 + 56, ' ');  // 8 bytes before it: the data begin at a multiple of 64
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    const uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof(length));
    file << header;
    file.close();
    std::filesystem::resize_file(path, sizeof(length) + length + end);
  }

 private:
  void add(const std::string& name, std::vector<int64_t> shape) { all_.emplace_back(name, std::move(shape)); }
  void weight(const std::string& name, std::vector<int64_t> shape) { add(name + ".weight", std::move(shape)); }
  void norm(const std::string& name, int64_t width) {
    weight(name, {width});
    add(name + ".bias", {width});
  }
  void linear(const std::string& name, int64_t out, int64_t in) {
    weight(name, {out, in});
    add(name + ".bias", {out});
  }
  void sam(const Sizes& sizes) {
    const std::string sam = "model.sam_model.";
    weight(sam + "patch_embed.proj", {sam_width, 3, 16, 16});
    add(sam + "patch_embed.proj.bias", {sam_width});
    add(sam + "pos_embed", {1, 64, 64, sam_width});
    for (int64_t i = 0; i < sam_layers; ++i) {
      const std::string block = fmt::format("{}blocks.{}.", sam, i);
      const int64_t places = i % 3 == 2 ? 127 : 27;  // layers 2, 5, 8 and 11 are global
      norm(block + "norm1", sam_width);
      linear(block + "attn.qkv", 3 * sam_width, sam_width);
      add(block + "attn.rel_pos_h", {places, 64});
      add(block + "attn.rel_pos_w", {places, 64});
      linear(block + "attn.proj", sam_width, sam_width);
      norm(block + "norm2", sam_width);
      linear(block + "mlp.lin1", sizes.sam_inner, sam_width);
      linear(block + "mlp.lin2", sam_width, sizes.sam_inner);
    }
    weight(sam + "neck.0", {256, sam_width, 1, 1});
    norm(sam + "neck.1", 256);
    weight(sam + "neck.2", {256, 256, 3, 3});
    norm(sam + "neck.3", 256);
    weight(sam + "net_2", {512, 256, 3, 3});
    weight(sam + "net_3", {1024, 512, 3, 3});
  }
  void clip(const Sizes& sizes) {
    const std::string clip = "model.vision_model.";
    add(clip + "embeddings.class_embedding", {clip_width});
    weight(clip + "embeddings.position_embedding", {257, clip_width});
    norm(clip + "pre_layrnorm", clip_width);
    for (int64_t i = 0; i < clip_layers; ++i) {
      const std::string layer = fmt::format("{}transformer.layers.{}.", clip, i);
      norm(layer + "layer_norm1", clip_width);
      norm(layer + "layer_norm2", clip_width);
      linear(layer + "self_attn.qkv_proj", 3 * clip_width, clip_width);
      linear(layer + "self_attn.out_proj", clip_width, clip_width);
      linear(layer + "mlp.fc1", sizes.clip_inner, clip_width);
      linear(layer + "mlp.fc2", clip_width, sizes.clip_inner);
    }
  }
  void gated(const std::string& name, int64_t inner) {
    weight(name + "gate_proj", {inner, hidden});
    weight(name + "up_proj", {inner, hidden});
    weight(name + "down_proj", {hidden, inner});
  }
  void decoder(const Sizes& sizes) {
    weight("model.embed_tokens", {sizes.vocabulary, hidden});
    weight("lm_head", {sizes.vocabulary, hidden});
    weight("model.norm", {hidden});
    for (int64_t i = 0; i < decoder_layers; ++i) {
      const std::string layer = fmt::format("model.layers.{}.", i);
      weight(layer + "input_layernorm", {hidden});
      weight(layer + "post_attention_layernorm", {hidden});
      for (const char* part : {"q_proj", "k_proj", "v_proj", "o_proj"})
        weight(layer + "self_attn." + part, {hidden, hidden});
      if (i == 0) {
        gated(layer + "mlp.", sizes.dense_inner);
        continue;
      }
      weight(layer + "mlp.gate", {experts, hidden});
      for (int64_t e = 0; e < experts; ++e) gated(fmt::format("{}mlp.experts.{}.", layer, e), sizes.experts_inner);
      gated(layer + "mlp.shared_experts.", sizes.shared_inner);
    }
  }

  std::vector<std::pair<std::string, std::vector<int64_t>>> all_;
};

void write_config(const std::filesystem::path& path, const Sizes& sizes) {
  std::ofstream(path) << fmt::format(
      R"({{"architectures": ["DeepseekOCRForCausalLM"], "model_type": "deepseek_vl_v2",
"candidate_resolutions": [[1024, 1024]], "global_view_pos": "head", "tile_tag": "2D",
"language_config": {{"bos_token_id": 0, "eos_token_id": 1, "first_k_dense_replace": 1, "hidden_size": {hidden},
"intermediate_size": {dense}, "max_position_embeddings": 8192, "moe_intermediate_size": {inner},
"n_routed_experts": {experts}, "n_shared_experts": 2, "num_attention_heads": 10, "num_experts_per_tok": 6,
"num_hidden_layers": {layers}, "num_key_value_heads": 10, "topk_method": "greedy", "use_mla": false,
"vocab_size": {vocabulary}}},
"projector_config": {{"input_dim": 2048, "model_type": "mlp_projector", "n_embed": {hidden}, "projector_type": "linear"}},
"vision_config": {{"image_size": 1024, "model_name": "deeplip_b_l", "model_type": "vision", "width": {{
"clip-l-14-224": {{"heads": 16, "image_size": 224, "layers": {clip}, "patch_size": 14, "width": {clip_width}}},
"sam_vit_b": {{"downsample_channels": [512, 1024], "global_attn_indexes": [2, 5, 8, 11], "heads": 12,
"layers": {sam}, "width": {sam_width}}}}}}}}})",
      fmt::arg("hidden", hidden), fmt::arg("dense", sizes.dense_inner), fmt::arg("inner", sizes.experts_inner),
      fmt::arg("experts", experts), fmt::arg("layers", decoder_layers), fmt::arg("vocabulary", sizes.vocabulary),
      fmt::arg("clip", clip_layers), fmt::arg("clip_width", clip_width), fmt::arg("sam", sam_layers),
      fmt::arg("sam_width", sam_width));
}

std::shared_ptr<const Views> views_of(int tiles) {
  auto views = std::make_shared<Views>();
  views->whole = Picture(1024, 1024);
  for (int i = 0; i < tiles; ++i) views->tiles.emplace_back(640, 640);
  views->columns = tiles > 0 ? 2 : 1;
  views->rows = tiles > 0 ? tiles / 2 : 1;
  return views;
}

// Sequences of the cache, each with pages of its own.
struct Sequences {
  Sequences(ModelRunner& runner, int count) {
    const auto each = static_cast<int32_t>(runner.pages().pages_for(max_positions));
    for (int32_t s = 0; s < count; ++s) {
      std::vector<int32_t>& own = pages.emplace_back();
      for (int32_t i = 0; i < each; ++i) own.push_back(s * each + i);
    }
  }
  Batch step(int count, int64_t position) const {
    static constexpr std::array<int32_t, 1> id = {2};
    Batch batch;
    for (int s = 0; s < count; ++s)
      batch.entries.push_back(
          {.ids = id, .position = position, .pages = pages[static_cast<size_t>(s)], .chooses = true});
    batch.written = count;
    return batch;
  }
  std::vector<std::vector<int32_t>> pages;
};

class Measurement {
 public:
  explicit Measurement(std::vector<Device*> cards) : cards_(std::move(cards)) {}

  template <typename Body>
  void stage(const char* name, const Body& body) {
    synchronize();
    fake_cann_forget_costs();
    body();
    StageCosts slowest;
    for (size_t card = 0; card < cards_.size(); ++card) {
      StageCosts costs{name, fake_cann_costs_of(static_cast<int32_t>(card)), fake_cann_cost_lines(),
                       static_cast<int>(cards_.size())};
      if (card == 0 || costs.predicted_ms() > slowest.predicted_ms()) slowest = std::move(costs);
    }
    stages_.push_back(std::move(slowest));
    synchronize();
  }
  std::vector<StageCosts> take() { return std::move(stages_); }

 private:
  void synchronize() const {
    for (Device* card : cards_) card->synchronize();
  }

  std::vector<Device*> cards_;
  std::vector<StageCosts> stages_;
};

constexpr int before = 4;  // pages, or steps, after which all has been seen, has its place in memory, and is captured

void run_to_end(EncodingTask& task) {
  while (!task.advance(false)) {
  }
}

void measure_encoder(Measurement& measurement, Device& device, const VisionEncoder& encoder) {
  const auto whole = views_of(0);
  const auto tiled = views_of(6);
  const std::unique_ptr<CapturedRegions> regions = device.capture_regions(WeightFormat::bf16);
  for (int i = 0; i < before; ++i) {
    for (const auto& views : {whole, tiled}) {
      EncodingTask task(encoder, views, false, regions.get());
      run_to_end(task);
    }
  }
  measurement.stage("encode1024", [&] {
    EncodingTask task(encoder, whole, false, regions.get());
    run_to_end(task);
  });
  EncodingTask task(encoder, tiled, false, regions.get());
  for (int64_t layer = 0; layer < sam_layers + clip_layers; ++layer) task.advance(false);
  measurement.stage("tiles6", [&] { run_to_end(task); });
}

void measure_page(Measurement& measurement, ModelRunner& runner) {
  const auto encode = [&] {
    const std::unique_ptr<Encoding> encoding = runner.encode(views_of(6));
    while (!encoding->advance(true)) {
    }
  };
  for (int i = 0; i < before; ++i) encode();
  measurement.stage("page6", encode);
}

// The first card is rank 0's.
void measure_decoder(Measurement& measurement, Device& device, ModelRunner& runner) {
  const Sequences sequences(runner, many);
  const Tensor image(device, DataType::f32, {image_rows, hidden});
  std::vector<int32_t> ids(prompt_rows, 2);
  std::fill_n(ids.begin() + 1, image_rows, image_token);
  Batch prompt;
  prompt.entries.push_back({.ids = ids,
                            .position = 0,
                            .pages = sequences.pages[0],
                            .chooses = true,
                            .image_token = image_token,
                            .image = image});
  for (int i = 0; i < 2; ++i) runner.step(prompt);
  measurement.stage("prefill913", [&] { runner.step(prompt); });
  for (const int count : {1, many}) {
    for (int64_t i = 0; i < before; ++i) runner.step(sequences.step(count, step_position + i));
    measurement.stage(count == 1 ? "step1" : "step32",
                      [&] { runner.step(sequences.step(count, step_position + before)); });
  }
}

std::vector<std::unique_ptr<Device>> open_cards(const CostOptions& options) {
  std::vector<std::unique_ptr<Device>> cards;
  fake_cann_set_devices(static_cast<uint32_t>(options.ranks));
  for (int i = 0; i < options.ranks; ++i) {
    fake_cann_set_memory(i, size_t{64} << 30);
    ascend::AscendOptions card;
    card.session.card = i;
    card.session.library = {.folders = {FAKE_CANN_HOME "/lib64"}};
    card.half = options.type;
    card.session.graphs = options.graphs;
    // The operators are tried with values: what is missing shows.
    cards.push_back(ascend::make_ascend_device(card));
  }
  fake_cann_shapes_only(1);
  return cards;
}

std::vector<StageCosts> measure_one(const Checkpoint& checkpoint, const std::vector<Device*>& cards,
                                    const std::function<void()>& loaded) {
  Device& device = *cards.front();
  Measurement measurement(cards);
  const WeightLoader load(checkpoint, device, WeightFormat::bf16);
  const std::unique_ptr<const VisionEncoder> encoder = make_vision_encoder(load);
  const Decoder decoder(load);
  loaded();
  measure_encoder(measurement, device, *encoder);
  DeviceRunner runner(device, decoder, nullptr, many * max_positions);
  measure_decoder(measurement, device, runner);
  return measurement.take();
}

std::vector<StageCosts> measure_several(const Checkpoint& checkpoint, const std::vector<Device*>& cards,
                                        const std::function<void()>& loaded) {
  Measurement measurement(cards);
  std::vector<std::unique_ptr<const VisionEncoder>> encoders;
  std::deque<RankModel> ranks;
  for (Device* card : cards) {
    encoders.push_back(make_vision_encoder(WeightLoader(checkpoint, *card, WeightFormat::bf16)));
    ranks.emplace_back(checkpoint, *card, WeightFormat::bf16, static_cast<int>(ranks.size()),
                       static_cast<int>(cards.size()), WeightLoader::Observer(), encoders.back().get());
  }
  loaded();
  ParallelRunner runner(ranks, many * max_positions);
  measure_page(measurement, runner);
  measure_decoder(measurement, *cards.front(), runner);
  return measurement.take();
}

}  // namespace

StageWork StageCosts::work() const {
  return {.launches = counts.launches,
          .full_calls = counts.full_calls,
          .repeated_calls = counts.repeated_calls,
          .graph_launches = counts.graph_launches,
          .ai_cpu = counts.ai_cpu,
          .hidden_copies = counts.hidden_copies,
          .uploads = counts.uploads,
          .waits = counts.waits,
          .bytes = counts.bytes,
          .operations = counts.operations,
          .ranks = ranks,
          .exchanges = counts.exchanges,
          .exchange_bytes = counts.exchange_bytes};
}

std::vector<StageCosts> measure_costs(const CostOptions& options, const std::filesystem::path& folder,
                                      std::vector<double>* gigabytes) {
  const Sizes sizes = sizes_of(options.narrow);
  std::filesystem::create_directories(folder);
  write_config(folder / "config.json", sizes);
  Tensors(sizes).write(folder / "model.safetensors");

  fake_cann_reset();
  fake_cann_set_version(options.profile.c_str());
  std::vector<StageCosts> stages;
  {
    const std::vector<std::unique_ptr<Device>> cards = open_cards(options);
    std::vector<Device*> all;
    all.reserve(cards.size());
    for (const auto& card : cards) all.push_back(card.get());
    const auto loaded = [&] {
      if (gigabytes == nullptr) return;
      for (const Device* card : all)
        gigabytes->push_back(static_cast<double>(card->memory().total - card->memory().free) / 1e9);
    };
    const Checkpoint checkpoint = Checkpoint::open(folder);
    stages = all.size() == 1 ? measure_one(checkpoint, all, loaded) : measure_several(checkpoint, all, loaded);
  }
  const std::string violations = fake_cann_violations();
  fake_cann_reset();
  if (!violations.empty()) throw Error("the fake saw broken rules:\n" + violations);
  return stages;
}

RankCosts measure_ranks(const CostOptions& options, const std::filesystem::path& folder) {
  std::vector<double> gigabytes;
  const std::vector<StageCosts> stages = measure_costs(options, folder, &gigabytes);
  // To four digits, as published_ranks() has them.
  const auto rounded = [](double x) { return std::stod(fmt::format("{:.4g}", x)); };
  const auto of = [&](std::string_view name) {
    StageWork work = std::ranges::find(stages, name, &StageCosts::name)->work();
    work.bytes = rounded(work.bytes);
    work.operations = rounded(work.operations);
    return work;
  };
  RankCosts costs{options.ranks, options.ranks > 1 ? of("page6") : of("encode1024") + of("tiles6"), of("prefill913"),
                  of("step1"), of("step32")};
  costs.first_gb = gigabytes.front();
  costs.other_gb = gigabytes[std::min<size_t>(1, gigabytes.size() - 1)];
  return costs;
}

}  // namespace lectern::testing
