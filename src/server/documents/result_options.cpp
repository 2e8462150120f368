#include "server/documents/result_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "server/documents/document_fields.h"
#include "server/openai/api_error.h"

namespace lectern::server {
namespace {

using Tables = OutputOptions::Tables;
using Formulas = OutputOptions::Formulas;
using ExistingText = OutputOptions::ExistingText;

// An option: its words, its default, and the setter of a chosen word.
struct ResultOption {
  std::string_view name;
  std::array<std::string_view, 3> words;  // may be fewer, then empty
  void (*set)(OutputOptions& options, size_t word);
};

constexpr std::array<ResultOption, 9> result_options = {{
    {"tables", {"html", "pipe"}, [](OutputOptions& to, size_t word) { to.tables = static_cast<Tables>(word); }},
    {"formulas",
     {"dollar", "paren"},
     [](OutputOptions& to, size_t word) { to.formulas = static_cast<Formulas>(word); }},
    {"headers", {"keep", "drop"}, [](OutputOptions& to, size_t word) { to.headers = word == 0; }},
    {"footers", {"keep", "drop"}, [](OutputOptions& to, size_t word) { to.footers = word == 0; }},
    {"page_numbers", {"keep", "drop"}, [](OutputOptions& to, size_t word) { to.page_numbers = word == 0; }},
    {"page_breaks", {"drop", "keep"}, [](OutputOptions& to, size_t word) { to.page_breaks = word == 1; }},
    {"existing_text",
     {"skip", "redo", "force"},
     [](OutputOptions& to, size_t word) { to.existing_text = static_cast<ExistingText>(word); }},
    {"decrypt", {"false", "true"}, [](OutputOptions& to, size_t word) { to.decrypt = word == 1; }},
    {"invalidate_signatures",
     {"false", "true"},
     [](OutputOptions& to, size_t word) { to.invalidate_signatures = word == 1; }},
}};

std::span<const std::string_view> words_of(const ResultOption& option) {
  const auto end = std::ranges::find(option.words, std::string_view());
  return {option.words.begin(), end};
}

}  // namespace

bool is_result_option(std::string_view name) {
  return std::ranges::find(result_options, name, &ResultOption::name) != result_options.end();
}

OutputOptions parse_result_options(const std::map<std::string, std::string>& fields) {
  OutputOptions options;
  options.figures = false;  // a result is a single file
  for (const ResultOption& option : result_options) {
    const std::string name(option.name);
    const auto given = fields.find(name);
    if (given == fields.end()) continue;
    const std::span<const std::string_view> words = words_of(option);
    const auto word = std::ranges::find(words, given->second);
    if (word == words.end()) {
      throw ApiError(400, fmt::format("{}: expected {}", name, fmt::join(words, " or ")), name, "invalid_value");
    }
    option.set(options, static_cast<size_t>(word - words.begin()));
  }
  return options;
}

OutputOptions options_of_result(const DocumentJob& job, std::map<std::string, std::string> query) {
  query.merge(fields_from_json(job.options));
  return parse_result_options(query);
}

std::string result_tag(const OutputOptions& options) {
  std::string tag;
  if (options.tables == Tables::pipe) tag += "-pipe";
  if (options.formulas == Formulas::paren) tag += "-paren";
  if (!options.headers) tag += "-headless";
  if (!options.footers) tag += "-footless";
  if (!options.page_numbers) tag += "-numberless";
  if (options.page_breaks) tag += "-breaks";
  if (options.existing_text == ExistingText::redo) tag += "-redo";
  if (options.existing_text == ExistingText::force) tag += "-force";
  if (options.decrypt) tag += "-decrypt";
  if (options.invalidate_signatures) tag += "-unsigned";
  return tag;
}

}  // namespace lectern::server
