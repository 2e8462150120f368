#include "checkpoint/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "core/files/json_file.h"
#include "lectern/error.h"

namespace lectern {
namespace {

using nlohmann::json;

constexpr size_t length_field = 8;                    // u64, little-endian: bytes of the header
constexpr uint64_t max_header = uint64_t{100} << 20;  // the reference implementation's limit, 100 MB, rounded up
constexpr std::string_view lfs_pointer = "version https://git-lfs";

struct StoredType {
  std::string_view name;
  uint64_t size;                 // of one element, in bytes
  std::optional<DataType> type;  // none: no TensorView for it
};
constexpr StoredType stored_types[] = {
    {"F32", 4, DataType::f32},
    {"F16", 2, DataType::f16},
    {"BF16", 2, DataType::bf16},
    {"I64", 8, DataType::i64},
    {"I32", 4, DataType::i32},
    {"U8", 1, DataType::u8},
    {"F64", 8, {}},
    {"U64", 8, {}},
    {"U32", 4, {}},
    {"I16", 2, {}},
    {"U16", 2, {}},
    {"I8", 1, {}},
    {"BOOL", 1, {}},
    {"F8_E4M3", 1, {}},
    {"F8_E5M2", 1, {}},
    {"C64", 8, {}},
};

struct Range {
  uint64_t begin;
  uint64_t end;
  std::string_view tensor;
};

// One tensor's entry in the header, checked step by step.
class Entry {
 public:
  Entry(std::string_view file, std::string_view tensor, const json& value)
      : where_(std::string(file) + ": tensor " + printable(tensor)), value_(value) {
    if (!value.is_object()) fail("is not an object in the header");
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(where_ + " " + problem, ErrorCode::corrupt_input);
  }

  const std::string& type() const {
    const auto type = value_.find("dtype");
    if (type == value_.end() || !type->is_string()) fail("has no dtype");
    return type->get_ref<const std::string&>();
  }

  std::vector<int64_t> shape() const {
    const auto shape = value_.find("shape");
    if (shape == value_.end() || !shape->is_array()) fail("has no shape");
    std::vector<int64_t> extents;
    extents.reserve(shape->size());
    for (const json& extent : *shape) extents.push_back(static_cast<int64_t>(whole_number(extent, "shape")));
    return extents;
  }

  std::pair<uint64_t, uint64_t> range() const {
    const auto offsets = value_.find("data_offsets");
    if (offsets == value_.end() || !offsets->is_array() || offsets->size() != 2) fail("has no pair of data_offsets");
    const uint64_t begin = whole_number((*offsets)[0], "data_offsets");
    const uint64_t end = whole_number((*offsets)[1], "data_offsets");
    if (begin > end) fail("ends at byte " + std::to_string(end) + ", before it begins at " + std::to_string(begin));
    return {begin, end};
  }

 private:
  uint64_t whole_number(const json& value, const char* key) const {
    constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (!value.is_number_unsigned() || value.get<uint64_t>() > most) {
      fail(std::string("has ") + printable(value.is_structured() ? value.type_name() : value.dump(-1, ' ', true)) +
           " in its " + key + ", expected a whole number of 0 or more");
    }
    return value.get<uint64_t>();
  }

  std::string where_;
  const json& value_;
};

uint64_t elements_of(const Entry& entry, const std::vector<int64_t>& shape) {
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(elements, extent, &elements)) entry.fail("has a shape too large to be true");
  }
  return static_cast<uint64_t>(elements);
}

// The header's bytes, found and measured.
std::string_view header_text(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(lfs_pointer)) {
    throw Error(name + ": is a Git LFS pointer, not the weights; fetch them with: git lfs pull",
                ErrorCode::corrupt_input);
  }
  if (bytes.size() < length_field) {
    throw Error(name + ": truncated: a safetensors file has at least 8 bytes, this has " +
                    std::to_string(bytes.size()) + "; download it again",
                ErrorCode::corrupt_input);
  }
  uint64_t length = 0;
  for (size_t i = 0; i < length_field; ++i) length |= std::to_integer<uint64_t>(bytes[i]) << (8 * i);
  if (length > max_header) {
    throw Error(name + ": not a safetensors file: its header would be " + std::to_string(length) + " bytes, at most " +
                    std::to_string(max_header) + " are allowed",
                ErrorCode::corrupt_input);
  }
  if (length > bytes.size() - length_field) {
    throw Error(name + ": truncated: the header needs bytes up to " + std::to_string(length_field + length) +
                    ", the file has " + std::to_string(bytes.size()) + "; download it again",
                ErrorCode::corrupt_input);
  }
  return text.substr(length_field, length);
}

// The tensors must cover the data exactly, each byte once.
void check_cover(std::vector<Range>& ranges, size_t data_start, size_t file_size, const std::string& name) {
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  uint64_t covered = 0;
  std::string_view before;
  for (const Range& range : ranges) {
    if (range.begin < covered) {
      throw Error(name + ": tensor " + printable(range.tensor) + " overlaps tensor " + printable(before),
                  ErrorCode::corrupt_input);
    }
    if (range.begin > covered) {
      throw Error(name + ": " + std::to_string(range.begin - covered) + " bytes before tensor " +
                      printable(range.tensor) + " belong to no tensor",
                  ErrorCode::corrupt_input);
    }
    covered = range.end;
    before = range.tensor;
  }
  if (const size_t data = file_size - data_start; covered < data) {
    throw Error(name + ": " + std::to_string(data - covered) +
                    " bytes after the last tensor; expected the file to end at " +
                    std::to_string(data_start + covered) + ", it has " + std::to_string(file_size),
                ErrorCode::corrupt_input);
  }
}

}  // namespace

Safetensors::Parsed Safetensors::parse(std::span<const std::byte> bytes, std::string_view file) {
  const std::string name(file);
  const std::string_view text = header_text(bytes, name);
  if (!text.starts_with('{'))
    throw Error(name + ": not a safetensors file: its header is not a JSON object", ErrorCode::corrupt_input);
  const json header = parse_json(text, name, {.max_bytes = max_header, .max_depth = 8, .unique_keys = true});

  const size_t data_start = length_field + text.size();
  const uint64_t data_size = bytes.size() - data_start;
  Parsed parsed;
  std::vector<Range> ranges;
  for (const auto& [tensor, value] : header.get_ref<const json::object_t&>()) {
    if (tensor == "__metadata__") continue;
    const Entry entry(name, tensor, value);
    const std::string& type = entry.type();
    const std::vector<int64_t> shape = entry.shape();
    const auto [begin, end] = entry.range();
    if (end > data_size) {
      throw Error(name + ": truncated: tensor " + printable(tensor) + " needs bytes up to " +
                      std::to_string(data_start + end) + ", the file has " + std::to_string(bytes.size()) +
                      "; download it again",
                  ErrorCode::corrupt_input);
    }
    const uint64_t size = end - begin;
    const uint64_t elements = elements_of(entry, shape);
    const auto* stored = std::find_if(std::begin(stored_types), std::end(stored_types),
                                      [&](const StoredType& known) { return known.name == type; });
    const bool known = stored != std::end(stored_types);
    // A type unknown here has an unknown size, but no type is smaller than a bit.
    uint64_t expected = elements / 8;
    if (known && __builtin_mul_overflow(elements, stored->size, &expected)) {
      entry.fail("has a shape too large to be true");
    }
    if (known ? size != expected : size < expected) {
      entry.fail("of " + std::to_string(elements) + " elements of " + printable(type) + " has " + std::to_string(size) +
                 " bytes, expected " + (known ? "" : "at least ") + std::to_string(expected));
    }
    ranges.push_back({begin, end, tensor});
    if (known && stored->type && shape.size() <= Shape::max_rank) {
      parsed.tensors.emplace(tensor, TensorView(bytes.data() + data_start + begin, *stored->type, Shape(shape)));
    } else {
      parsed.unsupported.emplace(tensor, Unsupported{printable(type), shape, size});
    }
  }
  check_cover(ranges, data_start, bytes.size(), name);
  return parsed;
}

Safetensors Safetensors::open(const std::filesystem::path& path) {
  Safetensors opened;
  opened.path_ = path;
  opened.file_ = MappedFile(path);
  opened.parsed_ = parse(opened.file_.bytes(), path.string());
  return opened;
}

}  // namespace lectern
