// Executors: made by an operator's first call, used up by its second.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unordered_set>

#include "fake_cann/objects/kernels.h"
#include "fake_cann/runtime/capture.h"

namespace fake_cann {
namespace {

// Every thread remembers what it has prepared; what comes from there cannot be made repeatable, and what is made
// repeatable is no longer there.
thread_local std::unordered_set<std::string> remembered;

bool seen_before(const std::string& key) {
  const char* text = std::getenv("ACLNN_CACHE_LIMIT");
  const size_t limit = text == nullptr ? 10000 : std::strtoull(text, nullptr, 10);
  if (limit == 0) return false;
  if (remembered.contains(key)) return true;
  if (remembered.size() >= limit) remembered.clear();
  remembered.insert(key);
  return false;
}

// Operators of a kernel each, whose executors may be made repeatable although their arguments were pooled.
bool is_individual(const std::string& operation) {
  constexpr std::string_view names[] = {"aclnnFusedInferAttentionScore",
                                        "aclnnPromptFlashAttention",
                                        "aclnnIncreFlashAttention",
                                        "aclnnMoe",
                                        "aclnnRmsNorm",
                                        "aclnnAddRmsNorm",
                                        "aclnnApplyRotaryPosEmb",
                                        "aclnnSwiGlu",
                                        "aclnnRotaryPositionEmbedding"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view name) { return operation.starts_with(name); });
}

std::string key_of(const Executor& executor, const std::string& attributes) {
  std::string key = executor.operation + attributes;
  for (const Executor::Operand& operand : executor.operands) {
    const Tensor& tensor = operand.tensor;
    key += operand.name + to_string(tensor.shape) + to_string(tensor.strides) + std::to_string(tensor.offset) +
           name_of(tensor.type) + std::to_string(tensor.format);
  }
  return key;
}

// Takes the executor out of the registry unless it is repeatable.
std::shared_ptr<Executor> take(const Lock&, const char* name, aclOpExecutor* handle) {
  if (handle == nullptr) fail(null_operand, std::string(name) + ": the executor is null");
  std::shared_ptr<Executor> executor = objects().executors.get(handle, executor_null, name);
  if (executor->operation != name) {
    misuse(executor_null, std::string(name) + ": the executor was made for " + executor->operation);
  }
  if (!executor->repeatable) objects().executors.remove(handle, executor_null, name);
  return executor;
}

// The operands as they are now, and the memory they span.
Task task_of(const std::string& name, Executor& executor, void* workspace) {
  Task task{name, {}, {}, {}, 0, {}};
  std::vector<Tensor> tensors;
  for (Executor::Operand& operand : executor.operands) {
    const std::shared_ptr<Tensor> living = objects().tensors.find(operand.handle);
    if (living == nullptr) {
      misuse(executor_null, name + ": the tensor " + operand.name + " was destroyed between the two calls");
    }
    Tensor tensor = operand.tensor;
    tensor.data = living->data;
    if (tensor.elements() > 0) {
      if (tensor.data == nullptr) fail(null_operand, name + ": " + operand.name + " has no memory");
      if (reinterpret_cast<uintptr_t>(tensor.data) % 64 != 0) {
        misuse(address_unaligned, name + ": " + operand.name + " does not start at a multiple of 64; use the offset");
      }
      const uintptr_t start =
          reinterpret_cast<uintptr_t>(tensor.data) + static_cast<size_t>(tensor.offset) * tensor.element_bytes();
      const size_t bytes = static_cast<size_t>(tensor.last_element() - tensor.offset + 1) * tensor.element_bytes();
      task.ranges.push_back({start, bytes, operand.output, operand.name});
      if (!is_device_memory(tensor.data)) misuse(bad_operand, name + ": " + operand.name + " is not device memory");
    }
    tensors.push_back(std::move(tensor));
  }
  if (executor.workspace > 0) {
    const Range range{reinterpret_cast<uintptr_t>(workspace), executor.workspace, true, "its workspace"};
    for (const Range& other : task.ranges) {
      if (range.conflicts(other)) misuse(bad_operand, name + ": the workspace lies over " + other.name);
    }
    task.ranges.push_back(range);
  }
  task.run = [name, tensors = std::move(tensors), run = executor.run, workspace, bytes = executor.workspace] {
    count_run(name);
    if (!computes()) return;
    if (bytes > 0) std::memset(bytes_of(workspace), 0xff, bytes);
    run(tensors);
  };
  return task;
}

aclnnStatus set_address(aclOpExecutor* handle, size_t index, aclTensor* tensor, void* address, bool inputs,
                        bool outputs) {
  return entry([&] {
    if (handle == nullptr || tensor == nullptr) fail(executor_null, "aclSetTensorAddr: a pointer is null");
    const Lock held(global_mutex());
    const auto executor = objects().executors.get(handle, executor_null, "aclSetTensorAddr");
    const auto living = objects().tensors.get(tensor, executor_null, "aclSetTensorAddr");
    for (const bool output : {false, true}) {  // inputs are counted before outputs
      if (output ? !outputs : !inputs) continue;
      for (Executor::Operand& operand : executor->operands) {
        if (operand.output != output || index-- > 0) continue;
        if (operand.handle != tensor) misuse(bad_operand, "aclSetTensorAddr: this tensor is not at that index");
        if (!operand.had_address) fail(bad_operand, "aclSetTensorAddr: the tensor had no address in the first call");
        living->data = address;
        return;
      }
    }
    fail(bad_operand, "aclSetTensorAddr: the index is out of range");
  });
}

aclnnStatus set_member_address(aclOpExecutor* handle, size_t member, aclTensorList* list, void* address) {
  return entry([&] {
    if (handle == nullptr || list == nullptr) fail(executor_null, "aclSetDynamicTensorAddr: a pointer is null");
    const Lock held(global_mutex());
    objects().executors.get(handle, executor_null, "aclSetDynamicTensorAddr");
    const auto members = objects().tensor_lists.get(list, executor_null, "aclSetDynamicTensorAddr");
    if (member >= members->size()) fail(bad_operand, "aclSetDynamicTensorAddr: the index is out of range");
    objects().tensors.get((*members)[member], executor_null, "aclSetDynamicTensorAddr")->data = address;
  });
}

}  // namespace

void forget_prepared() { remembered.clear(); }

aclnnStatus prepare(const char* name, uint64_t* workspace, aclOpExecutor** executor,
                    const std::function<void(Executor&, std::string& cache_key)>& build) {
  return entry([&] {
    need_initialised();
    int32_t device = 0;
    try {
      device = current_device();
    } catch (const Failure& failure) {
      fail(runtime_call_failed, failure.message);
    }
    count(FAKE_CANN_PREPARE, device);
    const Profile now = profile();
    if (const auto refused = now.refused.find(name); refused != now.refused.end()) {
      fail(refused->second, std::string(name) + ": refused by the profile");
    }
    if (workspace == nullptr || executor == nullptr)
      fail(null_operand, std::string(name) + ": a result pointer is null");
    const Lock held(global_mutex());
    auto made = std::make_shared<Executor>();
    made->operation = name;
    std::string attributes;
    build(*made, attributes);
    made->cache_key = key_of(*made, attributes);
    made->from_cache = !made->abandons_cache && seen_before(made->cache_key);
    *workspace = made->workspace;
    *executor = static_cast<aclOpExecutor*>(objects().executors.add(std::move(made)));
  });
}

aclnnStatus launch(const char* name, void* workspace, uint64_t workspace_bytes, aclOpExecutor* handle,
                   aclrtStream stream) {
  return entry([&] {
    need_initialised();
    int32_t device = 0;
    try {
      device = current_device();
    } catch (const Failure& failure) {
      fail(runtime_call_failed, failure.message);
    }
    await_room(stream);
    const Lock held(global_mutex());
    const std::shared_ptr<Executor> executor = take(held, name, handle);
    try {
      count(FAKE_CANN_LAUNCH, device);
    } catch (const Failure&) {
      spoil_capture(held, stream);
      throw;
    }
    if (workspace == nullptr && workspace_bytes > 0) fail(null_operand, std::string(name) + ": the workspace is null");
    if (workspace_bytes < executor->workspace) {
      misuse(bad_operand, std::string(name) + ": the workspace has " + std::to_string(workspace_bytes) +
                              " bytes, the first call asked for " + std::to_string(executor->workspace));
    }
    try {
      const LaunchCost cost = {.repeated = executor->launched,
                               .hidden_copies = executor->cost.hidden_kernels,
                               .ai_cpu = executor->cost.ai_cpu_kernels,
                               .bytes = executor->cost.bytes,
                               .operations = executor->cost.operations};
      Task task = task_of(name, *executor, workspace);
      task.cost = cost;
      enqueue(held, stream_of(held, stream), std::move(task)) ? count_captured(name, cost) : count_launch(name, cost);
      executor->launched = true;
    } catch (const Failure& failure) {
      if (failure.code < 161000 || failure.code > 161999) fail(runtime_call_failed, failure.message);
      throw;
    }
  });
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclnnStatus aclSetAclOpExecutorRepeatable(aclOpExecutor* executor) {
  return entry([&] {
    if (executor == nullptr) fail(executor_null, "aclSetAclOpExecutorRepeatable: the executor is null");
    count(FAKE_CANN_REPEAT, current_device());
    const Lock held(global_mutex());
    const auto found = objects().executors.get(executor, executor_null, "aclSetAclOpExecutorRepeatable");
    if (found->abandons_cache) {
      fail(operator_internal,
           "aclSetAclOpExecutorRepeatable: " + found->operation + " copies onto itself or by the AI CPU");
    }
    if (is_individual(found->operation)) {
      const bool strided = std::ranges::any_of(found->operands, [](const Executor::Operand& operand) {
        return !operand.output && kernels_of_reading(operand.tensor).cores > 0 &&
               !(operand.takes_transposed && is_transposed(operand.tensor));
      });
      if (strided) {  // the real one refuses it too late: it is kept for ever
        found->repeatable = true;
        fail(operator_internal,
             "aclSetAclOpExecutorRepeatable: " + found->operation + " has a strided operand; give it dense ones");
      }
    } else if (found->from_cache) {
      fail(operator_internal, "aclSetAclOpExecutorRepeatable: this executor came from the thread's cache");
    }
    if (found->launched) misuse(operator_internal, "aclSetAclOpExecutorRepeatable: after the first second call");
    found->repeatable = true;
    remembered.erase(found->cache_key);
  });
}

aclnnStatus aclDestroyAclOpExecutor(aclOpExecutor* executor) {
  return entry([&] {
    if (executor == nullptr) fail(executor_null, "aclDestroyAclOpExecutor: the executor is null");
    const Lock held(global_mutex());
    const auto found = objects().executors.get(executor, executor_null, "aclDestroyAclOpExecutor");
    if (!found->repeatable) violate("aclDestroyAclOpExecutor: only for repeatable executors");
    objects().executors.remove(executor, executor_null, "aclDestroyAclOpExecutor");
  });
}

aclnnStatus aclSetTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address(executor, index, tensor, addr, true, true);
}
aclnnStatus aclSetInputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address(executor, index, tensor, addr, true, false);
}
aclnnStatus aclSetOutputTensorAddr(aclOpExecutor* executor, const size_t index, aclTensor* tensor, void* addr) {
  return set_address(executor, index, tensor, addr, false, true);
}
aclnnStatus aclSetDynamicTensorAddr(aclOpExecutor* executor, size_t, const size_t relativeIndex, aclTensorList* tensors,
                                    void* addr) {
  return set_member_address(executor, relativeIndex, tensors, addr);
}
aclnnStatus aclSetDynamicInputTensorAddr(aclOpExecutor* executor, size_t, const size_t relativeIndex,
                                         aclTensorList* tensors, void* addr) {
  return set_member_address(executor, relativeIndex, tensors, addr);
}
aclnnStatus aclSetDynamicOutputTensorAddr(aclOpExecutor* executor, size_t, const size_t relativeIndex,
                                          aclTensorList* tensors, void* addr) {
  return set_member_address(executor, relativeIndex, tensors, addr);
}

}  // extern "C"
