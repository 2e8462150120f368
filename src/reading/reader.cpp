#include "lectern/reader.h"

#include <vector>

#include "image/picture_file.h"
#include "reading/model_page_reader.h"

namespace lectern {

struct Reader::State {
  PageText read(Picture picture, const ReadEvents& events);
  static PageText finished(PageText text, const DocumentPage& page);

  ModelPageReader reader;
};

PageText Reader::State::read(Picture picture, const ReadEvents& events) {
  PageText text;
  PageJob job;
  job.page.width = picture.width;
  job.page.height = picture.height;
  job.picture = std::make_shared<const Picture>(std::move(picture));
  // Nothing must be left behind, whatever is thrown.
  const struct Cleared {
    ModelPageReader& reader;
    ~Cleared() { reader.clear(); }
  } cleared{reader};
  reader.add(std::move(job));
  std::vector<PageEvent> told;
  for (;;) {
    if (events.stop.stop_requested()) reader.cancel(0);
    reader.step(told);
    for (const PageEvent& event : told) {
      switch (event.kind) {
        case PageEvent::Kind::text:
          text.text.resize(event.keep);
          text.text += event.more;
          if (events.text) events.text(event.keep, event.more);
          break;
        case PageEvent::Kind::progress:
          if (events.progress) events.progress(event.progress);
          break;
        case PageEvent::Kind::failed: std::rethrow_exception(event.error);
        case PageEvent::Kind::finished: return finished(std::move(text), event.page);
      }
    }
    told.clear();
  }
}

PageText Reader::State::finished(PageText text, const DocumentPage& page) {
  text.finish = page.finish;
  text.mode = page.mode;
  text.vision_tokens = page.vision_tokens;
  text.prompt_tokens = page.prompt_tokens;
  text.tokens = page.tokens;
  text.guard = page.guard;
  text.encode_seconds = page.encode_seconds;
  text.prefill_seconds = page.prefill_seconds;
  text.decode_seconds = page.decode_seconds;
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
