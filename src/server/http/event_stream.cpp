#include "server/http/event_stream.h"

namespace lectern::server {

std::string sent_event(std::string_view data, std::string_view name) {
  std::string event;
  if (!name.empty()) event = "event: " + std::string(name) + "\n";
  for (;;) {
    const size_t end = data.find_first_of("\r\n");
    event += "data: ";
    event += data.substr(0, end);
    event += '\n';
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + (data.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return event + '\n';
}

}  // namespace lectern::server
