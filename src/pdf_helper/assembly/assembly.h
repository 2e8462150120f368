// A new PDF made of pages of others, which stay as they are, with layers of text laid over them. qpdf does the work.
//
// All that hangs on the pages stays with them: boxes, annotations, structure, and what the document holds beside them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pdf_helper/assembly/assembly_plan.h"

namespace lectern::pdf {

// Of the file in memory. Hands the new PDF to `sink` piece by piece. Throws std::exception, also in the middle.
// -> what of the pages was lost, in words.
std::vector<std::string> assemble(const AssemblyPlan& plan, std::string_view file,
                                  const std::function<void(std::string_view)>& sink);

}  // namespace lectern::pdf
