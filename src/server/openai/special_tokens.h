// Text without the model's special tokens, for clients that ask for skip_special_tokens as vLLM and Ollama know it.
#pragma once

#include <string>
#include <string_view>

namespace lectern::server {

// Without all marks of the form <|...|>, of names of up to 32 bytes without white space. `goes_on`: what may be the
// begin of one at the end of the text is left out, too.
std::string without_special_tokens(std::string_view text, bool goes_on);

}  // namespace lectern::server
