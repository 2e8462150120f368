#include "hub/model_name.h"

#include <algorithm>
#include <vector>

namespace lectern::hub {
namespace {

bool is_word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

bool is_part(std::string_view text) {
  constexpr size_t max_length = 96;
  return !text.empty() && text.size() <= max_length && std::ranges::all_of(text, is_word_character) &&
         text.front() != '-' && text.front() != '.' && text.back() != '-' && text.back() != '.' &&
         text.find("--") == std::string_view::npos && text.find("..") == std::string_view::npos;
}

}  // namespace

std::span<const ShortName> short_names() {
  static const std::vector<ShortName> names = {{"deepseek-ocr", deepseek_ocr},
                                               {"deepseek-ocr-2", {"deepseek-ai", "DeepSeek-OCR-2", ""}},
                                               {"unlimited-ocr", {"baidu", "Unlimited-OCR", ""}}};
  return names;
}

std::string_view short_name_of(const ModelName& name) {
  for (const ShortName& known : short_names()) {
    if (known.name.text() == name.text()) return known.text;
  }
  return {};
}

std::optional<ModelName> parse_model_name(std::string_view text) {
  ModelName name;
  if (const size_t at = text.find('@'); at != std::string_view::npos) {
    name.revision = text.substr(at + 1);
    if (!is_revision(name.revision)) return std::nullopt;
    text = text.substr(0, at);
  }
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const auto known = std::ranges::find(short_names(), text, &ShortName::text);
    if (known == short_names().end()) return std::nullopt;
    return ModelName{known->name.owner, known->name.name, name.revision};
  }
  name.owner = text.substr(0, slash);
  name.name = text.substr(slash + 1);
  if (!is_part(name.owner) || !is_part(name.name)) return std::nullopt;
  return name;
}

std::optional<ModelAddress> parse_model_address(std::string_view text) {
  text = text.substr(0, text.find_first_of("?#"));
  while (text.ends_with('/')) text.remove_suffix(1);
  std::string_view scheme;
  for (const std::string_view known : {"https://", "http://"}) {
    if (!text.starts_with(known)) continue;
    scheme = known;
    text.remove_prefix(known.size());
    break;
  }
  std::vector<std::string_view> parts;  // host, owner, name, word, revision
  for (std::string_view rest = text; parts.size() < 5; rest.remove_prefix(1)) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    parts.push_back(rest.substr(0, slash));
    rest.remove_prefix(slash);
    if (rest.empty()) break;
  }
  // Without a scheme only what looks like a host is one.
  const bool host = !scheme.empty() || parts[0].find('.') != std::string_view::npos;
  if (parts.size() < 3 || !host || parts[0].empty() || parts[0].starts_with('.')) return std::nullopt;
  if (scheme.empty()) scheme = "https://";
  auto name = parse_model_name(std::string(parts[1]) + "/" + std::string(parts[2]));
  if (!name) return std::nullopt;
  if (parts.size() > 3) {
    const bool known = parts[3] == "tree" || parts[3] == "blob" || parts[3] == "resolve" || parts[3] == "commit";
    if (!known || parts.size() < 5 || !is_revision(parts[4])) return std::nullopt;
    name->revision = parts[4];
  }
  return ModelAddress{*name, std::string(scheme) + std::string(parts[0])};
}

std::optional<ModelName> model_name_of_folder(std::string_view folder) {
  const size_t dashes = folder.find("--");
  if (dashes == std::string_view::npos) return std::nullopt;
  return parse_model_name(std::string(folder.substr(0, dashes)) + "/" + std::string(folder.substr(dashes + 2)));
}

bool is_revision(std::string_view text) {
  constexpr size_t max_length = 200;
  return !text.empty() && text.size() <= max_length && text.front() != '/' && text.back() != '/' &&
         text.front() != '-' && text.front() != '.' && text.find("..") == std::string_view::npos &&
         text.find("//") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '/' || c == '+'; });
}

bool is_commit(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace lectern::hub
