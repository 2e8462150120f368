// Tokenizers of tests: the published one, the mini one of single bytes, and the latter changed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "language/tokenizer.h"

namespace lectern::testing {

inline const std::filesystem::path tokenizers = std::filesystem::path(TEST_DATA) / "tokenizer";

inline const Tokenizer& published() {
  static const Tokenizer tokenizer = Tokenizer::load(tokenizers / "tokenizer.json");
  return tokenizer;
}

inline const Tokenizer& mini() {
  static const Tokenizer tokenizer = Tokenizer::load(tokenizers / "mini.json");
  return tokenizer;
}

inline nlohmann::json read_json(const std::string& name) {
  return nlohmann::json::parse(std::ifstream(tokenizers / name));
}

// A file for one test.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name = std::string("lectern-") + test->test_suite_name() + "-" + test->name() + ".json";
    std::replace(name.begin(), name.end(), '/', '-');
    path_ = std::filesystem::path(::testing::TempDir()) / name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The mini tokenizer (single bytes, no merges) changed by a JSON Patch.
inline Tokenizer patched(const std::string& patch) {
  const TemporaryFile file(read_json("mini.json").patch(nlohmann::json::parse(patch)).dump());
  return Tokenizer::load(file.path());
}

// The text of each token.
inline std::vector<std::string> tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> tokens;
  for (const int32_t id : tokenizer.encode(text)) tokens.emplace_back(tokenizer.bytes_of(id));
  return tokens;
}

}  // namespace lectern::testing
