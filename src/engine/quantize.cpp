#include "engine/quantize.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include "checkpoint/packed.h"
#include "checkpoint/safetensors_writer.h"
#include "core/log.h"
#include "core/stopped.h"
#include "core/unique_fd.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_start = ".lectern-", part_end = ".part";  // of its name; the process between them
constexpr const char* sign = ".made-by-lectern";                          // a file in it, locked while it is written

// A folder that is removed again unless it is kept. Its name is not made from the target's, which may be as long as the
// file system allows.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& target)
      : target_(target), beside_(target.has_parent_path() ? target.parent_path() : fs::path(".")) {
    std::error_code code;
    if (fs::exists(target_, code)) throw Error(target_.string() + ": is there already; choose a new folder");
    if (code) throw Error(target_.string() + ": cannot be made: " + code.message(), ErrorCode::io);
    fs::create_directories(beside_, code);
    remove_abandoned();
    static std::atomic<unsigned> counter{0};
    const fs::path path = beside_ / fmt::format("{}{}-{}{}", part_start, ::getpid(), counter++, part_end);
    if (!fs::create_directory(path, code)) {
      throw Error(fmt::format("{}: cannot be made: {}", path.string(), code ? code.message() : "it is there already"),
                  ErrorCode::io);
    }
    path_ = path;
    sign_ = UniqueFd(::open((path_ / sign).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (sign_) ::flock(sign_.get(), LOCK_EX | LOCK_NB);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }
  void keep() {
    std::error_code code;
    fs::remove(path_ / sign, code);
    fs::rename(path_, target_, code);
    if (code) throw Error(target_.string() + ": cannot take its name: " + code.message(), ErrorCode::io);
    path_.clear();
  }

 private:
  // What processes left that are no more, and nothing else of such a name.
  void remove_abandoned() const {
    std::error_code failed;
    std::vector<fs::path> abandoned;
    for (fs::directory_iterator at(beside_, failed), end; !failed && at != end; at.increment(failed)) {
      const std::string name = at->path().filename().string();
      if (!name.starts_with(part_start) || !name.ends_with(part_end)) continue;
      const UniqueFd signed_by(::open((at->path() / sign).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
      if (signed_by && ::flock(signed_by.get(), LOCK_EX | LOCK_NB) == 0) abandoned.push_back(at->path());
    }
    for (const fs::path& folder : abandoned) fs::remove_all(folder, failed);
  }

  fs::path target_;
  fs::path beside_;  // the folder in which it lies
  fs::path path_;    // empty once it has its name
  UniqueFd sign_;
};

}  // namespace

void quantize_model(const fs::path& in, const fs::path& out, WeightFormat format, Device& device,
                    const std::stop_token& stop) {
  if (format == WeightFormat::f32) throw Error("f32 is how the model is read as it is; choose bf16, q8 or q4");
  if (!read_packed(in).tensors.empty()) {
    throw Error(in.string() + ": was made by lectern quantize; give the folder it was made of");
  }
  NewFolder folder(fs::path(out.string().find_last_not_of('/') == std::string::npos
                                ? out.string()
                                : out.string().substr(0, out.string().find_last_not_of('/') + 1)));
  PackedTensors packed{.weights = format, .tensors = {}};
  std::map<std::string, Weight> matrices;
  const LoadedModel model(in, device, format, [&](const std::string& name, const Shape& shape, const Weight& matrix) {
    throw_if_stopped(stop);
    if (!matrix.storage) return;  // kept as it is
    packed.tensors.emplace(name, PackedTensors::Entry{matrix.format, shape});
    matrices.emplace(name, matrix);
  });
  std::vector<std::pair<std::string, TensorView>> tensors;
  tensors.reserve(model.checkpoint.entries().size());
  for (const auto& [name, matrix] : matrices) tensors.emplace_back(name, *matrix.storage);
  for (const Checkpoint::Entry& entry : model.checkpoint.entries()) {
    // Whole numbers are tables that other programs keep; the model here has no use for them.
    const bool is_float = entry.type == "f32" || entry.type == "f16" || entry.type == "bf16";
    if (is_float && !matrices.contains(entry.name))
      tensors.emplace_back(entry.name, model.checkpoint.weight(entry.name, model.checkpoint.shape_of(entry.name)));
  }
  log_info("model.quantized", {{"folder", out},
                               {"weights", name_of(format)},
                               {"packed", matrices.size()},
                               {"kept_as_they_are", tensors.size() - matrices.size()}});
  throw_if_stopped(stop);
  write_safetensors(folder.path() / "model.safetensors", tensors);
  write_packed(folder.path(), packed);
  for (const char* const name : {"config.json", "generation_config.json", "tokenizer.json"}) {
    std::error_code code;
    if (!fs::exists(in / name, code)) continue;
    if (!fs::copy_file(in / name, folder.path() / name, code))
      throw Error((folder.path() / name).string() + ": cannot be copied: " + code.message(), ErrorCode::io);
  }
  throw_if_stopped(stop);
  folder.keep();
}

}  // namespace lectern
