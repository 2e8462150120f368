#include "hub/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

using nlohmann::json;

constexpr int64_t max_file_bytes = int64_t{1} << 44;  // 17.6 TB: beyond any model, and a sum of many fits

// config.json, what makes tokens, and the weights with packed.json of lectern quantize; no code, no pictures, no other
// formats of the same weights.
bool is_needed(std::string_view name) {
  constexpr std::array<std::string_view, 5> whole = {"config.json", "generation_config.json", "special_tokens_map.json",
                                                     "model.safetensors.index.json", "packed.json"};
  return std::ranges::find(whole, name) != whole.end() || name.ends_with(".safetensors") ||
         (name.starts_with("tokenizer") && name.ends_with(".json"));
}

// A path below the model's folder, on any system.
bool is_safe(std::string_view path) {
  constexpr size_t max_length = 1024;
  if (path.empty() || path.size() > max_length || path.starts_with('/')) return false;
  if (std::ranges::any_of(path, [](unsigned char c) { return c < 0x20 || c == 0x7F || c == '\\'; })) return false;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    const std::string_view part = path.substr(start, end - start);
    if (part.empty() || part == "." || part == "..") return false;
    start = end + 1;
  }
  return true;
}

bool is_digest(std::string_view text, size_t length) {
  return text.size() == length &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string string_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// Of the card that the hub shows, else of its tags. Whatever does not look like one is none.
std::string licence_of(const json& answer) {
  std::string licence;
  if (const auto card = answer.find("cardData"); card != answer.end() && card->is_object()) {
    licence = string_at(*card, "license");
    // "other" stands for one that has a name.
    if (const std::string name = string_at(*card, "license_name"); licence.empty() || licence == "other") {
      if (!name.empty()) licence = name;
    }
  }
  if (const auto tags = answer.find("tags"); licence.empty() && tags != answer.end() && tags->is_array()) {
    constexpr std::string_view prefix = "license:";
    for (const json& tag : *tags) {
      if (licence.empty() && tag.is_string() && tag.get<std::string>().starts_with(prefix))
        licence = tag.get<std::string>().substr(prefix.size());
    }
  }
  constexpr size_t max_length = 100;
  return printable(licence, max_length);
}

}  // namespace

int64_t Listing::bytes() const {
  int64_t sum = 0;
  for (const ListedFile& file : files) sum += file.size;
  return sum;
}

Listing parse_listing(std::string_view text, const ModelName& name) {
  const auto problem = [&](const std::string& what) {
    return Error(fmt::format("{}: the hub's list of its files {}", name.text(), what), ErrorCode::io);
  };
  const json answer = parse_json(text, name.text() + ": the hub's list of its files",
                                 {.max_bytes = max_listing_bytes, .max_depth = 16});
  if (!answer.is_object()) throw problem("is no JSON object; is the address that of a hub?");
  const auto siblings = answer.find("siblings");
  if (siblings == answer.end() || !siblings->is_array()) throw problem("names no files (\"siblings\")");

  Listing listing;
  listing.commit = string_at(answer, "sha");
  if (!is_commit(listing.commit)) throw problem("names no commit (\"sha\")");
  if (is_commit(name.revision) && listing.commit != name.revision) {
    throw problem(fmt::format("is that of commit {}, not of {}", listing.commit, name.revision));
  }
  listing.licence = licence_of(answer);
  std::set<std::string> names;
  for (const json& sibling : *siblings) {
    if (!sibling.is_object()) throw problem("has an entry that is no JSON object");
    ListedFile file;
    file.name = string_at(sibling, "rfilename");
    if (!is_safe(file.name)) throw problem(fmt::format("names a file '{}', which is refused", printable(file.name)));
    if (file.name.find('/') != std::string::npos || !is_needed(file.name)) continue;
    if (!names.insert(file.name).second) throw problem(fmt::format("names {} twice", printable(file.name)));
    const auto size = sibling.find("size");
    if (size == sibling.end() || !size->is_number_integer() || *size < 0 || *size > max_file_bytes) {
      throw problem(fmt::format("gives no possible size for {}", printable(file.name)));
    }
    file.size = size->get<int64_t>();
    if (const auto large = sibling.find("lfs"); large != sibling.end() && large->is_object()) {
      file.kind = DigestKind::sha256;
      file.digest = string_at(*large, "sha256");
    } else {
      file.kind = DigestKind::git_blob;
      file.digest = string_at(sibling, "blobId");
    }
    if (!is_digest(file.digest, file.kind == DigestKind::sha256 ? 64 : 40)) {
      throw problem(fmt::format("gives no digest for {}, so it could not be verified", printable(file.name)));
    }
    listing.files.push_back(std::move(file));
  }
  constexpr size_t max_files = 1000;
  if (listing.files.size() > max_files) throw problem(fmt::format("has more than {} files", max_files));
  for (const std::string wanted : {"config.json", "tokenizer.json"}) {
    if (!names.contains(wanted)) throw problem(fmt::format("has no {}; is it a DeepSeek-OCR model?", wanted));
  }
  if (std::ranges::none_of(names, [](const std::string& file) { return file.ends_with(".safetensors"); })) {
    throw problem("has no .safetensors file; Lectern reads no other weights");
  }
  std::ranges::stable_sort(listing.files, {}, &ListedFile::size);
  return listing;
}

}  // namespace lectern::hub
