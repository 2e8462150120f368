#include "engine/prompts.h"

#include <array>
#include <utility>

namespace lectern {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known_prompts = {{
    {"markdown", "<image>\n<|grounding|>Convert the document to markdown."},
    {"free", "<image>\nFree OCR."},
    {"figure", "<image>\nParse the figure."},
    {"describe", "<image>\nDescribe this image in detail."},
}};

}  // namespace

std::string prompt_text(std::string_view name) {
  for (const auto& [known, text] : known_prompts) {
    if (name == known) return std::string(text);
  }
  if (name.find("<image>") != std::string_view::npos) return std::string(name);
  return "<image>\n" + std::string(name);
}

bool is_grounded(std::string_view name) { return name == "markdown"; }

}  // namespace lectern
