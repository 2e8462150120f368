#include "server/http/api_keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <new>
#include <string>

#include "core/files/file.h"
#include "core/text.h"

namespace lectern::server {
namespace {

constexpr size_t max_file_bytes = 1 << 20;

}  // namespace

ApiKeys::Digest ApiKeys::digest_of(std::string_view key) {
  Digest digest{};
  unsigned int size = 0;
  if (EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  return digest;
}

ApiKeys ApiKeys::from_file(const std::filesystem::path& file) {
  std::string text = read_text_file(file, max_file_bytes);
  ApiKeys keys = from_text(text, file.string());
  OPENSSL_cleanse(text.data(), text.size());
  return keys;
}

ApiKeys ApiKeys::from_text(std::string_view text, std::string_view name) {
  ApiKeys keys;
  for (int line = 1; !text.empty(); ++line) {
    const size_t end = text.find('\n');
    const std::string_view key = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (key.empty() || key.starts_with('#')) continue;
    if (!std::ranges::all_of(key, [](char c) { return c > ' ' && c <= '~'; })) {
      throw Error(
          fmt::format("{}: line {}: not a key; expected printable ASCII characters without spaces", name, line));
    }
    keys.digests_.push_back(digest_of(key));
  }
  if (keys.empty()) throw Error(fmt::format("{}: holds no key; expected one a line", name));
  return keys;
}

size_t ApiKeys::find(std::string_view authorization) const {
  constexpr std::string_view scheme = "bearer ";
  const std::string_view given = authorization.substr(0, scheme.size());
  if (!equals_in_any_case(given, scheme)) return 0;
  const Digest shown = digest_of(trimmed(authorization.substr(scheme.size())));
  size_t found = 0;
  for (size_t i = 0; i < digests_.size(); ++i) {
    const size_t equal = CRYPTO_memcmp(shown.data(), digests_[i].data(), shown.size()) == 0 ? 1 : 0;
    found = std::max(found, equal * (i + 1));
  }
  return found;
}

std::string ApiKeys::owner(std::string_view authorization) const {
  const size_t which = find(authorization);
  if (which == 0) return "";
  const Digest& digest = digests_[which - 1];
  return hex_digits(digest_of({reinterpret_cast<const char*>(digest.data()), digest.size()}));
}

}  // namespace lectern::server
