#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "checkpoint/safetensors.h"
#include "cli/lectern_process.h"

namespace lectern {
namespace {

using testing::expect_refusal;
using testing::golden_images;
using testing::lectern;
using testing::Outcome;
using testing::TempFolder;

const std::string prompt = "--prompt-ids '500, 13, 72' ";  // 500 is <image>

std::map<std::string, std::string> shapes_in(const std::filesystem::path& path) {
  std::map<std::string, std::string> shapes;
  const Safetensors file = Safetensors::open(path);
  for (const auto& [name, view] : file.tensors()) {
    shapes[name] = std::string(name_of(view.type)) + " " + to_string(view.shape);
  }
  return shapes;
}

TEST(TraceCommand, WritesEveryStageOfAPage) {
  const TempFolder folder;
  const Outcome outcome = lectern(
      folder, "trace " + golden_images + "receipt.png --mode tiny " + prompt + "--forced-ids '7 8 9 10' -o out.st");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out + outcome.err, "");
  const std::map<std::string, std::string> expected = {{"grid", "i64 [2]"},
                                                       {"whole_sam", "f32 [1, 8, 8, 128]"},
                                                       {"whole_clip", "f32 [1, 65, 128]"},
                                                       {"image_sequence", "f32 [73, 128]"},
                                                       {"prompt_ids", "i64 [76]"},
                                                       {"logits", "f32 [4, 512]"},
                                                       {"tokens", "i64 [4]"}};
  EXPECT_EQ(shapes_in(folder / "out.st"), expected);

  const Safetensors file = Safetensors::open(folder / "out.st");
  const auto* ids = file.tensors().find("prompt_ids")->second.as<int64_t>();
  EXPECT_EQ(ids[0], 0) << "begin of sentence";
  EXPECT_EQ(ids[1], 500);
  EXPECT_EQ(ids[73], 500);
  EXPECT_EQ(ids[74], 13);
  EXPECT_EQ(ids[75], 72);
}

TEST(TraceCommand, TracesSeveralRanksAsOne) {
  const TempFolder folder;
  const std::string arguments =
      "trace " + golden_images + "receipt.png --mode tiny " + prompt + "--forced-ids '7 8 9 10' -o ";
  ASSERT_EQ(lectern(folder, arguments + "one.st").code, 0);
  const Outcome outcome = lectern(folder, arguments + "four.st --tensor-parallel 4");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const Safetensors one = Safetensors::open(folder / "one.st"), four = Safetensors::open(folder / "four.st");
  const auto values = [](const Safetensors& file, const char* name) {
    const TensorView& view = file.tensors().find(name)->second;
    return std::vector<float>(view.as<float>(), view.as<float>() + view.shape.elements());
  };
  const std::vector<float> expected = values(one, "logits"), got = values(four, "logits");
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 1e-3) << i;
  EXPECT_EQ(values(four, "image_sequence"), values(one, "image_sequence"));
}

TEST(TraceCommand, ReplacesNoFileOfTheUsers) {
  const TempFolder folder;
  const std::string picture = testing::slurp(golden_images + "receipt.png");
  folder.write("t.png", picture);
  folder.write("u.png", picture);
  expect_refusal(lectern(folder, "trace t.png -o t.png"), 2, "t.png: is an input, and the trace would replace it");
  expect_refusal(lectern(folder, "trace t.png -o u.png"), 2, "u.png: holds a picture, and the trace would replace it");
  EXPECT_EQ(testing::slurp(folder / "t.png"), picture);
  const std::string weights("\2\0\0\0\0\0\0\0{}", 10);
  folder.write("other.safetensors", weights);
  expect_refusal(lectern(folder, "trace t.png -o other.safetensors"), 2,
                 "other.safetensors: holds tensors that lectern did not write");
  EXPECT_EQ(testing::slurp(folder / "other.safetensors"), weights);
  expect_refusal(lectern(folder, "trace t.png -o -"), 2, "-o -: does not go to standard output: a trace is no text");
}

TEST(TraceCommand, TakesAPromptAsReadDoes) {
  const TempFolder folder;
  const Outcome outcome =
      lectern(folder, "trace " + golden_images + "receipt.png --mode tiny --prompt free --steps 1 -o out.st");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const Safetensors file = Safetensors::open(folder / "out.st");
  EXPECT_GT(file.tensors().find("prompt_ids")->second.shape[0], 74) << "the image's rows and words";
}

TEST(TraceCommand, WritesTheTilesOfALargePage) {
  const TempFolder folder;
  const std::string arguments = golden_images + "noise.png --mode gundam " + prompt + "--steps 2 -o out.st";
  ASSERT_EQ(lectern(folder, "trace " + arguments).code, 0);
  const auto shapes = shapes_in(folder / "out.st");
  EXPECT_EQ(shapes.size(), 9u);
  EXPECT_EQ(shapes.at("tiles_sam"), "f32 [4, 10, 10, 128]");
  EXPECT_EQ(shapes.at("tiles_clip"), "f32 [4, 101, 128]");
  EXPECT_EQ(shapes.at("whole_sam"), "f32 [1, 16, 16, 128]");
  EXPECT_EQ(shapes.at("image_sequence"), "f32 [693, 128]");
  EXPECT_EQ(shapes.at("logits"), "f32 [2, 512]");
}

TEST(TraceCommand, TakesSeveralPicturesAsPagesOfOneSequence) {
  const TempFolder folder;
  const std::string model = "--model '" TEST_DATA "/goldens/unlimited-ocr/mini' ";
  const std::string pictures = golden_images + "page.png " + golden_images + "receipt.png ";
  const Outcome outcome = lectern(folder, "trace " + pictures + model + "--steps 2 -o out.st");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto shapes = shapes_in(folder / "out.st");
  EXPECT_EQ(shapes.at("whole_sam"), "f32 [2, 16, 16, 64]");
  EXPECT_EQ(shapes.at("whole_clip"), "f32 [2, 257, 64]");
  EXPECT_EQ(shapes.at("image_sequence"), "f32 [546, 64]");
  expect_refusal(lectern(folder, "trace " + pictures + model + "--mode gundam -o x.st"), 2, "use --mode base");
  expect_refusal(lectern(folder, "trace " + pictures + "--mode base -o x.st"), 2, "one page at a time");
}

// As read does.
TEST(TraceCommand, RefusesTilesThatChangeNothing) {
  const TempFolder folder;
  const auto trace = [&](const std::string& arguments) {
    return lectern(folder, "trace " + golden_images + "noise.png -o out.st " + prompt + arguments);
  };
  expect_refusal(trace("--max-tiles 10"), 2,
                 "--max-tiles 10: DeepSeek-OCR was trained with 9 tiles at most; use that or fewer, or leave it out");
  expect_refusal(
      trace("--mode tiny --max-tiles 2"), 2,
      "--max-tiles 2: DeepSeek-OCR cuts no page into tiles in mode tiny; leave it out, or use --mode gundam");
  expect_refusal(lectern(folder, "trace " + golden_images + "page.png " + golden_images +
                                     "receipt.png --model '" TEST_DATA "/goldens/unlimited-ocr/mini' --max-tiles 3 "
                                     "-o out.st"),
                 2, "cuts none of several pages together into tiles");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.st"));
  const Outcome fewer = trace("--mode gundam --max-tiles 2 --steps 1");
  EXPECT_EQ(fewer.code, 0) << fewer.err;
  EXPECT_EQ(shapes_in(folder / "out.st").at("tiles_sam"), "f32 [2, 10, 10, 128]");
  EXPECT_EQ(trace("--mode gundam --max-tiles 1 --steps 1").code, 0);
  EXPECT_EQ(shapes_in(folder / "out.st").count("tiles_sam"), 0u);
}

TEST(TraceCommand, RefusesBadIds) {
  const TempFolder folder;
  const auto trace = [&](const std::string& arguments) {
    return lectern(folder, "trace " + golden_images + "receipt.png -o out.st " + arguments);
  };
  expect_refusal(trace(prompt + "--prompt free"), 2, "--prompt excludes --prompt-ids");
  expect_refusal(trace("--prompt-ids '500 x1 3'"), 2, "--prompt-ids: 'x1' is not a token id");
  expect_refusal(trace("--prompt-ids '500 -1'"), 2, "--prompt-ids: '-1' is not a token id");
  expect_refusal(trace("--prompt-ids '500 99999999999999'"), 2, "'99999999999999' is not a token id");
  expect_refusal(trace("--prompt-ids '500 512'"), 2, "--prompt-ids: token id 512 is outside of the vocabulary 0..511");
  expect_refusal(trace("--prompt-ids ''"), 2, "0 times, expected once");
  expect_refusal(trace("--prompt-ids '13 72'"), 2, "0 times, expected once");
  expect_refusal(trace("--prompt-ids '500 500'"), 2, "2 times, expected once");
  expect_refusal(trace(prompt + "--forced-ids '1 2 9999'"), 2, "--forced-ids: token id 9999 is outside");
  expect_refusal(trace(prompt + "--forced-ids '1 2' --steps 3"), 2, "--forced-ids names 2 ids, but --steps asks for 3");
  expect_refusal(trace(prompt + "--steps 0"), 2, "--steps: Value 0");
  expect_refusal(trace(prompt + "--mode odd"), 2, "unknown mode 'odd'");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.st"));
}

TEST(TraceCommand, RefusesBadFiles) {
  const TempFolder folder;
  const std::string receipt = golden_images + "receipt.png ";
  expect_refusal(lectern(folder, "trace nothing.png --mode tiny -o out.st " + prompt), 2, "nothing.png: cannot open");
  expect_refusal(lectern(folder, "trace " + receipt + "-o no/out.st " + prompt), 2, "no/out.st: cannot be written");
  expect_refusal(lectern(folder, "trace " + receipt + "-o . " + prompt), 2, ".: is a folder");
  expect_refusal(lectern(folder, "trace " + receipt + "-o out.st --model nowhere " + prompt), 2, "nowhere: ");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.st"));
}

}  // namespace
}  // namespace lectern
