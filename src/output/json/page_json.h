// A page as JSON and back: what the json format writes, and what a journal keeps of finished pages. All is kept but the
// code of an error and what is known before the page is read (of_pdf, has_text). docs/schema/document.schema.json
// describes it.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "lectern/page.h"

namespace lectern {

// Strings are valid UTF-8, so that dump() cannot fail; a raw text that is not is kept besides, as "raw_base64".
nlohmann::json page_to_json(const Page& page);

// Throws Error where a member is missing or of another type.
Page page_from_json(const nlohmann::json& json);

// The facts of a document, without its pages.
nlohmann::json info_to_json(const DocumentInfo& info);

}  // namespace lectern
