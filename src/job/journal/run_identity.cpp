#include "job/journal/run_identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "job/journal/journal.h"

namespace lectern {
namespace {

using nlohmann::json;

json files_of_model(const std::filesystem::path& folder) {
  json files = json::array();
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string extension = entry.path().extension().string();
    if (extension != ".json" && extension != ".safetensors") continue;
    if (const auto stamp = stamp_of(entry.path())) {
      files.push_back(fmt::format("{} {} {}", entry.path().filename().string(), stamp->bytes, stamp->changed));
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

json page_identity(const DocumentInfo& info, int native_size, const DocumentOptions& options, const Prompt& prompt) {
  const auto& [inputs, pages, password, dpi, upright, read, batch, pages_together, out, formats, output, review_below,
               report, resume] = options;
  const auto& [mode, force_mode, max_tiles, typed_prompt, raw, max_tokens, logprobs, temperature, top_p, seed, stop,
               retry] = read;
  // Of a prompt with a name, the name says all.
  const bool named = !prompt.name.empty() && prompt.name != "locate";
  json identity = {{"version", info.version},
                   {"model", std::filesystem::absolute(info.model).lexically_normal().string()},
                   {"model files", files_of_model(info.model)},
                   {"weights", name_of(info.weights)},
                   {"prompt", named ? prompt.name : prompt.text},
                   {"mode", name_of(mode)},
                   {"max tokens", max_tokens},
                   {"upright", upright},
                   {"dpi", dpi},
                   {"native size", native_size}};
  if (logprobs) identity["log-probabilities"] = true;
  if (temperature > 0) identity["sampling"] = {temperature, top_p, seed};
  if (!stop.empty()) identity["stop"] = stop;
  if (!retry) identity["retry"] = false;
  if (max_tiles > 0) identity["max tiles"] = max_tiles;
  if (pages_together > 1) identity["pages together"] = pages_together;
  return identity;
}

json output_identity(const DocumentOptions& options, const std::vector<std::filesystem::path>& files) {
  const auto& [inputs, pages, password, dpi, upright, read, batch, pages_together, out, formats, output, review_below,
               report, resume] = options;
  const auto& [tables, formulas, figures, headers, footers, page_numbers, page_breaks, existing_text, decrypt,
               invalidate_signatures] = output;
  json names = json::array();
  for (const auto& file : files) names.push_back(std::filesystem::absolute(file).lexically_normal().string());
  return {{"files", names},
          {"pages", pages},
          {"tables", static_cast<int>(tables)},
          {"formulas", static_cast<int>(formulas)},
          {"figures", figures},
          {"headers", headers},
          {"footers", footers},
          {"page numbers", page_numbers},
          {"page breaks", page_breaks},
          {"existing text", static_cast<int>(existing_text)},
          {"decrypt", decrypt},
          {"invalidate signatures", invalidate_signatures}};
}

}  // namespace lectern
