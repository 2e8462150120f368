#include "device/ascend/runtime/library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <optional>

#include "lectern/error.h"

namespace lectern::ascend {
namespace {

// The operators lie in one library up to CANN 8.3 and in several from 8.5 on.
constexpr std::array operator_libraries = {"libopapi.so", "libopapi_math.so", "libopapi_nn.so",
                                           "libopapi_transformer.so", "libopapi_cv.so"};

std::vector<std::filesystem::path> places(const std::vector<std::filesystem::path>& first) {
  std::vector<std::filesystem::path> all = first;
  all.emplace_back();  // as the system looks, LD_LIBRARY_PATH among them
  for (const char* variable : {"ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0')
      all.push_back(std::filesystem::path(value) / "lib64");
  }
  all.emplace_back("/usr/local/Ascend/ascend-toolkit/latest/lib64");
  all.emplace_back("/usr/local/Ascend/cann/lib64");
  return all;
}

// The reason is that of the last place where the file exists, so that a missing library behind it is named.
void* open_library(const std::vector<std::filesystem::path>& folders, const char* name, std::string& reason) {
  for (const auto& folder : folders) {
    const std::filesystem::path file = folder / name;
    if (void* handle = ::dlopen(file.c_str(), RTLD_LAZY | RTLD_GLOBAL)) return handle;
    const char* text = ::dlerror();
    std::error_code ignored;
    if (text != nullptr && (reason.empty() || std::filesystem::exists(file, ignored))) reason = text;
  }
  return nullptr;
}

// "8.3.RC1.alpha001" -> {8, 3, 0, 1}; "8.5.0" -> {8, 5, 1, 0}: candidates come before the release.
std::optional<std::array<int, 4>> parse_version(std::string_view text) {
  std::array<int, 4> parts = {0, 0, 0, 0};
  const auto number = [&](int& value) {
    size_t digits = 0;
    value = 0;
    while (digits < text.size() && digits < 6 && text[digits] >= '0' && text[digits] <= '9')
      value = value * 10 + (text[digits++] - '0');
    text.remove_prefix(digits);
    return digits > 0;
  };
  if (!number(parts[0]) || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  if (!number(parts[1])) return std::nullopt;
  if (text.starts_with('.')) text.remove_prefix(1);
  const bool candidate = text.starts_with("RC") || text.starts_with("rc");
  if (candidate) text.remove_prefix(2);
  parts[2] = candidate ? 0 : 1;
  number(parts[3]);
  return parts;
}

}  // namespace

bool is_supported_version(std::string_view version) {
  const auto found = parse_version(version);
  return !found || *found >= *parse_version(oldest_version);
}

bool is_version_from(std::string_view version, std::string_view first) {
  const auto found = parse_version(version);
  return found && *found >= *parse_version(first);
}

template <typename Pointer>
void Library::look_up(Pointer& pointer, const char* symbol) const {
  pointer = reinterpret_cast<Pointer>(find(symbol));
}

template <typename Pointer>
void Library::require(Pointer& pointer, const char* symbol) const {
  look_up(pointer, symbol);
  if (pointer == nullptr) {
    throw Error(fmt::format("ascend: CANN has no function {}; Lectern needs CANN {} or later", symbol, oldest_version),
                ErrorCode::unsupported);
  }
}

Library::Library(LibraryOptions options) : options_(std::move(options)) {
  const auto folders = places(options_.folders);
  const auto open_required = [&](const char* name) {
    std::string reason;
    void* handle = open_library(folders, name, reason);
    if (handle == nullptr) {
      throw Error(
          fmt::format("ascend: {} cannot be loaded ({}); install CANN and its driver, source its set_env.sh, or "
                      "set ASCEND_HOME_PATH to its folder",
                      name, reason),
          ErrorCode::not_found);
    }
    handles_.push_back(handle);
  };
  open_required("libascendcl.so");
  open_required("libnnopbase.so");
  std::string reason;
  for (const char* name : operator_libraries) {
    if (void* handle = open_library(folders, name, reason)) handles_.push_back(handle);
  }
  if (handles_.size() == 2) {
    throw Error(fmt::format("ascend: none of the libraries of operators (libopapi.so, libopapi_nn.so, ...) can be "
                            "loaded ({}); install CANN's kernel package for this chip",
                            reason),
                ErrorCode::not_found);
  }

  require(runtime_.init, "aclInit");
  require(runtime_.recent_error, "aclGetRecentErrMsg");
  look_up(runtime_.package_version, "aclsysGetCANNVersion");
  look_up(runtime_.attribute, "aclGetCannAttribute");
  require(runtime_.chip_name, "aclrtGetSocName");
  require(runtime_.device_count, "aclrtGetDeviceCount");
  require(runtime_.set_device, "aclrtSetDevice");
  require(runtime_.current_context, "aclrtGetCurrentContext");
  require(runtime_.set_current_context, "aclrtSetCurrentContext");
  require(runtime_.memory, "aclrtGetMemInfo");
  look_up(runtime_.set_option, "aclrtCtxSetSysParamOpt");
  look_up(runtime_.set_saturation, "aclrtSetDeviceSatMode");
  require(runtime_.create_stream, "aclrtCreateStream");
  require(runtime_.destroy_stream, "aclrtDestroyStream");
  require(runtime_.synchronize, "aclrtSynchronizeStream");
  look_up(runtime_.abort_stream, "aclrtStreamAbort");
  require(runtime_.allocate, "aclrtMalloc");
  require(runtime_.release, "aclrtFree");
  require(runtime_.allocate_host, "aclrtMallocHost");
  require(runtime_.release_host, "aclrtFreeHost");
  require(runtime_.copy, "aclrtMemcpyAsync");
  require(runtime_.create_event, "aclrtCreateEventExWithFlag");
  require(runtime_.destroy_event, "aclrtDestroyEvent");
  require(runtime_.record_event, "aclrtRecordEvent");
  require(runtime_.synchronize_event, "aclrtSynchronizeEvent");
  require(runtime_.event_status, "aclrtQueryEventStatus");
  look_up(runtime_.begin_capture, "aclmdlRICaptureBegin");
  look_up(runtime_.end_capture, "aclmdlRICaptureEnd");
  look_up(runtime_.replay, "aclmdlRIExecuteAsync");
  look_up(runtime_.destroy_graph, "aclmdlRIDestroy");

  require(objects_.create_tensor, "aclCreateTensor");
  require(objects_.create_scalar, "aclCreateScalar");
  require(objects_.create_integers, "aclCreateIntArray");
  require(objects_.create_list, "aclCreateTensorList");
  require(objects_.destroy_tensor, "aclDestroyTensor");
  require(objects_.destroy_scalar, "aclDestroyScalar");
  require(objects_.destroy_integers, "aclDestroyIntArray");
  require(objects_.destroy_list, "aclDestroyTensorList");
  look_up(objects_.make_repeatable, "aclSetAclOpExecutorRepeatable");
  look_up(objects_.destroy_executor, "aclDestroyAclOpExecutor");
}

void* Library::find(const char* symbol) const {
  if (options_.offered && !options_.offered(symbol)) return nullptr;
  for (void* handle : handles_) {
    if (void* found = ::dlsym(handle, symbol)) return found;
  }
  return nullptr;
}

void* Library::open(const char* name) const {
  std::string reason;
  return open_library(places(options_.folders), name, reason);
}

void* Library::find_in(void* library, const char* symbol) const {
  if (library == nullptr || (options_.offered && !options_.offered(symbol))) return nullptr;
  return ::dlsym(library, symbol);
}

std::string Library::version(aclCANNPackageName package) const {
  aclCANNPackageVersion found = {};
  if (runtime_.package_version == nullptr || runtime_.package_version(package, &found) != ACL_SUCCESS) {
    if (runtime_.package_version != nullptr) runtime_.recent_error();  // not of interest later
    return {};
  }
  found.version[sizeof(found.version) - 1] = '\0';
  return found.version;
}

}  // namespace lectern::ascend
