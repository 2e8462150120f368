// JSON after docs/schema/document.schema.json, a page a line.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_json_writer(const Destination& to, const DocumentInfo& info);

}  // namespace lectern
