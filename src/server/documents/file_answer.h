// Answers whose body is a file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http.h"

namespace lectern::server {

// `type` as of HTTP. Throws what opening meets with.
HttpResponse file_answer(const std::filesystem::path& file, std::string_view type);
// A value of Content-Disposition: browsers keep the file under this name, whatever is in it.
std::string attachment(const std::string& name);
// Sentences as a value of a header: "; " between them, bytes that are no printable ASCII, and %, as %XX. Of many, the
// first.
std::string header_text(const std::vector<std::string>& sentences);

}  // namespace lectern::server
