// Checks of the headers Host and Origin: a page of another site in the user's browser must not use a server on the
// user's machine, neither by a name of its own that points there (DNS rebinding) nor by sending requests across sites.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lectern::server {

struct HostPort {
  std::string host;  // in lower case; an IPv6 address without brackets
  std::string port;  // may be empty
};
// "localhost:8080", "[::1]:80", "192.0.2.1". An empty host for anything else.
HostPort parse_host(std::string_view text);

bool is_ip_address(const std::string& host);
bool is_loopback(const std::string& host);  // localhost, 127.0.0.0/8 or ::1

class HostCheck {
 public:
  // `names` are allowed besides localhost and addresses, which no other site can point here.
  explicit HostCheck(std::vector<std::string> names = {});

  // The value of the header Host.
  bool allows_host(std::string_view host) const;
  // Values of Origin and Host: an origin, if there is one, must be this server itself.
  static bool allows_origin(std::string_view origin, std::string_view host);

 private:
  std::vector<std::string> names_;
};

}  // namespace lectern::server
