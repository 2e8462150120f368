// The libraries of CANN, looked up while running, so that one build serves several versions of CANN and starts without
// any. Every symbol goes through Library::find.
#pragma once

#include <acl/acl.h>
#include <aclnn/acl_meta.h>

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace lectern::ascend {

// The runtime's functions; all are in CANN 8.1.RC1, the oldest that is supported, and unchanged since.
struct Runtime {
  decltype(&::aclInit) init;
  decltype(&::aclGetRecentErrMsg) recent_error;
  decltype(&::aclsysGetCANNVersion) package_version;  // may be null
  decltype(&::aclGetCannAttribute) attribute;         // may be null
  decltype(&::aclrtGetSocName) chip_name;
  decltype(&::aclrtGetDeviceCount) device_count;
  decltype(&::aclrtSetDevice) set_device;
  decltype(&::aclrtGetCurrentContext) current_context;
  decltype(&::aclrtSetCurrentContext) set_current_context;
  decltype(&::aclrtGetMemInfo) memory;
  decltype(&::aclrtCtxSetSysParamOpt) set_option;     // may be null
  decltype(&::aclrtSetDeviceSatMode) set_saturation;  // may be null
  decltype(&::aclrtCreateStream) create_stream;
  decltype(&::aclrtDestroyStream) destroy_stream;
  decltype(&::aclrtSynchronizeStream) synchronize;
  decltype(&::aclrtStreamAbort) abort_stream;  // may be null
  decltype(&::aclrtMalloc) allocate;
  decltype(&::aclrtFree) release;
  decltype(&::aclrtMallocHost) allocate_host;
  decltype(&::aclrtFreeHost) release_host;
  decltype(&::aclrtMemcpyAsync) copy;
  decltype(&::aclrtCreateEventExWithFlag) create_event;
  decltype(&::aclrtDestroyEvent) destroy_event;
  decltype(&::aclrtRecordEvent) record_event;
  decltype(&::aclrtSynchronizeEvent) synchronize_event;
  decltype(&::aclrtQueryEventStatus) event_status;
  // Marked experimental; all may be null.
  decltype(&::aclmdlRICaptureBegin) begin_capture;
  decltype(&::aclmdlRICaptureEnd) end_capture;
  decltype(&::aclmdlRIExecuteAsync) replay;
  decltype(&::aclmdlRIDestroy) destroy_graph;

  bool captures() const { return begin_capture && end_capture && replay && destroy_graph; }
};

// What aclnn's operators are given.
struct Objects {
  decltype(&::aclCreateTensor) create_tensor;
  decltype(&::aclCreateScalar) create_scalar;
  decltype(&::aclCreateIntArray) create_integers;
  decltype(&::aclCreateTensorList) create_list;
  decltype(&::aclDestroyTensor) destroy_tensor;
  decltype(&::aclDestroyScalar) destroy_scalar;
  decltype(&::aclDestroyIntArray) destroy_integers;
  decltype(&::aclDestroyTensorList) destroy_list;
  decltype(&::aclSetAclOpExecutorRepeatable) make_repeatable;  // may be null
  decltype(&::aclDestroyAclOpExecutor) destroy_executor;       // may be null
};

struct LibraryOptions {
  // Looked through before the places where CANN installs itself.
  std::vector<std::filesystem::path> folders = {};
  // Symbols for which this returns false are taken to be missing; empty: none.
  std::function<bool(std::string_view symbol)> offered = {};
};

class Library {
 public:
  // Throws Error when a library or a function of the runtime is missing, naming it and what to do.
  explicit Library(LibraryOptions options = {});

  // Null when no library has it.
  void* find(const char* symbol) const;

  // One beside those of operators, and what it has; null where it is not there.
  void* open(const char* name) const;
  void* find_in(void* library, const char* symbol) const;

  const Runtime& runtime() const { return runtime_; }
  const Objects& objects() const { return objects_; }

  // "8.1.RC1"; empty when CANN does not say.
  std::string version(aclCANNPackageName package = ACL_PKG_NAME_CANN) const;

 private:
  template <typename Pointer>
  void require(Pointer& pointer, const char* symbol) const;
  template <typename Pointer>
  void look_up(Pointer& pointer, const char* symbol) const;

  LibraryOptions options_;
  std::vector<void*> handles_;  // never closed: CANN does not survive it
  Runtime runtime_ = {};
  Objects objects_ = {};
};

// Whether a version, e.g. "8.1.RC1" or "8.5.0", is the oldest supported one or a later; true for what is no version.
bool is_supported_version(std::string_view version);
// Whether a version is `first` or a later; false for what is no version.
bool is_version_from(std::string_view version, std::string_view first);
inline constexpr std::string_view oldest_version = "8.1.RC1";

}  // namespace lectern::ascend
