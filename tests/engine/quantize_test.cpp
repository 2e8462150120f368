#include "engine/quantize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/packed.h"
#include "core/temp_folder.h"
#include "device/cpu/cpu_device.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"

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
    SequencePages pages(cache);
    EXPECT_TRUE(pages.reserve(1));
    const Tensor x(cpu_device(), DataType::f32, {1, config.hidden});
    const int32_t id = 7;
    model.decoder.embed({&id, 1}, x);
    const SequenceRows rows{0, 1, 0, pages.pages()};
    const int64_t wanted[] = {0};
    const Tensor out = model.decoder.step(x, {&rows, 1}, 1, wanted, cache);
    return {out.floats(), out.floats() + out.shape().elements()};
  }

  testing::TempFolder folder_;
};

TEST_F(Quantize, LoadsToTheSameModel) {
  for (const WeightFormat format : {WeightFormat::bf16, WeightFormat::q8, WeightFormat::q4}) {
    const fs::path out = folder_ / std::string(name_of(format));
    quantize_model(mini, out, format, cpu_device());
    EXPECT_EQ(weight_format("auto", out, cpu_device()), format);
    int packed_here = 0;
    const LoadedModel packed(out, cpu_device(), format, [&](const std::string&, const Shape&, const Matrix& matrix) {
      packed_here += matrix.storage != nullptr;
    });
    EXPECT_EQ(packed_here, 0);  // nothing was copied or packed again
    EXPECT_EQ(logits(packed), logits(LoadedModel(mini, cpu_device(), format)));
  }
  for (const auto& entry : fs::directory_iterator(folder_.path()))
    EXPECT_THAT(entry.path().filename().string(), ::testing::Not(HasSubstr(".part")));
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
