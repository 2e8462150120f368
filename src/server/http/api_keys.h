// Keys that clients must show. Only their SHA-256 is kept; they are compared in constant time and never logged.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::server {

class ApiKeys {
 public:
  // None: every request may pass.
  ApiKeys() = default;
  // One key a line; empty lines and those that begin with # are ignored. Throws Error for a file that cannot be read,
  // holds no key, or holds one with white space or control characters.
  static ApiKeys from_file(const std::filesystem::path& file);
  static ApiKeys from_text(std::string_view text, std::string_view name);

  bool empty() const { return digests_.empty(); }
  // Number of the key, from 1, in the header Authorization, "Bearer KEY"; 0 for an unknown one. The time it takes does
  // not depend on which key it is, nor on how much of one is right.
  size_t find(std::string_view authorization) const;
  // Digest that stands for this key in files and does not reveal it; empty for an unknown key.
  std::string owner(std::string_view authorization) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  static Digest digest_of(std::string_view key);

  std::vector<Digest> digests_;
};

}  // namespace lectern::server
