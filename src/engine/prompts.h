// Prompts: those that a model was trained with, by Lectern's names for them, and free ones.
#pragma once

#include <string>
#include <string_view>

#include "checkpoint/model_description.h"

namespace lectern {

// In a prompt: asks for layout tags, of models whose vocabulary has it.
inline constexpr std::string_view grounding_token = "<|grounding|>";

struct Prompt {
  std::string name;       // markdown, ocr, free, figure, describe, locate or pages; empty for words of one's own
  std::string text;       // as the model gets it: <image> and what is asked
  bool grounded = false;  // asks for layout tags before every block
  bool all_text = false;  // markdown, ocr or free: asks for all text of the page
};

// Parses a prompt as typed: empty for the model's first one, a name, locate:TEXT to ask for the place of TEXT, or free
// words, which get the model's <image> prefix if they have none. Surrounding white space is dropped, as in the
// published code; the words of a trained prompt get its name. Throws Error for a TEXT that is blank or holds special
// tokens and, unless forced, for a prompt that another model was trained with but not this one. (The answer to
// locate:TEXT consists of layout tags, but the prompt does not count as grounded.)
Prompt parse_prompt(std::string_view typed, const ModelDescription& model, bool force = false);
// The prompt for several pages in one sequence. Throws Error for a model that reads one page a sequence.
Prompt pages_prompt(const ModelDescription& model);

}  // namespace lectern
