// Communicator: collective operations of the ranks that run one model together, each on its own device and in its own
// thread or process.
//
// Every rank calls the same functions in the same order with views of the same shape; a call takes its place in the
// order of the rank's device, as an operator does. Results are the same on every rank, bit for bit, and in every run.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/tensor.h"

namespace lectern {

class Device;

class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  virtual int rank() const = 0;  // 0 .. size() - 1
  virtual int size() const = 0;

  // In place: the sum over all ranks, added in f32 in their order. f32, f16 or bf16.
  virtual void all_reduce(const MutableTensorView& values) = 0;
  // out [size, shape of in]: the values of every rank, in their order. in and out of one type.
  virtual void all_gather(const TensorView& in, const MutableTensorView& out) = 0;
  // values become those of rank `root`.
  virtual void broadcast(const MutableTensorView& values, int root) = 0;
  // Returns when every rank has called it.
  virtual void barrier() = 0;

  // From any thread: this rank stops waiting for others. Calls in progress and later ones throw Error (device_lost); a
  // card that was waiting may be unusable afterwards.
  virtual void abort() noexcept = 0;

 protected:
  Communicator() = default;
};

// Ranks as threads of this process, one a device (one device may serve several ranks): rank i uses devices[i] from one
// thread at a time. They talk through the host's memory. A rank that is destroyed, as when its thread fails, ends the
// group: calls of the others throw Error (device_lost) instead of waiting for it.
std::vector<std::unique_ptr<Communicator>> make_in_process_ranks(std::span<Device* const> devices);

// Connects a rank with the others: called in the rank's thread, and in those of all others at the same time.
using JoinRanks = std::function<std::unique_ptr<Communicator>()>;

}  // namespace lectern
