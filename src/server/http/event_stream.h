// Server-sent events, as browsers and OpenAI's clients read them.
#pragma once

#include <string>
#include <string_view>

namespace lectern::server {

inline constexpr const char* event_stream_type = "text/event-stream; charset=utf-8";

// One event: its name if it has one, "data: " before every line of `data`, and an empty line.
std::string sent_event(std::string_view data, std::string_view name = "");
// A comment, which clients ignore; it keeps proxies from closing a connection without traffic.
inline constexpr std::string_view sent_comment = ": \n\n";

}  // namespace lectern::server
