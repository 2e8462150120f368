// Digests of files on the hub: SHA-256 for large files, git's blob SHA-1 for files kept in git.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace lectern::hub {

enum class DigestKind : uint8_t { sha256, git_blob };

class Digest {
 public:
  // `size` of the whole content, which git's digest includes.
  Digest(DigestKind kind, int64_t size);

  void add(std::span<const std::byte> block);

  // In lower-case hexadecimal digits. Call it once, last.
  std::string finish();

 private:
  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;  // EVP_MD_CTX
};

}  // namespace lectern::hub
