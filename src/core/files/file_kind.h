// Kind of a file, detected from its first bytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lectern {

enum class FileKind { empty, text, json, png, picture, pdf, safetensors, binary };

// `picture` is any but PNG; `text` has no zero bytes; `binary` is none of the others.
FileKind kind_of_bytes(std::string_view first_bytes);

// Whether a file is JSON from its beginning to its end, or begins as such and is too large to be looked through. An
// array, which a text may be as well ("[3]"), counts where the name ends in .json.
bool is_json(const std::filesystem::path& file);

// For messages: "a picture".
std::string_view name_of(FileKind kind);

// Reads up to so many first bytes; none if the file cannot be opened or is not a regular file. Never blocks.
std::string first_bytes(const std::filesystem::path& file, size_t count = 4096);

}  // namespace lectern
