// The choice from logits, on the card: the host gets ids and log-probabilities alone.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "device/ascend/kernels/kernels.h"
#include "device/device.h"
#include "device/lowering/lowerings.h"

namespace lectern::ascend {
namespace {

// So many floats of minus infinity, or more.
const std::byte* minus_infinity(Session& session, int64_t count) {
  const size_t bytes = std::bit_ceil(static_cast<size_t>(count)) * sizeof(float);
  return session.constant("minus infinity " + std::to_string(bytes), bytes, [](std::byte* to, size_t, size_t size) {
    std::fill_n(reinterpret_cast<float*>(to), size / sizeof(float), -std::numeric_limits<float>::infinity());
  });
}

}  // namespace

// Of the log-probabilities of all, those that were chosen are picked. To be chosen from, the banned logits are the
// least there is, in a copy.
void argmax(Device& device, const ArgmaxArgs& args) {
  const int64_t rows = args.logits.shape[0];
  const int64_t all = args.logits.shape.elements();
  if (all == 0) return;
  Session& session = session_of(device);
  const Functions& f = session.functions();
  const int64_t banned = args.banned ? args.banned.shape.elements() : 0;
  Tensor allowed;
  if (banned > 0) {
    allowed = Tensor(device, DataType::f32, args.logits.shape);
    copy_view(session, allowed.view(), args.logits);
    session.call(f.inplace_index_copy, View(allowed.view(), {all, 1}), int64_t{0}, View(args.banned),
                 View(minus_infinity(session, banned), ACL_FLOAT, {banned, 1}));
  }
  session.call(f.argmax, View(banned > 0 ? TensorView(allowed) : args.logits), int64_t{-1}, false, View(args.ids));
  const Tensor probabilities(device, DataType::f32, args.logits.shape);
  session.call(f.log_softmax, View(args.logits), int64_t{-1}, View(probabilities.view()));
  session.call(f.gather, View(probabilities.view()), int64_t{-1}, View(args.ids, {rows, 1}),
               View(args.log_probabilities, {rows, 1}));
}

// CANN fuses none of it: these are the calls of the replacement, each the card's own.
void sample(Device& device, const SampleArgs& args) { lowering::sample(device, args); }

}  // namespace lectern::ascend
