// The prompts that a model was trained with, by the names that Lectern gives them, and prompts of one's own.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/model_description.h"

namespace lectern {

struct Prompt {
  std::string name;       // markdown, ocr, free, figure, describe, locate or pages; empty for words of one's own
  std::string text;       // as the model gets it: <image> and what is asked
  bool grounded = false;  // asks for layout tags before every block
  bool all_text = false;  // markdown, ocr or free: asks for all text of the page
};

// What was typed: nothing, which is the model's first prompt, a name, locate:TEXT for the prompt that asks where TEXT
// stands, or words of one's own, before which <image> is put, as the model knows it, where they have none. White space
// around it goes, as in the published code; words that are those of a trained prompt get its name. Throws Error for a
// TEXT that cannot be located: nothing, or marks of the model; and, unless forced, for a prompt that another model was
// trained with and this one was not. (The answer to locate:TEXT is nothing but layout tags, but it is not grounded.)
Prompt parse_prompt(std::string_view typed, const ModelDescription& model, bool force = false);
// The prompt for several pages in one sequence. Throws Error for a model that reads one page a sequence.
Prompt pages_prompt(const ModelDescription& model);

}  // namespace lectern
