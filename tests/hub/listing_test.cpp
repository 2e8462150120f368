#include "hub/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "hub/fake_hub.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

using nlohmann::json;
using testing::FakeHub;
using ::testing::HasSubstr;

json good() { return FakeHub().listing(); }

json& entry(json& list, const std::string& name) {
  for (json& file : list["siblings"]) {
    if (file["rfilename"] == name) return file;
  }
  throw std::runtime_error("no " + name);
}

std::string refusal(const std::string& text, const ModelName& name = deepseek_ocr) {
  try {
    parse_listing(text, name);
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

std::string refusal_after(const std::function<void(json&)>& change) {
  json list = good();
  change(list);
  return refusal(list.dump());
}

TEST(Listing, TakesTheLicenceFromTheCardOrTheTags) {
  const auto licence = [](const std::function<void(json&)>& change) {
    json list = good();
    change(list);
    return parse_listing(list.dump(), deepseek_ocr).licence;
  };
  EXPECT_EQ(licence([](json&) {}), "");
  EXPECT_EQ(licence([](json& list) { list["cardData"] = {{"license", "mit"}}; }), "mit");
  EXPECT_EQ(licence([](json& list) {
              list["cardData"] = {{"license", "other"}, {"license_name", "a-licence"}};
            }),
            "a-licence");
  EXPECT_EQ(licence([](json& list) { list["tags"] = {"ocr", 3, "license:apache-2.0", "license:mit"}; }), "apache-2.0");
  EXPECT_EQ(licence([](json& list) {
              list["cardData"] = 7;
              list["tags"] = "license:mit";
            }),
            "");
  const std::string hostile = licence([](json& list) {
    list["cardData"] = {{"license", "a\n\x1b[2J" + std::string(5000, 'x')}};
  });
  EXPECT_LE(hostile.size(), 110u);
  EXPECT_EQ(hostile.find_first_of("\n\x1b"), std::string::npos);
}

TEST(Listing, TakesWhatIsNeededAndNothingElse) {
  json list = good();
  for (const char* name :
       {"generation_config.json", "tokenizer_config.json", "model.safetensors.index.json", "packed.json"}) {
    list["siblings"].push_back({{"rfilename", name}, {"size", 5}, {"blobId", std::string(40, 'a')}});
  }
  for (const char* name : {"pytorch_model.bin", "processor_config.json", "other/model.safetensors", "vocab.txt"}) {
    list["siblings"].push_back({{"rfilename", name}, {"size", 5}, {"blobId", std::string(40, 'a')}});
  }
  const Listing listing = parse_listing(list.dump(), deepseek_ocr);
  EXPECT_EQ(listing.commit, FakeHub::commit);
  std::vector<std::string> names;
  for (const ListedFile& file : listing.files) names.push_back(file.name);
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("config.json", "tokenizer.json", FakeHub::weights_name,
                                                     "generation_config.json", "tokenizer_config.json",
                                                     "model.safetensors.index.json", "packed.json"));
  EXPECT_EQ(names.back(), FakeHub::weights_name) << "the largest comes last";
  EXPECT_EQ(listing.files.back().kind, DigestKind::sha256);
  EXPECT_EQ(listing.files.front().kind, DigestKind::git_blob);
  EXPECT_GT(listing.bytes(), 300'000);
}

TEST(Listing, RefusesPathsThatLeadOut) {
  for (const char* name : {"../model.safetensors", "/model.safetensors", "a/../../b.safetensors", "a//b", "a/", "./b",
                           "a\\b.safetensors", "a\nb.safetensors", ""}) {
    EXPECT_THAT(refusal_after([&](json& list) {
                  list["siblings"].push_back({{"rfilename", name}, {"size", 5}, {"blobId", std::string(40, 'a')}});
                }),
                HasSubstr("which is refused"))
        << name;
  }
}

TEST(Listing, RefusesImpossibleSizes) {
  for (const json& size : {json(-1), json(1.5), json("5"), json(nullptr), json(uint64_t{1} << 63), json(1e30)}) {
    EXPECT_THAT(refusal_after([&](json& list) { entry(list, "config.json")["size"] = size; }),
                HasSubstr("gives no possible size for config.json"))
        << size;
  }
}

TEST(Listing, RefusesWhatCouldNotBeVerified) {
  EXPECT_THAT(refusal_after([](json& list) { entry(list, "config.json").erase("blobId"); }),
              HasSubstr("gives no digest for config.json"));
  EXPECT_THAT(refusal_after([](json& list) { entry(list, FakeHub::weights_name)["lfs"]["sha256"] = "abc"; }),
              HasSubstr("gives no digest for model-"));
  EXPECT_THAT(refusal_after([](json& list) { list.erase("sha"); }), HasSubstr("names no commit"));
  EXPECT_THAT(refusal_after([](json& list) { list["sha"] = "../.."; }), HasSubstr("names no commit"));
  const ModelName pinned{"deepseek-ai", "DeepSeek-OCR", std::string(40, '9')};
  EXPECT_THAT(refusal(good().dump(), pinned), HasSubstr("not of 9999"));
}

TEST(Listing, RefusesWhatIsNoModel) {
  EXPECT_THAT(refusal("<html>"), HasSubstr("list of its files"));
  EXPECT_THAT(refusal("[]"), HasSubstr("is no JSON object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("names no files"));
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("list of its files"));
  EXPECT_THAT(refusal_after([](json& list) { list["siblings"][0] = 5; }), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal_after([](json& list) { list["siblings"].push_back(entry(list, "config.json")); }),
              HasSubstr("names config.json twice"));
  EXPECT_THAT(refusal_after([](json& list) { entry(list, "config.json")["rfilename"] = "other.json"; }),
              HasSubstr("has no config.json"));
  EXPECT_THAT(refusal_after([](json& list) { entry(list, FakeHub::weights_name)["rfilename"] = "model.bin"; }),
              HasSubstr("has no .safetensors file"));
}

}  // namespace
}  // namespace lectern::hub
