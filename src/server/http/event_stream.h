// Server-sent events, as browsers and OpenAI's clients read them.
#pragma once

#include <string>
#include <string_view>

namespace lectern::server {

inline constexpr const char* event_stream_type = "text/event-stream; charset=utf-8";

// One event: its name where it has one, every line of `data` behind "data: ", and an empty line.
std::string sent_event(std::string_view data, std::string_view name = "");
// What clients do not notice, for those between that end connections over which nothing comes.
inline constexpr std::string_view sent_comment = ": \n\n";

}  // namespace lectern::server
