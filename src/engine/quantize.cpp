#include "engine/quantize.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <system_error>

#include "checkpoint/packed.h"
#include "checkpoint/safetensors_writer.h"
#include "core/files/file.h"
#include "core/stopped.h"
#include "engine/loaded_model.h"
#include "lectern/error.h"

namespace lectern {
namespace {

namespace fs = std::filesystem;

// A folder that is removed again unless it is kept.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& target)
      : target_(target), path_(target.string() + fmt::format(".part-{}", ::getpid())) {
    std::error_code code;
    if (fs::exists(target_, code)) throw Error(target_.string() + ": is there already; choose a new folder");
    remove_abandoned();
    fs::create_directories(path_, code);
    if (code) throw Error(path_.string() + ": cannot be made: " + code.message(), ErrorCode::io);
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
    fs::rename(path_, target_, code);
    if (code) throw Error(target_.string() + ": cannot take its name: " + code.message(), ErrorCode::io);
    path_.clear();
  }

 private:
  // What processes left that are no more.
  void remove_abandoned() const {
    const std::string start = target_.filename().string() + ".part-";
    std::error_code failed;
    const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
      const std::string name = at->path().filename().string();
      if (!name.starts_with(start)) continue;
      pid_t process = 0;
      std::from_chars(name.data() + start.size(), name.data() + name.size(), process);
      std::error_code ignored;
      if (process > 0 && (process == ::getpid() || !is_running(process))) fs::remove_all(at->path(), ignored);
    }
  }

  fs::path target_;
  fs::path path_;
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
