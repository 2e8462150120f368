// Model names on the hub: OWNER/NAME, OWNER/NAME@REVISION, or the short name of a known model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lectern::hub {

struct ModelName {
  std::string owner;
  std::string name;
  std::string revision;  // a branch, a tag, a commit or the first digits of one; may be empty

  std::string text() const { return owner + "/" + name; }
  std::string folder() const { return owner + "--" + name; }
};

inline const ModelName deepseek_ocr{"deepseek-ai", "DeepSeek-OCR", ""};

struct ShortName {
  std::string_view text;
  ModelName name;
};
// Of the models that Lectern was made for.
std::span<const ShortName> short_names();
// Empty for a model that has none.
std::string_view short_name_of(const ModelName& name);

// A short name may have a revision too: deepseek-ocr-2@REVISION. Nothing for what cannot be a name: a path, other
// characters, ".." or "--", which the hub does not allow either.
std::optional<ModelName> parse_model_name(std::string_view text);

// The address of a model's page, as people paste it: https://HOST/OWNER/NAME, with /tree/REVISION, /blob/REVISION/FILE,
// /resolve/REVISION/FILE or nothing behind it. Nothing for another address.
struct ModelAddress {
  ModelName name;
  std::string endpoint;  // "https://HOST"
};
std::optional<ModelAddress> parse_model_address(std::string_view text);

// Parses the name of a folder of the store.
std::optional<ModelName> model_name_of_folder(std::string_view folder);

// True if git and the hub accept it as the name of a branch, a tag or a commit.
bool is_revision(std::string_view text);

// Whether it is a commit: 40 or 64 lower-case hexadecimal digits.
bool is_commit(std::string_view text);

}  // namespace lectern::hub
