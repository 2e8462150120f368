// The two digests by which the hub names content: SHA-256 for large files, git's blob SHA-1 for those kept in git.
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
  // `size` is that of the whole content, with which git's digest begins.
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
