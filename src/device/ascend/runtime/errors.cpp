#include "device/ascend/runtime/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lectern::ascend {
namespace {

struct Meaning {
  int code;
  const char* text;
};

constexpr std::array meanings = {
    Meaning{100000, "invalid parameter"},
    Meaning{100001, "not initialised"},
    Meaning{100002, "initialised twice"},
    Meaning{100037, "finalised twice"},
    Meaning{100039, "linked to a stub library; install the driver"},
    Meaning{107000, "invalid parameter of the runtime"},
    Meaning{107001, "no such card"},
    Meaning{107002, "no card set in this thread"},
    Meaning{107003, "the stream is of another context"},
    Meaning{107008, "address not aligned"},
    Meaning{107017, "invalid handle"},
    Meaning{107019, "waiting timed out"},
    Meaning{107020, "the task timed out"},
    Meaning{107027, "the stream is being captured"},
    Meaning{107028, "the event is captured"},
    Meaning{107029, "the stream is not being captured"},
    Meaning{107030, "not allowed while capturing"},
    Meaning{107037, "the graph is still running"},
    Meaning{107038, "another thread began the capture"},
    Meaning{161001, "a required tensor is missing"},
    Meaning{161002, "type, shape, format or attribute not allowed"},
    Meaning{200000, "allocation failed"},
    Meaning{200001, "not supported"},
    Meaning{200006, "not supported"},
    Meaning{207000, "not supported"},
    Meaning{207001, "no memory"},
    Meaning{207004, "no card"},
    Meaning{207007, "no event left"},
    Meaning{207008, "no stream left"},
    Meaning{207018, "the card's memory is full"},
    Meaning{300000, "over the limit of memory"},
    Meaning{361001, "a call of the runtime failed"},
    Meaning{500000, "internal error"},
    Meaning{507000, "internal error of the runtime"},
    Meaning{507011, "the run failed"},
    Meaning{507014, "AI Core timed out"},
    Meaning{507015, "AI Core exception"},
    Meaning{507018, "AI CPU exception"},
    Meaning{507034, "vector core timed out"},
    Meaning{507035, "vector core exception"},
    Meaning{507046, "waiting for the stream timed out"},
    Meaning{507047, "waiting for an event timed out"},
    Meaning{507053, "error in the card's memory"},
    Meaning{507054, "ECC error in the card's memory"},
    Meaning{507899, "internal error of the driver"},
    Meaning{507903, "the capture was disturbed"},
    Meaning{561000, "internal error of aclnn"},
    Meaning{561001, "shape inference failed"},
    Meaning{561002, "tiling failed"},
    Meaning{561003, "no kernel for this chip; is CANN's kernel package for it installed?"},
    Meaning{561101, "executor not created"},
    Meaning{561102, "executor not converted"},
    Meaning{561103, "null pointer within aclnn; do the kernel package and the toolkit have one version?"},
    Meaning{561107, "ASCEND_OPP_PATH not found; source set_env.sh"},
    Meaning{561108, "description of kernels missing or broken"},
    Meaning{561112, "kernel package not found"},
};

}  // namespace

std::string describe_code(int code) {
  const auto* found = std::find_if(meanings.begin(), meanings.end(), [&](const Meaning& m) { return m.code == code; });
  return found == meanings.end() ? std::to_string(code) : fmt::format("{} ({})", code, found->text);
}

}  // namespace lectern::ascend
