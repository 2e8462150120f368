#include "output/base64.h"

#include <glib.h>

#include <cstddef>

#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64(std::string_view bytes) {
  if (bytes.empty()) return "";
  gchar* const text = g_base64_encode(reinterpret_cast<const guchar*>(bytes.data()), bytes.size());
  std::string out(text);
  g_free(text);
  return out;
}

std::string from_base64(std::string_view text) {
  // GLib skips what is not of the alphabet.
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.size() % 4 != 0 || text.find_first_not_of(digits) < text.size() - padding)
    throw Error("not base64", ErrorCode::corrupt_input);
  if (text.empty()) return "";
  gsize size = 0;
  const std::string terminated(text);
  guchar* const bytes = g_base64_decode(terminated.c_str(), &size);
  std::string out(reinterpret_cast<const char*>(bytes), size);
  g_free(bytes);
  return out;
}

}  // namespace lectern
