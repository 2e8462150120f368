// `lectern read` with the mini model, whose weights are random: what it writes is nonsense, and it goes on until it is
// stopped.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "cli/lectern_process.h"
#include "support/mini_model.h"

namespace lectern::testing {

inline const std::string banner = golden_images + "banner.png", receipt = golden_images + "receipt.png";
inline const std::string quick = "--mode tiny --max-tokens 40 ";

inline size_t files_in(const std::filesystem::path& folder) {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

class ReadCommand : public ::testing::Test {
 protected:
  Outcome read(const std::string& arguments, const std::string& environment = "") const {
    return lectern(folder, "read " + arguments, environment);
  }
  std::string text_of(const std::string& picture) const { return read(quick + picture).out; }

  TempFolder folder;
};

}  // namespace lectern::testing
