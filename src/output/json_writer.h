// JSON after docs/schema/document.schema.json, a page a line.
#pragma once

#include <filesystem>
#include <memory>

#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_json_writer(const std::filesystem::path& path, const DocumentInfo& info);

}  // namespace lectern
