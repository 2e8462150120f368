#include "server/http/host_check.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/text.h"

namespace lectern::server {

HostPort parse_host(std::string_view text) {
  HostPort parsed;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return {};
    parsed.host = lower_case(text.substr(1, close - 1));
    rest = text.substr(close + 1);
    in6_addr address{};
    if (::inet_pton(AF_INET6, parsed.host.c_str(), &address) != 1) return {};
  } else {
    const size_t colon = text.find(':');
    parsed.host = lower_case(text.substr(0, colon));
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    const auto of_name = [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_'; };
    if (!std::ranges::all_of(parsed.host, of_name)) return {};
  }
  if (rest.empty()) return parsed;
  rest.remove_prefix(1);
  if (text.starts_with('[') && text[text.find(']') + 1] != ':') return {};
  constexpr size_t max_port_digits = 5;
  if (rest.size() > max_port_digits || !std::ranges::all_of(rest, is_digit)) return {};
  parsed.port = rest;
  return parsed;
}

bool is_ip_address(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  return ::inet_pton(AF_INET, host.c_str(), &four) == 1 || ::inet_pton(AF_INET6, host.c_str(), &six) == 1;
}

bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six) != 0;
  return host == "localhost";
}

HostCheck::HostCheck(std::vector<std::string> names) : names_(std::move(names)) {
  for (std::string& name : names_) name = lower_case(name);
}

bool HostCheck::allows_host(std::string_view host) const {
  const std::string name = parse_host(host).host;
  return is_loopback(name) || is_ip_address(name) || (!name.empty() && std::ranges::find(names_, name) != names_.end());
}

bool HostCheck::allows_origin(std::string_view origin, std::string_view host) {
  if (origin.empty()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return equals_in_any_case(origin.substr(scheme.size()), host);
  }
  return false;
}

}  // namespace lectern::server
