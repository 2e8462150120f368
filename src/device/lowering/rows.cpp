// Rows looked up and put down by index. The host learns the indices, and every run of adjacent rows is moved at once.
#include <algorithm>

#include "device/lowering/lowerings.h"

namespace lectern::lowering {
namespace {

// Calls body(first, index, count) where indices[first + i] = index + i for i < count.
template <typename Body>
void for_each_run(std::span<const int32_t> indices, const Body& body) {
  for (size_t first = 0; first < indices.size();) {
    size_t count = 1;
    while (first + count < indices.size() && indices[first + count] == indices[first] + static_cast<int32_t>(count))
      ++count;
    body(static_cast<int64_t>(first), static_cast<int64_t>(indices[first]), static_cast<int64_t>(count));
    first += count;
  }
}

}  // namespace

void place_pictures(Device& device, const EmbedArgs& args) {
  for (const StepBatch::PictureRun& run : args.step.picture_runs()) {
    int64_t first = 0;  // row of a picture, counted through all
    for (const TensorView& picture : args.pictures) {
      const int64_t begin = std::max(run.picture_row, first);
      const int64_t end = std::min(run.picture_row + run.count, first + picture.shape[0]);
      if (begin < end)
        device.copy({picture.slice(begin - first, end - begin),
                     args.out.slice(run.row + begin - run.picture_row, end - begin)});
      first += picture.shape[0];
    }
  }
}

// Every row has a token, those of pictures too.
void embed(Device& device, const EmbedArgs& args) {
  if (args.out.shape.elements() == 0) return;
  device.gather({args.table, args.step.ids(), args.out});
  place_pictures(device, args);
}

void gather(Device& device, const GatherArgs& args) {
  for_each_run(indices_to_host(device, args.indices), [&](int64_t first, int64_t index, int64_t count) {
    device.copy({args.table.data.slice(index, count), args.out.slice(first, count)});
  });
}

void gather_rows(Device& device, const RowsArgs& args) {
  for_each_run(indices_to_host(device, args.indices), [&](int64_t first, int64_t index, int64_t count) {
    device.copy({args.in.slice(index, count), args.out.slice(first, count)});
  });
}

void scatter_rows(Device& device, const RowsArgs& args) {
  for_each_run(indices_to_host(device, args.indices), [&](int64_t first, int64_t index, int64_t count) {
    device.copy({args.in.slice(first, count), args.out.slice(index, count)});
  });
}

// The rows of a run are all different, so they may be added together.
void scatter_add(Device& device, const RowsArgs& args) {
  for_each_run(indices_to_host(device, args.indices), [&](int64_t first, int64_t index, int64_t count) {
    const MutableTensorView out = args.out.slice(index, count);
    device.add({.a = out, .b = args.in.slice(first, count), .out = out});
  });
}

}  // namespace lectern::lowering
