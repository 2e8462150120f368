#include "engine/prompts.h"

#include <array>
#include <utility>

#include "core/json_file.h"
#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> known_prompts = {{
    {"markdown", "<image>\n<|grounding|>Convert the document to markdown."},
    {"ocr", "<image>\n<|grounding|>OCR this image."},
    {"free", "<image>\nFree OCR."},
    {"figure", "<image>\nParse the figure."},
    {"describe", "<image>\nDescribe this image in detail."},
}};

constexpr std::string_view locate = "locate:";
constexpr std::string_view image = "<image>";
constexpr std::string_view grounding = "<|grounding|>";

std::string locating_prompt(std::string_view text) {
  for (const std::string_view mark : {std::string_view("<|"), image}) {
    if (text.find(mark) != std::string_view::npos) {
      throw Error("prompt 'locate:" + printable(text) + "': the text to locate may not hold " + std::string(mark));
    }
  }
  if (is_blank(text)) {
    throw Error("prompt 'locate:': names no text to locate, as in: locate:\"Total amount\"");
  }
  return "<image>\nLocate <|ref|>" + std::string(text) + "<|/ref|> in the image.";
}

}  // namespace

Prompt parse_prompt(std::string_view typed) {
  std::string_view words = trimmed(typed);
  if (words.empty()) words = "free";
  Prompt prompt;
  if (words.starts_with(locate)) {
    prompt.name = "locate";
    prompt.text = locating_prompt(words.substr(locate.size()));
    return prompt;
  }
  prompt.text = words.find(image) != std::string_view::npos ? std::string(words) : "<image>\n" + std::string(words);
  for (const auto& [name, text] : known_prompts) {
    if (words != name && prompt.text != text) continue;
    prompt.name = name;
    prompt.text = text;
  }
  prompt.grounded = prompt.text.find(grounding) != std::string::npos;
  prompt.all_text = prompt.name == "markdown" || prompt.name == "ocr" || prompt.name == "free";
  return prompt;
}

}  // namespace lectern
