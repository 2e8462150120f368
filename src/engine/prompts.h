// The prompts that DeepSeek-OCR was trained with, by the names that Lectern gives them, and prompts of one's own.
#pragma once

#include <string>
#include <string_view>

namespace lectern {

struct Prompt {
  std::string name;       // markdown, ocr, free, figure, describe or locate; empty for words of one's own
  std::string text;       // as the model gets it: <image> and what is asked
  bool grounded = false;  // asks for layout tags before every block
  bool all_text = false;  // markdown, ocr or free: asks for all text of the page
};

// What was typed: nothing, which is free, a name, locate:TEXT for the prompt that asks where TEXT stands, or words of
// one's own, before which <image> and a line break are put where they have none. White space around it goes, as in the
// published code; words that are those of a published prompt get its name. Throws Error for a TEXT that cannot be
// located: nothing, or marks of the model. (The answer to locate:TEXT is nothing but layout tags, but it is not
// grounded.)
Prompt parse_prompt(std::string_view typed);

}  // namespace lectern
