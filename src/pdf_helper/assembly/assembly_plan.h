// What a new PDF is made of: pages of others, and layers of text that are laid over them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pdf_helper/protocol.h"

namespace lectern::pdf {

// All PDFs lie one after the other in one file.
struct AssemblyPlan {
  struct Place {
    uint64_t offset = 0;
    uint64_t bytes = 0;
  };
  struct Input {
    Place place;        // of a PDF; of no bytes where all of its pages are those of the layers
    std::string title;  // of its bookmark, where there are several inputs; none: it gets no bookmark
  };
  std::vector<Input> inputs;  // the first one gives metadata, attachments and all else of the document
  Place layers;               // a PDF that Lectern made; what of a page lies over it is its XObject /Layer
  std::string password;       // of the inputs
  std::vector<PlannedPage> pages;
};

}  // namespace lectern::pdf
