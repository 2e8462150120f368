#include "hub/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "core/text.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

EVP_MD_CTX* context_of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

void require(int done) {
  if (done != 1)
    throw Error("OpenSSL: the digest cannot be computed; is SHA-1 or SHA-256 switched off here?",
                ErrorCode::unsupported);
}

}  // namespace

void Digest::Free::operator()(void* context) const { EVP_MD_CTX_free(context_of(context)); }

Digest::Digest(DigestKind kind, int64_t size) : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  require(
      EVP_DigestInit_ex(context_of(context_.get()), kind == DigestKind::sha256 ? EVP_sha256() : EVP_sha1(), nullptr));
  if (kind == DigestKind::git_blob) {
    const std::string header = fmt::format("blob {}", size);
    add(std::as_bytes(std::span(header.c_str(), header.size() + 1)));
  }
}

void Digest::add(std::span<const std::byte> block) {
  require(EVP_DigestUpdate(context_of(context_.get()), block.data(), block.size()));
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  require(EVP_DigestFinal_ex(context_of(context_.get()), bytes.data(), &length));
  return hex_digits(std::span(bytes).first(length));
}

}  // namespace lectern::hub
