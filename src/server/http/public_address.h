// Check for public addresses: a server that fetches URLs of strangers must not reach its own machine or the networks
// around it.
#pragma once

#include <sys/socket.h>

namespace lectern::server {

// False for private, loopback, link-local, reserved and multicast addresses. An IPv6 address that carries an IPv4 one
// is judged by that.
bool is_public_address(const sockaddr& address);

}  // namespace lectern::server
