// Resizing of position tables to the number of patches of a view, as PyTorch's interpolate does it.
#pragma once

#include <cstdint>
#include <vector>

namespace lectern {

// grid [from, from, channels] -> [to, to, channels]: bicubic with a = -0.5, antialiased, corners not aligned.
std::vector<float> resize_grid(const float* grid, int64_t from, int64_t to, int64_t channels);

// line [from, channels] -> [to, channels]: linear, corners not aligned.
std::vector<float> resize_line(const float* line, int64_t from, int64_t to, int64_t channels);

}  // namespace lectern
