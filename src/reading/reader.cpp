#include "lectern/reader.h"

#include <optional>

#include "core/threads.h"
#include "device/registry.h"
#include "engine/loaded_model.h"
#include "image/picture_file.h"
#include "reading/model_page_reader.h"

namespace lectern {

Model Model::load(const std::filesystem::path& folder, std::string_view weights, std::string_view device,
                  std::string_view without) {
  Device& on = open_device(device, without);
  return Model(std::make_shared<LoadedModel>(folder, on, weight_format(weights, folder, on)));
}

int Model::native_size() const { return loaded_->checkpoint.config().native_size; }

void use_threads(int count) { set_threads(count); }

struct Reader::State {
  PageText read(Picture picture, const ReadEvents& events);

  ModelPageReader reader;
};

PageText Reader::State::read(Picture picture, const ReadEvents& events) {
  PageText text;
  std::optional<DocumentPage> page;
  PageJob job;
  job.page.width = picture.width;
  job.page.height = picture.height;
  job.picture = std::make_shared<const Picture>(std::move(picture));
  job.stop = events.stop;
  job.progress = events.progress;
  job.text = [&](size_t keep, std::string_view more) {
    text.text.resize(keep);
    text.text += more;
    if (events.text) events.text(more);
  };
  job.done = [&](DocumentPage read) { page = std::move(read); };
  // Nothing must be left behind that points to here, whatever is thrown.
  const struct Cleared {
    ModelPageReader& reader;
    ~Cleared() { reader.clear(); }
  } cleared{reader};
  reader.add(std::move(job));
  while (!page) reader.step();
  text.finish = page->finish;
  text.mode = page->mode;
  text.vision_tokens = page->vision_tokens;
  text.prompt_tokens = page->prompt_tokens;
  text.tokens = page->tokens;
  text.guard = page->guard;
  text.encode_seconds = page->encode_seconds;
  text.prefill_seconds = page->prefill_seconds;
  text.decode_seconds = page->decode_seconds;
  return text;
}

Reader::Reader(const Model& model, const ReadOptions& options)
    : state_(new State{ModelPageReader(model, options, 1)}) {}
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;
Reader::~Reader() = default;

PageText Reader::read(const std::filesystem::path& file, const ReadEvents& events) {
  return state_->read(read_picture(file), events);
}

PageText Reader::read(std::span<const std::byte> bytes, std::string_view name, const ReadEvents& events) {
  return state_->read(read_picture(bytes, name), events);
}

}  // namespace lectern
