// Responses whose body is a file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "server/http/http.h"

namespace lectern::server {

// `type`: Content-Type. Throws Error if the file cannot be opened.
HttpResponse file_answer(const std::filesystem::path& file, std::string_view type);
// Value of Content-Disposition that makes browsers save the file under this name, whatever characters it has.
std::string attachment(const std::string& name);
// Sentences as the value of a header, with "; " between them; % and bytes other than printable ASCII become %XX. Of too
// many, the first ones and how many follow.
std::string header_text(const std::vector<std::string>& sentences);

}  // namespace lectern::server
