// Address of the hub, and the token for it.
#pragma once

#include <string>

namespace lectern::hub {

// `given`, $HF_ENDPOINT, or the public hub. Throws Error for an address that is not https://HOST
// or http://HOST.
std::string hub_endpoint(const std::string& given);

// Warning that the token would be sent unencrypted; empty if it would not.
std::string token_warning(const std::string& endpoint, const std::string& token);

// $HF_TOKEN; may be empty. Throws Error if it has characters that no token has.
std::string hub_token();

}  // namespace lectern::hub
