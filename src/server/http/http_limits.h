// Bounds for all that a client can make large or slow.
#pragma once

#include <chrono>
#include <cstddef>

namespace lectern::server {

struct HttpLimits {
  int connections = 512;
  int connections_per_address = 64;      // 0: unlimited
  size_t head_bytes = size_t{64} << 10;  // of URL and headers, and of the buffers of a connection
  size_t body_bytes = size_t{32} << 20;
  size_t all_bodies_bytes = size_t{1} << 30;     // of all requests that are not handled yet
  size_t unsent_bytes = size_t{4} << 20;         // of a stream whose client reads slowly
  std::chrono::seconds idle{60};                 // without a byte in either direction
  std::chrono::milliseconds keep_alive{15'000};  // between comments in a stream of events without any
  std::chrono::seconds head{20};                 // from the connection, or the last answer, to the end of the headers
  std::chrono::seconds body{300};                // from there to the end of the body
};

}  // namespace lectern::server
