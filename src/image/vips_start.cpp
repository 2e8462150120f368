#include "image/vips_start.h"

#include <string>
#include <vips/vips8>

#include "lectern/error.h"

namespace lectern {

void start_vips() {
  static const bool started = [] {
    // Warnings of libvips go to GLib's log, which writes to stderr; what matters comes back as an error.
    const auto levels =
        static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG);
    g_log_set_handler(
        "VIPS", levels, [](const gchar*, GLogLevelFlags, const gchar*, gpointer) {}, nullptr);
    if (vips_init("lectern") != 0) {
      throw Error("libvips does not start: " + std::string(vips_error_buffer()), ErrorCode::unsupported);
    }
    vips_block_untrusted_set(TRUE);
    vips_cache_set_max(0);  // operations are not kept: every picture is read once
    return true;
  }();
  static_cast<void>(started);
}

}  // namespace lectern
