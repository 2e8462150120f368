// Versions, attributes and number conversions.
#include <cstdio>
#include <cstring>

#include "fake_cann/runtime/halves.h"
#include "fake_cann/runtime/state.h"
#include "fake_cann/runtime/stream.h"

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

const char* aclrtGetSocName() {
  thread_local std::string name;
  if (!initialised()) return nullptr;
  name = profile().soc;
  return name.c_str();
}

aclError aclrtGetVersion(int32_t* majorVersion, int32_t* minorVersion, int32_t* patchVersion) {
  return entry([&] {
    if (majorVersion == nullptr || minorVersion == nullptr || patchVersion == nullptr) {
      fail(invalid_parameter, "aclrtGetVersion: a pointer is null");
    }
    *majorVersion = 1, *minorVersion = 15, *patchVersion = 0;  // of the interface, not of the toolkit
  });
}

aclError aclsysGetCANNVersion(aclCANNPackageName name, aclCANNPackageVersion* version) {
  return entry([&] {
    if (version == nullptr) fail(invalid_parameter, "aclsysGetCANNVersion: the pointer is null");
    if (name < ACL_PKG_NAME_CANN || name > ACL_PKG_NAME_DRIVER)
      fail(invalid_parameter, "aclsysGetCANNVersion: no such package");
    const std::string text = profile().version;
    *version = {};
    std::snprintf(version->version, sizeof(version->version), "%s", text.c_str());
    const size_t first = text.find('.');
    const size_t second = text.find('.', first + 1);
    std::snprintf(version->majorVersion, sizeof(version->majorVersion), "%s", text.substr(0, first).c_str());
    if (first == std::string::npos) return;
    std::snprintf(version->minorVersion, sizeof(version->minorVersion), "%s",
                  text.substr(first + 1, second - first - 1).c_str());
    if (second == std::string::npos) return;
    std::snprintf(version->releaseVersion, sizeof(version->releaseVersion), "%s", text.substr(second + 1).c_str());
  });
}

aclError aclGetCannAttribute(aclCannAttr cannAttr, int32_t* value) {
  return entry([&] {
    need_initialised();
    if (value == nullptr) fail(invalid_parameter, "aclGetCannAttribute: the pointer is null");
    switch (cannAttr) {
      case ACL_CANN_ATTR_INF_NAN:
      case ACL_CANN_ATTR_BF16: *value = has_bf16() ? 1 : 0; return;
      case ACL_CANN_ATTR_JIT_COMPILE: *value = 0; return;
      default: fail(invalid_parameter, "aclGetCannAttribute: no such attribute");
    }
  });
}

// The fake computes in one order always, so that these change nothing.
aclError aclrtCtxSetSysParamOpt(aclSysParamOpt opt, int64_t) {
  return entry([&] {
    need_initialised();
    current_device();
    if (opt != ACL_OPT_DETERMINISTIC && opt != ACL_OPT_ENABLE_DEBUG_KERNEL) fail(invalid_parameter, "no such option");
  });
}

aclError aclrtSetSysParamOpt(aclSysParamOpt opt, int64_t) {
  return entry([&] {
    need_initialised();
    if (opt != ACL_OPT_DETERMINISTIC && opt != ACL_OPT_ENABLE_DEBUG_KERNEL) fail(invalid_parameter, "no such option");
  });
}

size_t aclDataTypeSize(aclDataType dataType) {
  switch (dataType) {
    case ACL_BOOL:
    case ACL_INT8:
    case ACL_UINT8: return 1;
    case ACL_FLOAT16:
    case ACL_BF16:
    case ACL_INT16:
    case ACL_UINT16: return 2;
    case ACL_FLOAT:
    case ACL_INT32:
    case ACL_UINT32:
    case ACL_COMPLEX32: return 4;
    case ACL_INT64:
    case ACL_UINT64:
    case ACL_DOUBLE:
    case ACL_COMPLEX64: return 8;
    case ACL_COMPLEX128: return 16;
    default: return 0;
  }
}

float aclFloat16ToFloat(aclFloat16 value) { return half_to_float(value); }
aclFloat16 aclFloatToFloat16(float value) { return float_to_half(value); }

}  // extern "C"
