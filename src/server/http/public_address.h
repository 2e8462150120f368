// Which addresses lie in the open internet: a server that fetches what strangers name must not reach its own machine,
// nor the networks around it.
#pragma once

#include <sys/socket.h>

namespace lectern::server {

// Neither private, nor of this machine or link, nor reserved, nor for many; IPv6 addresses that carry one of IPv4 are
// judged by that.
bool is_public_address(const sockaddr& address);

}  // namespace lectern::server
