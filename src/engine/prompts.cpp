#include "engine/prompts.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/files/json_file.h"
#include "core/text.h"
#include "lectern/error.h"

namespace lectern {
namespace {

constexpr std::string_view locate = "locate:";
constexpr std::string_view image = "<image>";

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

Prompt prompt_of(const TrainedPrompt& trained) {
  return {std::string(trained.name), std::string(trained.text), trained.grounded, trained.all_text};
}

// The words behind a picture.
std::string_view question_of(std::string_view text) {
  return text.starts_with(image) ? trimmed(text.substr(image.size())) : text;
}

bool knows_question(const ModelDescription& model, std::string_view words) {
  return std::ranges::any_of(model.prompts,
                             [&](const TrainedPrompt& own) { return question_of(own.text) == question_of(words); });
}

[[noreturn]] void refuse(std::string_view prompt, const ModelDescription& model) {
  if (model.pages_prompt &&
      (prompt == model.pages_prompt->name || question_of(prompt) == question_of(model.pages_prompt->text))) {
    throw Error(fmt::format("the prompt '{}' is for several pages in one sequence, which `pages_together` asks for",
                            printable(prompt)),
                ErrorCode::unsupported);
  }
  std::string known;
  for (const TrainedPrompt& own : model.prompts) known += fmt::format("{}{}", known.empty() ? "" : ", ", own.name);
  throw Error(fmt::format("{} was not trained with the prompt '{}'; use `prompt` {}, or `force_mode` to try",
                          model.name, printable(prompt), known),
              ErrorCode::unsupported);
}

}  // namespace

Prompt parse_prompt(std::string_view typed, const ModelDescription& model, bool force) {
  std::string_view words = trimmed(typed);
  if (words.empty()) words = model.prompts.front().name;
  Prompt prompt;
  if (words.starts_with(locate)) {
    prompt.name = "locate";
    prompt.text = locating_prompt(words.substr(locate.size()));
    if (!model.locates && !force) refuse("locate", model);
    return prompt;
  }
  prompt.text = words.find(image) != std::string_view::npos ? std::string(words)
                                                            : std::string(model.image_prefix) + std::string(words);
  for (const TrainedPrompt& known : model.prompts) {
    if (words == known.name || prompt.text == known.text) return prompt_of(known);
  }
  for (const TrainedPrompt& other : all_trained_prompts()) {
    if (words != other.name && question_of(words) != question_of(other.text)) continue;
    if (knows_question(model, words)) continue;  // its own, with other white space
    if (!force) refuse(words, model);
    return prompt_of(other);
  }
  prompt.grounded = prompt.text.find(grounding_token) != std::string::npos;
  return prompt;
}

Prompt pages_prompt(const ModelDescription& model) {
  if (!model.pages_prompt) {
    throw Error(fmt::format("{} was trained to read one page at a time, not several in one sequence", model.name),
                ErrorCode::unsupported);
  }
  return prompt_of(*model.pages_prompt);
}

}  // namespace lectern
