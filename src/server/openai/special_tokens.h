// Removal of the model's special tokens, for clients that ask for skip_special_tokens, as of vLLM and Ollama.
#pragma once

#include <string>
#include <string_view>

namespace lectern::server {

// Removes all tokens <|NAME|> with names of up to 32 bytes without white space. `goes_on`: also removes what may be the
// beginning of one at the end of the text.
std::string without_special_tokens(std::string_view text, bool goes_on);

}  // namespace lectern::server
