// Rotary positions: section 3.10.
#include <string_view>

#include "aclnnop/aclnn_apply_rotary_pos_emb.h"
#include "aclnnop/level2/aclnn_rope_with_sin_cos_cache.h"
#include "fake_cann/operators/values.h"

namespace fake_cann {
namespace {

enum class Pairs { halves, neighbours };

// One head in place: x * cos + rotated(x) * sin.
void rotate(float* x, const float* cosine, const float* sine, int64_t size, Pairs pairs) {
  const int64_t half = size / 2;
  for (int64_t i = 0; i < half; ++i) {
    const int64_t a = pairs == Pairs::halves ? i : 2 * i;
    const int64_t b = pairs == Pairs::halves ? i + half : 2 * i + 1;
    const float first = x[a], second = x[b];
    x[a] = first * cosine[a] - second * sine[a];
    x[b] = second * cosine[b] + first * sine[b];
  }
}

// x [..., D] with the angles broadcast to it.
Floats rotated(const Tensor& x, const Tensor& cosine, const Tensor& sine, Pairs pairs) {
  Floats values = floats(x);
  const Floats cosines = floats(broadcast(cosine, x.shape)), sines = floats(broadcast(sine, x.shape));
  const int64_t size = x.shape.back();
  for (int64_t first = 0; first < static_cast<int64_t>(values.size()); first += size) {
    rotate(values.data() + first, cosines.data() + first, sines.data() + first, size, pairs);
  }
  return values;
}

constexpr int rotary_tiling = 561002;

void apply_rotary(Operation& op, aclTensor* query, aclTensor* key, const aclTensor* cos, const aclTensor* sin,
                  int64_t layout) {
  op.require(layout == 1 || (layout == 4 && version_is_at_least("8.5.0")), "layout is 1 (BSND)");
  op.require(layout == 1, "the fake has layout 1 only");
  const Operand cosine = op.input(cos, "cos", floating);
  const Operand sine = op.input(sin, "sin", floating);
  const Operand q = op.output(query, "queryRef", floating);
  const Operand k = op.output(key, "keyRef", floating);
  for (const Operand* operand : {&q, &k, &cosine, &sine}) {
    op.require(operand->rank() == 4, "four extents each");
    if (operand->shape[3] != 128 && !(operand->shape[3] == 64 && version_is_at_least("8.5.0"))) {
      fail(rotary_tiling, "aclnnApplyRotaryPosEmb: heads of " + std::to_string(operand->shape[3]) +
                              "; this version turns heads of 128" + (version_is_at_least("8.5.0") ? " and 64" : ""));
    }
    op.require(operand->elements() > 0, "no empty tensors");
    op.same_type(*operand, q);
  }
  const Shape angles = {q.shape[0], q.shape[1], 1, q.shape[3]};
  op.shape_is(cosine, angles);
  op.shape_is(sine, angles);
  op.shape_is(k, {q.shape[0], q.shape[1], k.shape[2], q.shape[3]});
  op.workspace(16 << 10);
  op.run([=](const Work& work) {
    store(work[q], rotated(work[q], work[cosine], work[sine], Pairs::halves));
    store(work[k], rotated(work[k], work[cosine], work[sine], Pairs::halves));
  });
}

}  // namespace
}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclnnApplyRotaryPosEmbGetWorkspaceSize(aclTensor* queryRef, aclTensor* keyRef, const aclTensor* cos,
                                                   const aclTensor* sin, int64_t layout, uint64_t* workspaceSize,
                                                   aclOpExecutor** executor) {
  return first_call("aclnnApplyRotaryPosEmb", workspaceSize, executor,
                    [&](Operation& op) { apply_rotary(op, queryRef, keyRef, cos, sin, layout); });
}
SECOND_CALL(aclnnApplyRotaryPosEmb)

// From 8.2.
aclnnStatus aclnnApplyRotaryPosEmbV2GetWorkspaceSize(aclTensor* queryRef, aclTensor* keyRef, const aclTensor* cos,
                                                     const aclTensor* sin, int64_t layout, char* rotaryMode,
                                                     uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnApplyRotaryPosEmbV2", workspaceSize, executor, [&](Operation& op) {
    op.require(rotaryMode != nullptr && std::string_view(rotaryMode) == "half", "the fake has rotaryMode half only");
    apply_rotary(op, queryRef, keyRef, cos, sin, layout);
  });
}
SECOND_CALL(aclnnApplyRotaryPosEmbV2)

// In 8.1.RC1 without a header.
aclnnStatus aclnnRotaryPositionEmbeddingGetWorkspaceSize(const aclTensor* x, const aclTensor* cos, const aclTensor* sin,
                                                         int64_t mode, aclTensor* out, uint64_t* workspaceSize,
                                                         aclOpExecutor** executor) {
  return first_call("aclnnRotaryPositionEmbedding", workspaceSize, executor, [&](Operation& op) {
    op.require(!is_310p(), "not on this chip");
    const Operand in = op.input(x, "x", floating);
    const Operand cosine = op.input(cos, "cos", floating);
    const Operand sine = op.input(sin, "sin", floating);
    const Operand y = op.output(out, "out", floating, {.contiguous = true});
    op.require(mode == 0 || mode == 1, "mode is 0 (half) or 1 (interleaved)");
    op.attribute(mode);
    op.require(in.rank() == 4 || in.rank() == 3, "x is BNSD, BSND, SBND or TND");
    const int64_t size = in.shape.back();
    op.require(size % 2 == 0 && size < 896, "the size of a head is even and below 896");
    for (const Operand* operand : {&cosine, &sine}) {
      op.same_type(*operand, in);
      op.require(operand->rank() == in.rank() && operand->shape.back() == size &&
                     broadcast_shape(operand->shape, in.shape) == in.shape,
                 "cos and sin do not fit x");
    }
    op.same_shape(cosine, sine);
    op.same_shape(in, y);
    op.same_type(in, y);
    // Angles that vary along the third extent alone mean BNSD, which the half mode has a bound for.
    const bool by_heads = in.rank() == 4 && cosine.shape[1] == 1 && cosine.shape[2] == in.shape[2] && in.shape[1] > 1;
    op.require(!by_heads || mode != 0 || in.shape[0] * in.shape[1] <= 8 * in.shape[2], "BNSD needs B * N <= 8 * S");
    if (mode == 0 && in.rank() == 4) {
      for (size_t i = 0; i < 3; ++i) {
        op.require(in.shape[i] < 1000 || cosine.shape[i] == in.shape[i], "B and N are below 1000");
      }
    }
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      store(work[y], rotated(work[in], work[cosine], work[sine], mode == 0 ? Pairs::halves : Pairs::neighbours));
    });
  });
}
SECOND_CALL(aclnnRotaryPositionEmbedding)

aclnnStatus aclnnRopeWithSinCosCacheGetWorkspaceSize(const aclTensor* positions, const aclTensor* queryIn,
                                                     const aclTensor* keyIn, const aclTensor* cosSinCache,
                                                     const aclIntArray* mropeSection, int64_t headSize,
                                                     bool isNeoxStyle, aclTensor* queryOut, aclTensor* keyOut,
                                                     uint64_t* workspaceSize, aclOpExecutor** executor) {
  return first_call("aclnnRopeWithSinCosCache", workspaceSize, executor, [&](Operation& op) {
    const Operand places = op.input(positions, "positions", types({ACL_INT64}));
    const Operand q = op.input(queryIn, "queryIn", floating);
    const Operand k = op.input(keyIn, "keyIn", floating);
    const Operand cache = op.input(cosSinCache, "cosSinCache", floating);
    op.absent(mropeSection, "mropeSection");
    const Operand q_out = op.output(queryOut, "queryOut", floating);
    const Operand k_out = op.output(keyOut, "keyOut", floating);
    op.require(places.rank() == 1 && q.rank() == 2 && k.rank() == 2 && cache.rank() == 2, "wrong number of extents");
    op.require(headSize > 0 && headSize % 2 == 0 && q.shape[1] % headSize == 0 && k.shape[1] % headSize == 0,
               "headSize does not divide the rows");
    op.require(q.shape[0] == places.shape[0] && k.shape[0] == places.shape[0], "one position for each token");
    op.require(cache.shape[1] == headSize, "cosSinCache holds cosines and sines of half a head each");
    op.same_shape(q, q_out);
    op.same_shape(k, k_out);
    for (const Operand* operand : {&k, &cache, &q_out, &k_out}) op.same_type(*operand, q);
    op.workspace(16 << 10);
    op.run([=](const Work& work) {
      const Integers at = integers(work[places]);
      const Floats table = floats(work[cache]);
      const auto half = static_cast<size_t>(headSize / 2);
      const auto turn = [&](const Operand& from, const Operand& to) {
        Floats values = floats(work[from]);
        const auto row = static_cast<size_t>(from.shape[1]), size = static_cast<size_t>(headSize);
        Floats cosines(size), sines(size);
        for (size_t token = 0; token < at.size(); ++token) {
          const auto line = static_cast<size_t>(checked_index(at[token], cache.shape[0], "positions")) * size;
          for (size_t i = 0; i < size; ++i) {
            const size_t angle = isNeoxStyle ? i % half : i / 2;
            cosines[i] = table[line + angle];
            sines[i] = table[line + half + angle];
          }
          for (size_t first = 0; first < row; first += size) {
            rotate(values.data() + token * row + first, cosines.data(), sines.data(), headSize,
                   isNeoxStyle ? Pairs::halves : Pairs::neighbours);
          }
        }
        store(work[to], values);
      };
      turn(q, q_out);
      turn(k, k_out);
    });
  });
}
SECOND_CALL(aclnnRopeWithSinCosCache)

}  // extern "C"
