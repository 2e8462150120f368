// The prompts that DeepSeek-OCR was trained with, by the names that Lectern gives them.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

// markdown, free, figure or describe -> its prompt; locate:TEXT -> the one that asks where TEXT stands; any other text
// is a prompt of its own, before which <image> and a line break are put where it has none. Throws Error for a TEXT that
// cannot be located: nothing, or marks of the model.
std::string prompt_text(std::string_view name);

// Whether the prompt asks for layout tags before every block. (The answer to locate:TEXT is nothing but such tags.)
bool is_grounded(std::string_view name);

}  // namespace lectern
