// libFuzzer target: Safetensors::parse takes any bytes and either throws Error or returns views that lie within them.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "checkpoint/safetensors.h"
#include "lectern/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const lectern::Safetensors::Parsed parsed = lectern::Safetensors::parse(bytes, "fuzz");
    size_t total = 0;
    for (const auto& [name, tensor] : parsed.tensors) {
      if (tensor.data < bytes.data() || tensor.data + tensor.bytes() > bytes.data() + bytes.size()) std::abort();
      total += tensor.bytes();
    }
    for (const auto& [name, tensor] : parsed.unsupported) total += tensor.bytes;
    if (total > size) std::abort();
  } catch (const lectern::Error& error) {
    for (const char* c = error.what(); *c != '\0'; ++c) {
      if (*c < 0x20 || *c > 0x7e) std::abort();  // messages are one printable line
    }
  }
  return 0;
}
