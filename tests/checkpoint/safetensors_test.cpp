#include "checkpoint/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "core/files/own_output.h"
#include "core/temp_folder.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempFolder;
using ::testing::ThrowsMessage;

std::string file_of(const std::string& header, size_t data_bytes, int64_t length = -1) {
  const auto size = static_cast<uint64_t>(length < 0 ? header.size() : length);
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(size >> (8 * i));
  return file + header + std::string(data_bytes, 'd');
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

// One tensor "a" over `data_bytes` of data.
std::string one(const std::string& type, const std::string& shape, const std::string& offsets, size_t data_bytes) {
  return file_of(R"({"a":)" + entry(type, shape, offsets) + "}", data_bytes);
}

Safetensors::Parsed parse(const std::string& file) { return Safetensors::parse(std::as_bytes(std::span(file)), "x"); }

void expect_refused(const std::string& file, const std::string& message) {
  EXPECT_THAT([&] { parse(file); }, ThrowsMessage<Error>(AllOf(HasSubstr("x: "), HasSubstr(message))));
}

TEST(Safetensors, ReadsTheMiniCheckpoint) {
  const auto file = Safetensors::open(TEST_DATA "/goldens/mini/model-00001-of-000001.safetensors");
  EXPECT_TRUE(file.unsupported().empty());
  const TensorView norm = file.tensors().at("model.norm.weight");
  EXPECT_EQ(norm.type, DataType::bf16);
  EXPECT_EQ(norm.shape, Shape({128}));
  const TensorView ids = file.tensors().at("model.vision_model.embeddings.position_ids");
  EXPECT_EQ(ids.shape, Shape({1, 257}));
  EXPECT_EQ(ids.as<int64_t>()[256], 256);
}

TEST(Safetensors, StaysGoodWhenMoved) {
  auto file = Safetensors::open(TEST_DATA "/goldens/mini/model-00001-of-000001.safetensors");
  const Safetensors moved = std::move(file);
  EXPECT_EQ(moved.tensors().at("model.vision_model.embeddings.position_ids").as<int64_t>()[7], 7);
}

TEST(Safetensors, NamesTheFile) {
  const TempFolder folder;
  EXPECT_THAT([&] { Safetensors::open(folder.write("m.safetensors", "{}")); },
              ThrowsMessage<Error>(HasSubstr("/m.safetensors: truncated")));
  EXPECT_THAT([&] { Safetensors::open(folder.write("m.safetensors", "")); },
              ThrowsMessage<Error>(HasSubstr("at least 8 bytes, this has 0; download it again")));
}

TEST(SafetensorsParse, KeepsWhatItCannotView) {
  const auto parsed = parse(file_of(R"({"__metadata__":{"format":"pt"},"d":)" + entry("F64", "[1]", "[0,8]") +
                                        R"(,"r":)" + entry("U8", "[1,1,1,1,1,2]", "[8,10]") + R"(,"n":)" +
                                        entry("F4", "[4]", "[10,12]") + R"(,"u":)" + entry("U8", "[]", "[12,13]") + "}",
                                    13));
  EXPECT_EQ(parsed.tensors.size(), 1u);
  EXPECT_EQ(parsed.tensors.at("u").shape, Shape({}));
  EXPECT_EQ(parsed.unsupported.size(), 3u);
  EXPECT_EQ(parsed.unsupported.at("d").type, "F64");
  EXPECT_EQ(parsed.unsupported.at("r").shape, (std::vector<int64_t>{1, 1, 1, 1, 1, 2}));
  EXPECT_EQ(parsed.unsupported.at("n").bytes, 2u);
}

TEST(SafetensorsParse, AcceptsEmptyTensorsAndFiles) {
  EXPECT_TRUE(parse(file_of("{}", 0)).tensors.empty());
  EXPECT_EQ(parse(one("F32", "[3,0]", "[0,0]", 0)).tensors.at("a").bytes(), 0u);
}

TEST(SafetensorsParse, RefusesWhatIsNoHeader) {
  expect_refused("1234567", "truncated: a safetensors file has at least 8 bytes, this has 7");
  expect_refused(file_of("{}", 0, 200),
                 "truncated: the header needs bytes up to 208, the file has 10; download it again");
  expect_refused(file_of("{}", 0, INT64_MAX), "its header would be 9223372036854775807 bytes");
  expect_refused("version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer");
  expect_refused(file_of("[]", 0), "its header is not a JSON object");
  expect_refused(file_of("", 0), "its header is not a JSON object");
  expect_refused(file_of("{\"a\":", 0), "not valid JSON");
  expect_refused(file_of("{\"\xff\":{}}", 0), "not valid JSON");
  expect_refused(file_of("{\"a\":" + std::string(100000, '['), 0), "nested more than 8 levels deep");
  expect_refused(file_of("{\"a\":" + entry("U8", "[1]", "[0,1]") + ",\"a\":" + entry("U8", "[1]", "[1,2]") + "}", 2),
                 "key a appears twice");
}

TEST(SafetensorsParse, RefusesIncompleteEntries) {
  expect_refused(file_of(R"({"a":3})", 0), "tensor a is not an object");
  expect_refused(file_of(R"({"a":{}})", 0), "tensor a has no dtype");
  expect_refused(file_of(R"({"a":{"dtype":1}})", 0), "tensor a has no dtype");
  expect_refused(file_of(R"({"a":{"dtype":"U8"}})", 0), "tensor a has no shape");
  expect_refused(file_of(R"({"a":{"dtype":"U8","shape":[]}})", 0), "tensor a has no pair of data_offsets");
  expect_refused(one("U8", "[1]", "[0]", 1), "tensor a has no pair of data_offsets");
  expect_refused(file_of("{\"a\\n\":3}", 0), "tensor a? is not");
}

TEST(SafetensorsParse, RefusesShapesThatLie) {
  expect_refused(one("U8", "[-1]", "[0,1]", 1), "tensor a has -1 in its shape, expected a whole number of 0 or more");
  expect_refused(one("U8", "[1.0]", "[0,1]", 1), "tensor a has 1.0 in its shape");
  expect_refused(one("U8", "[\"1\"]", "[0,1]", 1), "in its shape");
  expect_refused(one("U8", "[[1]]", "[0,1]", 1), "tensor a has array in its shape");
  expect_refused(one("U8", "[9223372036854775808]", "[0,1]", 1), "in its shape");
  expect_refused(one("U8", "[18446744073709551617]", "[0,1]", 1), "in its shape");
  expect_refused(one("F32", "[4294967296,4294967296]", "[0,0]", 0), "shape too large");
  expect_refused(one("I64", "[4611686018427387904]", "[0,0]", 0), "shape too large");
  expect_refused(one("F32", "[3]", "[0,8]", 8), "tensor a of 3 elements of F32 has 8 bytes, expected 12");
  expect_refused(one("F64", "[3]", "[0,8]", 8), "tensor a of 3 elements of F64 has 8 bytes, expected 24");
  expect_refused(one("F4", "[1000000]", "[0,1]", 1), "has 1 bytes, expected at least 125000");
}

TEST(SafetensorsParse, RefusesOffsetsThatLie) {
  expect_refused(one("U8", "[1]", "[1,0]", 1), "tensor a ends at byte 0, before it begins at 1");
  expect_refused(one("U8", "[1]", "[-1,0]", 1), "tensor a has -1 in its data_offsets");
  expect_refused(one("U8", "[1]", "[0,1e3]", 1), "in its data_offsets");
  const std::string truncated = one("F32", "[4]", "[0,16]", 15);
  const auto size = truncated.size();
  expect_refused(truncated, "truncated: tensor a needs bytes up to " + std::to_string(size + 1) + ", the file has " +
                                std::to_string(size) + "; download it again");
  expect_refused(one("U8", "[1]", "[0,1]", 4), "3 bytes after the last tensor");
  const auto two = [](const std::string& second) {
    return file_of(R"({"a":)" + entry("U8", "[4]", "[0,4]") + R"(,"b":)" + entry("U8", "[2]", second) + "}", 6);
  };
  EXPECT_EQ(parse(two("[4,6]")).tensors.size(), 2u);
  expect_refused(two("[3,5]"), "tensor b overlaps tensor a");
  expect_refused(two("[1,3]"), "tensor b overlaps tensor a");
  expect_refused(file_of(R"({"a":)" + entry("U8", "[2]", "[4,6]") + "}", 6),
                 "4 bytes before tensor a belong to no tensor");
}

TEST(SafetensorsParse, TakesEverySeedOfTheFuzzer) {
  size_t seeds = 0;
  for (const auto& file : std::filesystem::directory_iterator(TEST_DATA "/../fuzz/corpus/safetensors")) {
    const std::string name = file.path().filename().string();
    const std::string content = testing::slurp(file.path());
    if (name.starts_with("valid")) {
      EXPECT_NO_THROW(parse(content)) << name;
    } else {
      EXPECT_THROW(parse(content), Error) << name;
    }
    ++seeds;
  }
  EXPECT_GE(seeds, 20u);
}

template <typename T, size_t N>
TensorView view(const std::array<T, N>& values, DataType type, const Shape& shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), type, shape};
}

TEST(SafetensorsWriter, WritesWhatIsReadBack) {
  const TempFolder folder;
  const std::array<uint8_t, 3> bytes = {1, 2, 3};
  const std::array<float, 2> floats = {1.5f, -2.0f};
  const std::array<int64_t, 1> longs = {-7};
  const std::array<int32_t, 2> ints = {8, -9};
  const std::array<uint16_t, 4> halves = {0x3f80, 0, 0x4000, 1};
  write_safetensors(folder / "a.safetensors", {{"bytes", view(bytes, DataType::u8, {3})},
                                               {"floats", view(floats, DataType::f32, {1, 2})},
                                               {"longs", view(longs, DataType::i64, {})},
                                               {"ints", view(ints, DataType::i32, {2})},
                                               {"é", view(halves, DataType::bf16, {2, 2})},
                                               {"none", TensorView(nullptr, DataType::f32, {0})}});
  const auto file = Safetensors::open(folder / "a.safetensors");
  EXPECT_EQ(file.tensors().size(), 6u);
  EXPECT_EQ(file.tensors().at("bytes").as<uint8_t>()[2], 3);
  EXPECT_EQ(file.tensors().at("floats").as<float>()[1], -2.0f);
  EXPECT_EQ(file.tensors().at("floats").shape, Shape({1, 2}));
  EXPECT_EQ(file.tensors().at("longs").as<int64_t>()[0], -7);
  EXPECT_EQ(file.tensors().at("ints").as<int32_t>()[1], -9);
  EXPECT_EQ(file.tensors().at("é").as<uint16_t>()[2], 0x4000);
  for (const auto& [name, tensor] : file.tensors()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data) % size_of(tensor.type), 0u) << name;
  }
}

TEST(SafetensorsWriter, RefusesBadNames) {
  const TempFolder folder;
  const std::array<uint8_t, 1> byte = {1};
  const TensorView tensor = view(byte, DataType::u8, {1});
  EXPECT_THAT(
      [&] {
        write_safetensors(folder / "a", {{"t", tensor}, {"t", tensor}});
      },
      ThrowsMessage<Error>(HasSubstr("a: tensor name t is reserved or given twice")));
  EXPECT_THAT(
      [&] {
        write_safetensors(folder / "a", {{"__metadata__", tensor}});
      },
      ThrowsMessage<Error>(HasSubstr("is reserved or given twice")));
  EXPECT_THAT(
      [&] {
        write_safetensors(folder / "a", {{"\xff", tensor}});
      },
      ThrowsMessage<Error>(HasSubstr("not valid UTF-8")));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, SaysWhoWroteTheFile) {
  const TempFolder folder;
  const std::array<uint8_t, 1> byte = {1};
  write_safetensors(folder / "a", {{"t", view(byte, DataType::u8, {1})}});
  EXPECT_TRUE(is_own_output(folder / "a"));
  EXPECT_EQ(Safetensors::open(folder / "a").tensors().size(), 1u);
}

}  // namespace
}  // namespace lectern
