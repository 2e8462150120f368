// What became of a run, in one word and as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "layout/markup.h"
#include "lectern/documents.h"
#include "output/json/page_json.h"

namespace lectern {
namespace {

using nlohmann::json;

json box_to_json(const Box& box) { return {box.left, box.top, box.right, box.bottom}; }

json note_to_json(const InputReport::Note& note) {
  json value = {
      {"page", note.page}, {"code", name_of(note.warning.code)}, {"message", valid_utf8(note.warning.message)}};
  if (note.warning.box) value["box"] = box_to_json(*note.warning.box);
  return value;
}

json review_to_json(const InputReport::Review& review) {
  json blocks = json::array();
  for (const InputReport::Review::Block& block : review.blocks) {
    blocks.push_back({{"block", block.number},
                      {"label", valid_utf8(block.label)},
                      {"text", valid_utf8(block.text)},
                      {"confidence", block.confidence}});
    if (block.box) blocks.back()["box"] = box_to_json(*block.box);
  }
  json value = {{"page", review.page}, {"whole_page", review.whole_page}, {"blocks", std::move(blocks)}};
  if (review.confidence) value["confidence"] = *review.confidence;
  return value;
}

json input_to_json(const InputReport& input) {
  json notes = json::array(), outputs = json::array();
  for (const InputReport::Note& note : input.notes) notes.push_back(note_to_json(note));
  for (const std::string& output : input.outputs) outputs.push_back(valid_utf8(output));
  json value = {{"source", valid_utf8(input.source)},
                {"pages", input.pages},
                {"read", input.read},
                {"failed", input.failed},
                {"blank", input.blank},
                {"kept", input.kept},
                {"from_journal", input.from_journal},
                {"done_before", input.done_before},
                {"outputs", std::move(outputs)},
                {"notes", std::move(notes)}};
  if (input.confidence) value["confidence"] = *input.confidence;
  for (const InputReport::Review& review : input.reviews) value["reviews"].push_back(review_to_json(review));
  if (!input.error.empty()) value["error"] = valid_utf8(input.error);
  return value;
}

double rate(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

}  // namespace

bool RunReport::is_done() const {
  return !interrupted && errors.empty() && failed == 0 &&
         std::ranges::all_of(inputs, [](const InputReport& input) { return input.error.empty(); });
}

RunOutcome RunReport::outcome() const {
  if (interrupted) return RunOutcome::interrupted;
  if (is_done()) return incomplete > 0 ? RunOutcome::part : RunOutcome::everything;
  const bool any = std::ranges::any_of(inputs, [this](const InputReport& input) {
    if (input.done_before || !input.outputs.empty()) return true;
    return !output_failed && input.error.empty() && input.read > 0;
  });
  return any ? RunOutcome::part : RunOutcome::nothing;
}

std::string RunReport::to_json(std::optional<int> exit_code) const {
  json of_inputs = json::array(), of_devices = json::array(), of_errors = json::array();
  for (const InputReport& input : inputs) of_inputs.push_back(input_to_json(input));
  for (const std::string& error : errors) of_errors.push_back(valid_utf8(error));
  for (const DeviceReport& device : devices) {
    of_devices.push_back({{"device", device.device}, {"pages", device.pages}, {"seconds", device.seconds}});
    if (!device.failure.empty()) of_devices.back()["failure"] = valid_utf8(device.failure);
  }
  json value = info_to_json(info);
  value.erase("source");
  value.erase("source_pages");
  if (exit_code) value["exit_code"] = *exit_code;
  value.update({{"interrupted", interrupted},
                {"pages", pages},
                {"read", read},
                {"failed", failed},
                {"incomplete", incomplete},
                {"tokens", stats.tokens},
                {"tokens_per_second", rate(static_cast<double>(stats.tokens), seconds)},
                {"pages_per_minute", 60 * rate(static_cast<double>(read), seconds)},
                {"seconds",
                 {{"all", seconds},
                  {"render", stats.render_seconds},
                  {"encode", stats.encode_seconds},
                  {"prefill", stats.prefill_seconds},
                  {"decode", stats.decode_seconds}}},
                {"peak_picture_bytes", peak_picture_bytes},
                {"inputs", std::move(of_inputs)},
                {"devices", std::move(of_devices)},
                {"errors", std::move(of_errors)}});
  return "{\n \"schema\": \"lectern-report/1\"," + value.dump(1).substr(1) + "\n";
}

}  // namespace lectern
