// Makes a new PDF of pages of others by lectern-pdf, so that nothing of a stranger's PDF is looked at in this process.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pdf_helper/assembly/assembly_plan.h"

namespace lectern {

// `file` holds the PDFs of the plan. The new PDF goes to `sink`, piece by piece. After an Error, the pieces so far must
// be discarded. -> what of the pages was lost, in words
std::vector<std::string> assemble_pdf(int file, const pdf::AssemblyPlan& plan,
                                      const std::function<void(std::string_view)>& sink);

}  // namespace lectern
