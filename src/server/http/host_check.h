// Which names a server answers to, and from whose pages it takes requests: a page of another site that a browser shows
// must not use a server on the user's machine, neither under a name of its own that it points there (name rebinding)
// nor by sending it something.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern::server {

struct HostPort {
  std::string host;  // lower case; of an IPv6 address without its brackets
  std::string port;  // may be empty
};
// "localhost:8080", "[::1]:80", "192.0.2.1". An empty host for what is none of these.
HostPort parse_host(std::string_view text);

bool is_ip_address(const std::string& host);
bool is_loopback(const std::string& host);  // localhost, 127.0.0.0/8 or ::1

class HostCheck {
 public:
  // Beside localhost and addresses, which no other site can point elsewhere, these names are answered to.
  explicit HostCheck(std::vector<std::string> names = {});

  // The value of the header Host.
  bool allows_host(std::string_view host) const;
  // Origin, and Host: an origin that is there must be this server itself.
  static bool allows_origin(std::string_view origin, std::string_view host);

 private:
  std::vector<std::string> names_;
};

}  // namespace lectern::server
