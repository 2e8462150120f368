// The CRC-32 of zlib, so that tests can keep large pictures as one number.
#pragma once

#include <cstdint>
#include <span>

namespace lectern {

inline uint32_t crc32(std::span<const uint8_t> bytes) {
  uint32_t crc = 0xffffffffu;
  for (const uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1u)));
  }
  return ~crc;
}

}  // namespace lectern
