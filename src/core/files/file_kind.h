// What a file holds, told by its first bytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lectern {

enum class FileKind { empty, text, json, png, picture, pdf, safetensors, binary };

// `picture` is any but PNG; `text` has no zero bytes; `binary` is none of the others.
FileKind kind_of_bytes(std::string_view first_bytes);

// As people call it: "a picture".
std::string_view name_of(FileKind kind);

// At most so many; none of what cannot be opened, or is no regular file. Never waits.
std::string first_bytes(const std::filesystem::path& file, size_t count = 4096);

}  // namespace lectern
