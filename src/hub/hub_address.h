// Which hub is asked for models, and the token that it is shown.
#pragma once

#include <string>

namespace lectern::hub {

// The hub to ask: what was given, $HF_ENDPOINT, or the public one. Throws Error for an address that is not https://HOST
// or http://HOST.
std::string hub_endpoint(const std::string& given);

// Warning that the token would be sent unencrypted; empty if it would not.
std::string token_warning(const std::string& endpoint, const std::string& token);

// $HF_TOKEN, or nothing. Throws Error when it has characters that no token has.
std::string hub_token();

}  // namespace lectern::hub
