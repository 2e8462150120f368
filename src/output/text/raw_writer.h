// What the model wrote, byte for byte; pages parted by the line of the published code: <--- Page Split --->.
#pragma once

#include <memory>

#include "output/output_file.h"
#include "output/writer.h"

namespace lectern {

std::unique_ptr<DocumentWriter> make_raw_writer(const Destination& to);

}  // namespace lectern
