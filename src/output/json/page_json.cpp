#include "output/json/page_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/files/json_file.h"
#include "layout/markup.h"
#include "lectern/error.h"
#include "output/base64.h"
#include "output/document_names.h"

namespace lectern {
namespace {

using nlohmann::json;

// JSON has no infinity.
double finite(double value) { return std::isfinite(value) ? value : 0; }

json box_to_json(const Box& box) { return {finite(box.left), finite(box.top), finite(box.right), finite(box.bottom)}; }

template <class Enum>
Enum enum_from_json(const json& value) {
  const auto& name = value.get_ref<const std::string&>();
  if (const std::optional<Enum> known = named<Enum>(name)) return *known;
  throw Error("not the JSON of a page: unknown name " + printable(name), ErrorCode::corrupt_input);
}

// Nothing for an empty name.
template <class Enum>
std::optional<Enum> optional_from_json(const json& value) {
  if (value.get_ref<const std::string&>().empty()) return std::nullopt;
  return enum_from_json<Enum>(value);
}

Box box_from_json(const json& value) {
  const auto sides = value.get<std::array<double, 4>>();
  return {sides[0], sides[1], sides[2], sides[3]};
}

// Nine digits tell any float from its neighbours.
double nine_digits(float value) {
  const float finite = std::max(value, std::numeric_limits<float>::lowest());
  const std::string digits = fmt::format("{:.9g}", finite);
  double rounded = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), rounded);  // not strtod, which asks the locale
  return rounded;
}

json boxes_to_json(const std::vector<Box>& boxes) {
  json value = json::array();
  for (const Box& box : boxes) value.push_back(box_to_json(box));
  return value;
}

// In four digits.
void add_confidence(const std::optional<double>& confidence, json& value) {
  if (confidence) value["confidence"] = std::round(std::clamp(finite(*confidence), 0.0, 1.0) * 1e4) / 1e4;
}

std::optional<double> confidence_in(const json& value) {
  return value.contains("confidence") ? std::optional(value.at("confidence").get<double>()) : std::nullopt;
}

json block_to_json(const Block& block) {
  json value = {{"label", valid_utf8(block.label)},
                {"boxes", boxes_to_json(block.boxes)},
                {"raw_boxes", block.raw_boxes},
                {"text", valid_utf8(block.text)}};
  for (const TextSpan& span : block.spans) {
    value["spans"].push_back({{"begin", span.begin},
                              {"end", span.end},
                              {"boxes", boxes_to_json(span.boxes)},
                              {"raw_boxes", span.raw_boxes}});
  }
  add_confidence(block.confidence, value);
  for (const PageLine& line : block.lines) {
    json words = json::array();
    for (const PageWord& word : line.words) {
      words.push_back({{"box", box_to_json(word.box)}, {"text", valid_utf8(word.text)}});
      add_confidence(word.confidence, words.back());
    }
    json& of_line = value["lines"].emplace_back();
    of_line = {{"box", box_to_json(line.box)}, {"text", valid_utf8(line.text)}, {"words", std::move(words)}};
    add_confidence(line.confidence, of_line);
  }
  return value;
}

Block block_from_json(const json& value) {
  Block block;
  block.label = value.at("label").get<std::string>();
  for (const json& box : value.at("boxes")) block.boxes.push_back(box_from_json(box));
  block.raw_boxes = value.at("raw_boxes").get<std::vector<std::array<int, 4>>>();
  block.text = value.at("text").get<std::string>();
  for (const json& given : value.value("spans", json::array())) {
    TextSpan& span = block.spans.emplace_back();
    given.at("begin").get_to(span.begin);
    given.at("end").get_to(span.end);
    for (const json& box : given.at("boxes")) span.boxes.push_back(box_from_json(box));
    given.at("raw_boxes").get_to(span.raw_boxes);
  }
  for (const json& given : value.value("lines", json::array())) {
    PageLine& line = block.lines.emplace_back();
    line.box = box_from_json(given.at("box"));
    given.at("text").get_to(line.text);
    for (const json& word : given.at("words")) {
      line.words.push_back({box_from_json(word.at("box")), word.at("text").get<std::string>(), confidence_in(word)});
    }
    line.confidence = confidence_in(given);
  }
  block.confidence = confidence_in(value);
  return block;
}

json warning_to_json(const Warning& warning) {
  json value = {{"code", name_of(warning.code)}, {"message", valid_utf8(warning.message)}};
  if (warning.box) value["box"] = box_to_json(*warning.box);
  return value;
}

Warning warning_from_json(const json& value) {
  Warning warning = {enum_from_json<WarningCode>(value.at("code")), value.at("message").get<std::string>(), {}};
  if (value.contains("box")) warning.box = box_from_json(value.at("box"));
  return warning;
}

}  // namespace

json page_to_json(const Page& page) {
  json blocks = json::array(), warnings = json::array();
  for (const Block& block : page.blocks) blocks.push_back(block_to_json(block));
  for (const Warning& warning : page.warnings) warnings.push_back(warning_to_json(warning));
  json value = {
      {"number", page.number},
      {"width", page.width},
      {"height", page.height},
      {"dpi", finite(page.dpi)},
      {"turn", page.turn},
      {"mode", name_of(page.mode)},
      {"finish", name_of(page.finish)},
      {"blank", page.blank},
      {"blocks", std::move(blocks)},
      {"raw", valid_utf8(page.raw)},
      {"tokens",
       {{"vision", page.stats.vision_tokens}, {"prompt", page.stats.prompt_tokens}, {"text", page.stats.tokens}}},
      {"seconds",
       {{"render", finite(page.stats.render_seconds)},
        {"encode", finite(page.stats.encode_seconds)},
        {"prefill", finite(page.stats.prefill_seconds)},
        {"decode", finite(page.stats.decode_seconds)}}},
      {"guard",
       {{"loops", page.guard.loops},
        {"dropped", page.guard.dropped},
        {"recovered", page.guard.recovered},
        {"action", name_of(page.guard.action)}}},
      {"warnings", std::move(warnings)}};
  if (!page.error.empty()) value["error"] = valid_utf8(page.error);
  add_confidence(page.confidence, value);
  for (const float logprob : page.token_logprobs) value["token_logprobs"].push_back(nine_digits(logprob));
  if (!page.token_ends.empty()) value["token_ends"] = page.token_ends;
  if (value["raw"].get_ref<const std::string&>() != page.raw) value["raw_base64"] = base64(page.raw);
  return value;
}

Page page_from_json(const json& value) try {
  Page page;
  value.at("number").get_to(page.number);
  value.at("width").get_to(page.width);
  value.at("height").get_to(page.height);
  value.at("dpi").get_to(page.dpi);
  value.at("turn").get_to(page.turn);
  page.mode = optional_from_json<Mode>(value.at("mode"));
  page.finish = optional_from_json<Finish>(value.at("finish"));
  value.at("blank").get_to(page.blank);
  for (const json& block : value.at("blocks")) page.blocks.push_back(block_from_json(block));
  value.at("raw").get_to(page.raw);
  if (value.contains("raw_base64")) page.raw = from_base64(value.at("raw_base64").get_ref<const std::string&>());
  page.error = value.value("error", "");
  page.confidence = confidence_in(value);
  if (value.contains("token_logprobs")) value.at("token_logprobs").get_to(page.token_logprobs);
  if (value.contains("token_ends")) value.at("token_ends").get_to(page.token_ends);
  const json& tokens = value.at("tokens");
  tokens.at("vision").get_to(page.stats.vision_tokens);
  tokens.at("prompt").get_to(page.stats.prompt_tokens);
  tokens.at("text").get_to(page.stats.tokens);
  const json& seconds = value.at("seconds");
  seconds.at("render").get_to(page.stats.render_seconds);
  seconds.at("encode").get_to(page.stats.encode_seconds);
  seconds.at("prefill").get_to(page.stats.prefill_seconds);
  seconds.at("decode").get_to(page.stats.decode_seconds);
  const json& guard = value.at("guard");
  guard.at("loops").get_to(page.guard.loops);
  page.guard.dropped = guard.value("dropped", int64_t{0});
  guard.at("recovered").get_to(page.guard.recovered);
  page.guard.action = enum_from_json<Retry>(guard.at("action"));
  for (const json& warning : value.at("warnings")) page.warnings.push_back(warning_from_json(warning));
  return page;
} catch (const json::exception& error) {
  throw Error(std::string("not the JSON of a page: ") + error.what(), ErrorCode::corrupt_input);
}

json info_to_json(const DocumentInfo& info) {
  json lowered = json::array();
  for (const std::string& name : info.lowered) lowered.push_back(valid_utf8(name));
  return {{"source", valid_utf8(info.source)},   {"source_pages", info.pages},
          {"version", valid_utf8(info.version)}, {"model", valid_utf8(model_label(info.model))},
          {"weights", name_of(info.weights)},    {"device", valid_utf8(info.device)},
          {"prompt", valid_utf8(info.prompt)},   {"lowered", std::move(lowered)}};
}

}  // namespace lectern
