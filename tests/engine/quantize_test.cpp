#include "engine/quantize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "checkpoint/packed.h"
#include "checkpoint/summary.h"
#include "core/stopped.h"
#include "core/temp_folder.h"
#include "core/unique_fd.h"
#include "device/cpu/cpu_device.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"
#include "support/mini_model.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const std::string mini = TEST_DATA "/goldens/mini";

class Quantize : public ::testing::Test {
 protected:
  static std::string error_of(const fs::path& folder, WeightFormat format) {
    try {
      const LoadedModel model(folder, cpu_device(), format);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  // Logits after one token.
  static std::vector<float> logits(const LoadedModel& model) {
    const DecoderConfig& config = model.decoder.config();
    KvCache cache(cpu_device(), config, model.format, 1, 1);
    SequencePages pages(cache.pool());
    EXPECT_TRUE(pages.reserve(1));
    const int32_t id = 7;
    const SequenceRows rows{0, 1, 0, pages.pages()};
    const int64_t wanted[] = {0};
    const Decoder::Next next =
        model.decoder.step({.sequences = {&rows, 1}, .ids = {&id, 1}, .written = 1, .logit_rows = wanted}, cache);
    const Tensor& out = next.logits;
    return {out.floats(), out.floats() + out.shape().elements()};
  }

  testing::TempFolder folder_;
};

TEST_F(Quantize, TakesAlongHowATextEnds) {
  const testing::MiniCopy copy;
  std::ofstream(copy.path() / "generation_config.json") << R"({"eos_token_id": [1, 9]})";
  const fs::path packed = folder_ / "packed";
  quantize_model(copy.path(), packed, WeightFormat::q8, cpu_device(), {});
  EXPECT_EQ(Checkpoint::open(packed).config().decoder.end_tokens, (std::vector<int32_t>{1, 9}));
}

TEST_F(Quantize, LoadsToTheSameModel) {
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const fs::path out = folder_ / std::string(name_of(format));
    quantize_model(mini, out, format, cpu_device());
    EXPECT_EQ(weight_format(Weights::automatic, out, cpu_device()), format);
    int packed_here = 0;
    const LoadedModel packed(out, cpu_device(), format, [&](const std::string&, const Shape&, const Weight& matrix) {
      packed_here += matrix.storage != nullptr;
    });
    EXPECT_EQ(packed_here, 0);  // nothing was copied or packed again
    EXPECT_EQ(logits(packed), logits(LoadedModel(mini, cpu_device(), format)));
  }
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr(".part")));
}

// Rounded to blocks with a common scale they would become numbers.
TEST_F(Quantize, RefusesWeightsThatAreNoNumbers) {
  const std::string name = "model.layers.1.mlp.experts.0.up_proj.weight";
  for (const uint32_t bits : {0x7fc00000u, 0xff800000u}) {  // not a number, minus infinity
    const fs::path copy = folder_ / fmt::format("copy{:x}", bits);
    fs::copy(mini, copy);
    for (const auto& entry : fs::directory_iterator(copy)) {
      if (entry.path().extension() != ".safetensors") continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      uint64_t length = 0;
      file.read(reinterpret_cast<char*>(&length), sizeof(length));
      std::string header(length, ' ');
      file.read(header.data(), static_cast<std::streamsize>(length));
      const nlohmann::json tensor = nlohmann::json::parse(header).at(name);
      const bool wide = tensor.at("dtype") == "F32";
      const int64_t columns = tensor.at("shape").at(1);
      const uint32_t value = wide ? bits : bits >> 16;  // little endian
      const int64_t size = wide ? 4 : 2;
      file.seekp(8 + static_cast<int64_t>(length) + tensor.at("data_offsets").at(0).get<int64_t>() +
                 (3 * columns + 5) * size);
      file.write(reinterpret_cast<const char*>(&value), size);
    }
    for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
      EXPECT_THAT(error_of(copy, format), ::testing::AllOf(HasSubstr(name), HasSubstr("row 3, column 5")));
    }
    EXPECT_EQ(error_of(copy, WeightFormat::f32), "");
  }
}

TEST_F(Quantize, APackedModelTellsItsFormatAndItsParameters) {
  const auto total = [](const fs::path& folder) { return summary_json(Checkpoint::open(folder))["total"]; };
  for (const WeightFormat format : {WeightFormat::q8, WeightFormat::q4}) {
    const fs::path out = folder_ / std::string(name_of(format));
    quantize_model(mini, out, format, cpu_device());
    const Checkpoint packed = Checkpoint::open(out);
    EXPECT_EQ(packed.packed_format(), format);
    EXPECT_THAT(summarise(packed),
                HasSubstr("weights  " + std::string(name_of(format)) + ", packed by lectern quantize"));
    EXPECT_EQ(summary_json(packed)["packed"], name_of(format));
    // Tables of whole numbers are left out.
    const uint64_t published = total(mini)["parameters"], kept = total(out)["parameters"];
    EXPECT_LE(kept, published);
    EXPECT_GT(kept * 100, published * 99);
    EXPECT_THAT(total(out)["types"].dump(), HasSubstr(name_of(format)));
  }
  EXPECT_FALSE(Checkpoint::open(mini).packed_format().has_value());
  EXPECT_TRUE(summary_json(Checkpoint::open(mini))["packed"].is_null());
}

// Of every model: four bits flip choices of the head, and of the router; norms are as they were.
TEST_F(Quantize, TheHeadKeepsEightBitsAndTheRouterItsOwn) {
  const std::string norm = "model.layers.1.input_layernorm.weight", router = "model.layers.1.mlp.gate.weight";
  for (const std::string model : {"mini", "unlimited-ocr/mini", "deepseek-ocr-2/mini"}) {
    SCOPED_TRACE(model);
    const fs::path in = TEST_DATA "/goldens/" + model, out = folder_ / model.substr(0, model.find('/'));
    quantize_model(in, out, WeightFormat::q4, cpu_device());
    const PackedTensors packed = read_packed(out);
    EXPECT_EQ(packed.tensors.at("lm_head.weight").format, WeightFormat::q8);
    EXPECT_EQ(packed.tensors.at("model.layers.1.mlp.experts.0.up_proj.weight").format, WeightFormat::q4);
    const Checkpoint before = Checkpoint::open(in), after = Checkpoint::open(out);
    for (const std::string& name : {norm, router}) {
      EXPECT_FALSE(packed.tensors.contains(name)) << name;
      const Shape shape = before.shape_of(name);
      const TensorView was = before.weight(name, shape), is = after.weight(name, shape);
      ASSERT_EQ(is.type, was.type) << name;
      EXPECT_EQ(std::memcmp(is.data, was.data, static_cast<size_t>(shape.elements()) * size_of(was.type)), 0) << name;
    }
    EXPECT_EQ(logits(LoadedModel(out, cpu_device(), WeightFormat::q4)),
              logits(LoadedModel(in, cpu_device(), WeightFormat::q4)));
  }
}

TEST_F(Quantize, WithoutPackedJsonSaysSo) {
  const fs::path out = folder_ / "q4";
  quantize_model(mini, out, WeightFormat::q4, cpu_device());
  fs::remove(out / packed_file);
  EXPECT_THAT(error_of(out, WeightFormat::f32), HasSubstr("was packed by lectern quantize, and packed.json"));
}

TEST_F(Quantize, RefusesWhatItCannotDo) {
  EXPECT_THROW(quantize_model(mini, folder_.path(), WeightFormat::q8, cpu_device()), Error);  // is there already
  EXPECT_THROW(quantize_model(mini, folder_ / "x", WeightFormat::f32, cpu_device()), Error);
  EXPECT_THROW(quantize_model(folder_ / "nothing", folder_ / "x", WeightFormat::q8, cpu_device()), Error);
  EXPECT_FALSE(fs::exists(folder_ / "x"));
  quantize_model(mini, folder_ / "q8", WeightFormat::q8, cpu_device());
  EXPECT_THROW(quantize_model(folder_ / "q8", folder_ / "x", WeightFormat::q4, cpu_device()), Error);  // packed already
  EXPECT_THAT(error_of(folder_ / "q8", WeightFormat::q4), HasSubstr("was packed as"));
}

TEST_F(Quantize, LeavesNothingWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(quantize_model(mini, folder_ / "x", WeightFormat::q8, cpu_device(), stop.get_token()), Stopped);
  EXPECT_TRUE(fs::is_empty(folder_.path()));
}

// Of what a killed run leaves, and of nothing else that has such a name.
TEST_F(Quantize, TakesAwayWhatKilledRunsLeft) {
  for (const std::string name : {"x.part-7", ".lectern-7-0.part", ".lectern-8-0.part", ".lectern-9-0.part"}) {
    fs::create_directories(folder_ / name);
    folder_.write(name + "/model.safetensors", "bytes");
  }
  folder_.write("x.part-8", "a part of an archive");
  const fs::path killed = folder_.write(".lectern-7-0.part/.made-by-lectern", "");
  const fs::path running = folder_.write(".lectern-8-0.part/.made-by-lectern", "");
  const UniqueFd held(::open(running.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX | LOCK_NB), 0);
  quantize_model(mini, folder_ / "x", WeightFormat::q8, cpu_device());
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_.path())) names.push_back(entry.path().filename().string());
  EXPECT_THAT(names,
              ::testing::UnorderedElementsAre("x", "x.part-7", "x.part-8", ".lectern-8-0.part", ".lectern-9-0.part"));
  for (const auto& entry : fs::directory_iterator(folder_ / "x"))
    EXPECT_NE(entry.path().filename(), ".made-by-lectern");
}

TEST_F(Quantize, TakesANameOfAnyLength) {
  const std::string longest(255, 'x');
  quantize_model(mini, folder_ / longest, WeightFormat::q8, cpu_device());
  EXPECT_TRUE(fs::exists(folder_ / longest / "model.safetensors"));
  EXPECT_THAT([&] { quantize_model(mini, folder_ / (longest + "x"), WeightFormat::q8, cpu_device()); },
              ::testing::ThrowsMessage<Error>(HasSubstr("cannot be made: File name too long")));
}

TEST_F(Quantize, BrokenListsAreErrors) {
  quantize_model(mini, folder_ / "q8", WeightFormat::q8, cpu_device());
  const fs::path list = folder_ / "q8" / packed_file;
  const std::string name = "model.layers.0.self_attn.q_proj.weight";
  const auto entry = [&](const std::string& text) {
    return R"({"version": 1, "weights": "q8", "tensors": {")" + name + R"(": )" + text + "}}";
  };
  for (const std::string& text : {
           std::string("{"),
           std::string(R"({"version": 2, "weights": "q8", "tensors": {}})"),
           std::string(R"({"version": 1})"),
           std::string(R"({"version": 1, "weights": "q5", "tensors": {}})"),
           std::string(R"({"version": 1, "weights": "q8", "tensors": {}})"),  // then the bytes are taken for weights
           entry("7"),
           entry(R"({"format": "q8", "shape": []})"),
           entry(R"({"format": "q8", "shape": [0, 5]})"),
           entry(R"({"format": "q8", "shape": [4611686018427387904, 4611686018427387904]})"),
           entry(R"({"format": "q8", "shape": [1000000, 64]})"),
           entry(R"({"format": "f32", "shape": [64, 64]})"),
       }) {
    std::ofstream(list) << text;
    EXPECT_NE(error_of(folder_ / "q8", WeightFormat::q8), "") << text;
  }
}

}  // namespace
}  // namespace lectern
