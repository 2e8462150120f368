#include "fake_cann/objects/objects.h"

#include "fake_cann/runtime/halves.h"

namespace fake_cann {
namespace {

template <typename Object>
std::string leak(const Registry<Object>& registry, const char* name) {
  return registry.size() == 0 ? "" : std::to_string(registry.size()) + " " + name + "\n";
}

void forget() {
  objects().tensors.clear();
  objects().scalars.clear();
  objects().int_arrays.clear();
  objects().float_arrays.clear();
  objects().bool_arrays.clear();
  objects().tensor_lists.clear();
  objects().scalar_lists.clear();
  objects().executors.clear();
  forget_prepared();
}

std::string describe_leaks() {
  return leak(objects().tensors, "tensors") + leak(objects().scalars, "scalars") +
         leak(objects().int_arrays, "int arrays") + leak(objects().float_arrays, "float arrays") +
         leak(objects().bool_arrays, "bool arrays") + leak(objects().tensor_lists, "tensor lists") +
         leak(objects().scalar_lists, "scalar lists") + leak(objects().executors, "executors");
}

[[gnu::constructor]] void start() { add_part({.forget = forget, .describe_leaks = describe_leaks}); }

// A handle, or null when something is wrong: the functions that create report no code.
template <typename Handle, typename Make>
Handle* create(const Make& make) {
  void* made = nullptr;
  entry([&] {
    count(FAKE_CANN_OBJECT, FAKE_CANN_ANY_DEVICE);
    const Lock held(global_mutex());
    made = make();
  });
  return static_cast<Handle*>(made);
}

template <typename Object>
aclnnStatus destroy(Registry<Object>& registry, const void* handle, const char* function) {
  return entry([&] {
    if (handle == nullptr) return;
    const Lock held(global_mutex());
    registry.remove(handle, executor_null, function);
  });
}

Scalar scalar_of(const void* value, aclDataType type) {
  Scalar made{type, 0, 0};
  const auto integer = [&]<typename T>(T) {
    made.integer = static_cast<int64_t>(*static_cast<const T*>(value));
    made.value = static_cast<double>(made.integer);
  };
  switch (type) {
    case ACL_FLOAT: made.value = static_cast<double>(*static_cast<const float*>(value)); break;
    case ACL_DOUBLE: made.value = *static_cast<const double*>(value); break;
    case ACL_FLOAT16: made.value = static_cast<double>(half_to_float(*static_cast<const uint16_t*>(value))); break;
    case ACL_BF16: made.value = static_cast<double>(lectern::bf16_to_f32(*static_cast<const uint16_t*>(value))); break;
    case ACL_INT8: integer(int8_t{}); break;
    case ACL_UINT8:
    case ACL_BOOL: integer(uint8_t{}); break;
    case ACL_INT16: integer(int16_t{}); break;
    case ACL_INT32: integer(int32_t{}); break;
    case ACL_INT64: integer(int64_t{}); break;
    default: fail(bad_operand, "aclCreateScalar: the fake has no scalars of this type");
  }
  if (type == ACL_FLOAT || type == ACL_DOUBLE || type == ACL_FLOAT16 || type == ACL_BF16) {
    const bool fits = made.value > -9e18 && made.value < 9e18;
    made.integer = fits ? static_cast<int64_t>(made.value) : 0;
  }
  return made;
}

}  // namespace

Objects& objects() {
  static auto* const instance = new Objects;
  return *instance;
}

int64_t product(const Shape& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

Shape dense_strides(const Shape& shape) {
  Shape strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<int64_t>(shape[i], 1);
  return strides;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (const int64_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

std::string name_of(aclDataType type) {
  switch (type) {
    case ACL_FLOAT: return "f32";
    case ACL_FLOAT16: return "f16";
    case ACL_BF16: return "bf16";
    case ACL_DOUBLE: return "f64";
    case ACL_INT8: return "int8";
    case ACL_UINT8: return "uint8";
    case ACL_INT16: return "int16";
    case ACL_INT32: return "int32";
    case ACL_INT64: return "int64";
    case ACL_BOOL: return "bool";
    default: return "type " + std::to_string(static_cast<int>(type));
  }
}

bool Tensor::contiguous() const {
  int64_t expected = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

int64_t Tensor::last_element() const {
  int64_t last = offset;
  for (size_t i = 0; i < shape.size(); ++i) last += (shape[i] - 1) * strides[i];
  return last;
}

}  // namespace fake_cann

using namespace fake_cann;  // NOLINT: the rest of this file is the C interface

extern "C" {

aclTensor* aclCreateTensor(const int64_t* viewDims, uint64_t viewDimsNum, aclDataType dataType, const int64_t* stride,
                           int64_t offset, aclFormat format, const int64_t* storageDims, uint64_t storageDimsNum,
                           void* tensorData) {
  return create<aclTensor>([&]() -> void* {
    const auto refuse = [](const std::string& text) { fail(bad_operand, "aclCreateTensor: " + text); };
    if ((viewDims == nullptr && viewDimsNum > 0) || (storageDims == nullptr && storageDimsNum > 0)) {
      refuse("null extents with a count above 0");
    }
    if (viewDimsNum > 16 || storageDimsNum > 16) refuse("too many extents");
    auto made = std::make_shared<Tensor>();
    made->shape.assign(viewDims, viewDims + viewDimsNum);
    made->storage.assign(storageDims, storageDims + storageDimsNum);
    made->strides = stride == nullptr ? dense_strides(made->shape) : Shape(stride, stride + viewDimsNum);
    made->offset = offset;
    made->type = dataType;
    made->format = format;
    made->data = tensorData;
    if (aclDataTypeSize(dataType) == 0) refuse("the fake has no tensors of " + name_of(dataType));
    for (const Shape* extents : {&made->shape, &made->storage, &made->strides}) {
      for (const int64_t extent : *extents) {
        if (extent < 0 || extent > (int64_t{1} << 40)) refuse("extent or stride " + std::to_string(extent));
      }
    }
    if (offset < 0) refuse("negative offset");
    if (made->elements() > 0 && made->last_element() >= product(made->storage)) {
      violate("aclCreateTensor: the view " + to_string(made->shape) + " with strides " + to_string(made->strides) +
              " and offset " + std::to_string(offset) + " reaches out of its storage " + to_string(made->storage));
      refuse("the view reaches out of its storage");
    }
    return objects().tensors.add(std::move(made));
  });
}

aclScalar* aclCreateScalar(void* value, aclDataType dataType) {
  return create<aclScalar>([&]() -> void* {
    if (value == nullptr) fail(null_operand, "aclCreateScalar: the value is null");
    return objects().scalars.add(std::make_shared<Scalar>(scalar_of(value, dataType)));
  });
}

aclIntArray* aclCreateIntArray(const int64_t* value, uint64_t size) {
  return create<aclIntArray>([&]() -> void* {
    if (value == nullptr && size > 0) fail(null_operand, "aclCreateIntArray: the values are null");
    return objects().int_arrays.add(std::make_shared<std::vector<int64_t>>(value, value + size));
  });
}

aclFloatArray* aclCreateFloatArray(const float* value, uint64_t size) {
  return create<aclFloatArray>([&]() -> void* {
    if (value == nullptr && size > 0) fail(null_operand, "aclCreateFloatArray: the values are null");
    return objects().float_arrays.add(std::make_shared<std::vector<float>>(value, value + size));
  });
}

aclBoolArray* aclCreateBoolArray(const bool* value, uint64_t size) {
  return create<aclBoolArray>([&]() -> void* {
    if (value == nullptr && size > 0) fail(null_operand, "aclCreateBoolArray: the values are null");
    return objects().bool_arrays.add(std::make_shared<std::vector<bool>>(value, value + size));
  });
}

aclTensorList* aclCreateTensorList(const aclTensor* const* value, uint64_t size) {
  return create<aclTensorList>([&]() -> void* {
    if (value == nullptr && size > 0) fail(null_operand, "aclCreateTensorList: the tensors are null");
    for (uint64_t i = 0; i < size; ++i) objects().tensors.get(value[i], executor_null, "aclCreateTensorList");
    return objects().tensor_lists.add(std::make_shared<std::vector<const aclTensor*>>(value, value + size));
  });
}

aclScalarList* aclCreateScalarList(const aclScalar* const* value, uint64_t size) {
  return create<aclScalarList>([&]() -> void* {
    if (value == nullptr && size > 0) fail(null_operand, "aclCreateScalarList: the scalars are null");
    for (uint64_t i = 0; i < size; ++i) objects().scalars.get(value[i], executor_null, "aclCreateScalarList");
    return objects().scalar_lists.add(std::make_shared<std::vector<const aclScalar*>>(value, value + size));
  });
}

aclnnStatus aclDestroyTensor(const aclTensor* tensor) { return destroy(objects().tensors, tensor, "aclDestroyTensor"); }
aclnnStatus aclDestroyScalar(const aclScalar* scalar) { return destroy(objects().scalars, scalar, "aclDestroyScalar"); }
aclnnStatus aclDestroyIntArray(const aclIntArray* array) {
  return destroy(objects().int_arrays, array, "aclDestroyIntArray");
}
aclnnStatus aclDestroyFloatArray(const aclFloatArray* array) {
  return destroy(objects().float_arrays, array, "aclDestroyFloatArray");
}
aclnnStatus aclDestroyBoolArray(const aclBoolArray* array) {
  return destroy(objects().bool_arrays, array, "aclDestroyBoolArray");
}

aclnnStatus aclDestroyTensorList(const aclTensorList* array) {
  return entry([&] {
    if (array == nullptr) return;
    const Lock held(global_mutex());
    const auto members = objects().tensor_lists.remove(array, executor_null, "aclDestroyTensorList");
    for (const aclTensor* member : *members) {
      objects().tensors.remove(member, executor_null, "aclDestroyTensorList, a tensor in the list");
    }
  });
}

aclnnStatus aclDestroyScalarList(const aclScalarList* array) {
  return entry([&] {
    if (array == nullptr) return;
    const Lock held(global_mutex());
    const auto members = objects().scalar_lists.remove(array, executor_null, "aclDestroyScalarList");
    for (const aclScalar* member : *members) {
      objects().scalars.remove(member, executor_null, "aclDestroyScalarList, a scalar in the list");
    }
  });
}

aclnnStatus aclGetViewShape(const aclTensor* tensor, int64_t** viewDims, uint64_t* viewDimsNum) {
  return entry([&] {
    if (tensor == nullptr || viewDims == nullptr || viewDimsNum == nullptr) fail(null_operand, "aclGetViewShape: null");
    const Lock held(global_mutex());
    const auto found = objects().tensors.get(tensor, executor_null, "aclGetViewShape");
    *viewDimsNum = found->shape.size();
    *viewDims = new int64_t[found->shape.size()];  // the caller's, to be deleted with delete[]
    std::copy(found->shape.begin(), found->shape.end(), *viewDims);
  });
}

aclnnStatus aclGetRawTensorAddr(const aclTensor* tensor, void** addr) {
  return entry([&] {
    if (tensor == nullptr || addr == nullptr) fail(null_operand, "aclGetRawTensorAddr: a pointer is null");
    const Lock held(global_mutex());
    *addr = objects().tensors.get(tensor, executor_null, "aclGetRawTensorAddr")->data;
  });
}

aclnnStatus aclSetRawTensorAddr(aclTensor* tensor, void* addr) {
  return entry([&] {
    if (tensor == nullptr || addr == nullptr) fail(null_operand, "aclSetRawTensorAddr: a pointer is null");
    const Lock held(global_mutex());
    objects().tensors.get(tensor, executor_null, "aclSetRawTensorAddr")->data = addr;
  });
}

aclnnStatus aclnnInit(const char*) {
  return entry([] { need_initialised(); });
}
aclnnStatus aclnnFinalize() { return 0; }

}  // extern "C"
