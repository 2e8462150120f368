#include "server/http/public_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace lectern::server {
namespace {

struct Block4 {
  uint32_t first;
  int bits;
};
// IANA's registry of special IPv4 addresses.
constexpr std::array<Block4, 15> special = {{{0x00000000, 8},
                                             {0x0A000000, 8},
                                             {0x64400000, 10},
                                             {0x7F000000, 8},
                                             {0xA9FE0000, 16},
                                             {0xAC100000, 12},
                                             {0xC0000000, 24},
                                             {0xC0000200, 24},
                                             {0xC0586300, 24},
                                             {0xC0A80000, 16},
                                             {0xC6120000, 15},
                                             {0xC6336400, 24},
                                             {0xCB007100, 24},
                                             {0xE0000000, 4},
                                             {0xF0000000, 4}}};

bool is_public(uint32_t four) {
  return std::ranges::none_of(
      special, [&](const Block4& block) { return (four >> (32 - block.bits)) == (block.first >> (32 - block.bits)); });
}

using Bytes = std::array<uint8_t, 16>;

uint32_t four_at(const Bytes& bytes, size_t at) {
  return uint32_t{bytes[at]} << 24 | uint32_t{bytes[at + 1]} << 16 | uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

bool is_public(const Bytes& six) {
  constexpr std::array<uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  constexpr std::array<uint8_t, 12> translated = {0, 0x64, 0xFF, 0x9B};  // NAT64
  const auto begins = [&](const auto& prefix) {
    return std::ranges::equal(prefix, std::span(six).first(prefix.size()));
  };
  if (begins(mapped) || begins(translated)) return is_public(four_at(six, 12));
  if ((six[0] & 0xE0) != 0x20) return false;                                       // outside of 2000::/3
  if (six[0] == 0x20 && six[1] == 0x02) return is_public(four_at(six, 2));         // 6to4
  if (six[0] == 0x20 && six[1] == 0x01 && (six[2] & 0xFE) == 0) return false;      // 2001::/23: Teredo and others
  return !(six[0] == 0x20 && six[1] == 0x01 && six[2] == 0x0D && six[3] == 0xB8);  // of documents
}

}  // namespace

bool is_public_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return is_public(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return false;
  Bytes six{};
  std::memcpy(six.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, six.size());
  return is_public(six);
}

}  // namespace lectern::server
