#include "engine/prompts.h"

#include <array>
#include <utility>

#include "core/json_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known_prompts = {{
    {"markdown", "<image>\n<|grounding|>Convert the document to markdown."},
    {"free", "<image>\nFree OCR."},
    {"figure", "<image>\nParse the figure."},
    {"describe", "<image>\nDescribe this image in detail."},
}};

constexpr std::string_view locate = "locate:";

std::string locating_prompt(std::string_view text) {
  for (const std::string_view mark : {"<|", "<image>"}) {
    if (text.find(mark) != std::string_view::npos) {
      throw Error("prompt 'locate:" + printable(text) + "': the text to locate may not hold " + std::string(mark));
    }
  }
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw Error("prompt 'locate:': names no text to locate, as in: locate:\"Total amount\"");
  }
  return "<image>\nLocate <|ref|>" + std::string(text) + "<|/ref|> in the image.";
}

}  // namespace

std::string prompt_text(std::string_view name) {
  for (const auto& [known, text] : known_prompts) {
    if (name == known) return std::string(text);
  }
  if (name.starts_with(locate)) return locating_prompt(name.substr(locate.size()));
  if (name.find("<image>") != std::string_view::npos) return std::string(name);
  return "<image>\n" + std::string(name);
}

bool is_grounded(std::string_view name) { return name == "markdown"; }

}  // namespace lectern
