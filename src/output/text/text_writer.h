// Plain text: no marks, a row of a table a line with tabs between its cells, a form feed between pages if asked.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_text_writer(const Destination& to, const OutputOptions& options);

}  // namespace lectern
