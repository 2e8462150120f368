// A page as JSON and back, nothing lost: what the json format writes, and what a journal keeps of pages that are done.
// docs/schema/document.schema.json describes it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lectern/page.h"

namespace lectern {

// Strings are valid UTF-8, so that dump() cannot fail; raw bytes that are none are kept beside it, as "raw_base64".
nlohmann::json page_to_json(const Page& page);

// Throws Error where a member is missing or of another type.
Page page_from_json(const nlohmann::json& json);

// All that is known of the document, without its pages.
nlohmann::json info_to_json(const DocumentInfo& info);

}  // namespace lectern
