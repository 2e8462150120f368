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
  // A key a line; empty lines and those that begin with # count for nothing. Throws Error for a file that cannot be
  // read, holds no key, or one with white space or control characters in it.
  static ApiKeys from_file(const std::filesystem::path& file);
  static ApiKeys from_text(std::string_view text, std::string_view name);

  bool empty() const { return digests_.empty(); }
  // The value of the header Authorization: "Bearer KEY". Which key it is, counted from 1; 0: none of them. The time it
  // takes does not depend on which, nor on how much of one is right.
  size_t find(std::string_view authorization) const;
  // What stands for this key in files, from which nobody learns the key; empty for none of them.
  std::string owner(std::string_view authorization) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  static Digest digest_of(std::string_view key);

  std::vector<Digest> digests_;
};

}  // namespace lectern::server
