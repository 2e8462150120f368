#include "server/served_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/loaded_model.h"
#include "engine/prompts.h"
#include "lectern/error.h"
#include "lectern/reader.h"
#include "reading/model_parts.h"
#include "reading/models.h"
#include "reading/page_readers.h"
#include "reading/read_settings.h"

namespace lectern::server {
namespace {

ReadOptions read_options(const PageOptions& options, int max_tiles) {
  ReadOptions made;
  made.mode = parse_mode(options.mode);
  made.max_tiles = options.max_tiles > 0 ? options.max_tiles : max_tiles;
  made.prompt = options.prompt;
  made.raw = !options.plain;
  made.max_tokens = options.max_tokens;
  made.temperature = options.temperature;
  made.top_p = options.top_p;
  made.seed = options.seed;
  made.stop = options.stop;
  made.logprobs = options.logprobs;
  made.retry = options.retry;
  return made;
}

PageAnswer answer_of(const Page& page, std::string text, int views) {
  PageAnswer answer;
  answer.text = std::move(text);
  answer.finish = name_of(page.finish);
  answer.mode = name_of(page.mode);
  answer.prompt_tokens = page.stats.prompt_tokens;
  answer.tokens = page.stats.tokens;
  answer.encode_seconds = page.stats.encode_seconds;
  answer.prefill_seconds = page.stats.prefill_seconds;
  answer.decode_seconds = page.stats.decode_seconds;
  answer.views = views;
  answer.loops = page.guard.loops;
  answer.retry = name_of(page.guard.action);
  for (const Warning& warning : page.warnings) {
    answer.warnings.push_back({std::string(name_of(warning.code)), warning.message});
  }
  size_t begin = 0;
  for (size_t i = 0; i < page.token_ends.size() && i < page.token_logprobs.size(); ++i) {
    answer.written.push_back({page.raw.substr(begin, page.token_ends[i] - begin), page.token_logprobs[i]});
    begin = page.token_ends[i];
  }
  return answer;
}

class ReaderModel final : public ServedModel {
 public:
  ReaderModel(std::string name, const std::vector<Model>& models, const ReadingLimits& limits)
      : name_(std::move(name)),
        limits_(limits),
        models_(models),
        reader_(std::in_place, models, ReadOptions{}, limits.batch) {}
  ~ReaderModel() override {
    reader_.reset();
    begin_to_end(models_);
  }
  ReaderModel(const ReaderModel&) = delete;
  ReaderModel& operator=(const ReaderModel&) = delete;

  const std::string& name() const override { return name_; }

  ReaderLoad load() const override { return reader_->load(); }

  DocumentInfo info() const override {
    DocumentInfo info = describe_models(models_);
    const ModelDescription& model = files_of(models_.front()).description();
    const Prompt markdown = parse_prompt("markdown", model);
    info.prompt = knows_grounding(models_.front(), markdown) ? markdown.name : std::string(model.prompts.front().name);
    return info;
  }

  void check(const PageOptions& options) const override {
    if (limits_.max_tiles > 0 && options.max_tiles > limits_.max_tiles) {
      throw Error(fmt::format("`max_tiles` {}: this server allows {} at most", options.max_tiles, limits_.max_tiles));
    }
    try {
      const ReadOptions read = read_options(options, limits_.max_tiles);
      for (const Model& model : models_) {
        check_read_options(model, read);
        check_max_tiles(model, read_options(options, 0), options.pages_together);
        if (options.pages_together > 1) check_pages_together(model, read, options.pages_together);
        if (read.logprobs && reads_lines(model, read)) {
          throw Error(
              "logprobs: pages are read line by line, and the tokens of lines are not those of the text; ask for "
              "lectern.mode native");
        }
      }
    } catch (const Error& error) {
      throw Error(without_folder(error.what()), error.code());
    }
  }

  std::function<void()> submit(const std::vector<Image>& images, const PageOptions& options,
                               std::function<void(PageNews)> tell) override {
    // The text of one page is the model's; that of several is what was streamed, which alone has the marks between
    // them.
    const bool told_counts = options.plain || images.size() > 1;
    const auto take = [this, told_counts, text = std::string(), views = 0,
                       told = std::move(tell)](const ReadEvent& event) mutable {
      if (event.kind == ReadEvent::Kind::text && told_counts) {
        text.resize(event.keep);
        text += event.more;
      }
      if (event.kind == ReadEvent::Kind::progress) views = std::max(views, event.progress.views);
      told(news_of(event, told_counts ? text : event.page.raw, views));
    };
    const Ticket ticket = reader_->submit(images, take, read_options(options, limits_.max_tiles));
    return [ticket] { ticket.cancel(); };
  }

 private:
  std::string without_folder(std::string text) const {
    const std::string folder = files_of(models_.front()).checkpoint.folder().string();
    for (size_t at = text.find(folder); !folder.empty() && at != std::string::npos; at = text.find(folder, at)) {
      text.replace(at, folder.size(), name_);
      at += name_.size();
    }
    return text;
  }

  PageNews news_of(const ReadEvent& event, const std::string& text, int views) const {
    PageNews news;
    switch (event.kind) {
      case ReadEvent::Kind::text:
        news.kind = PageNews::Kind::text;
        news.keep = event.keep;
        news.more = event.more;
        break;
      case ReadEvent::Kind::progress:
        news.kind = event.progress.stage == Stage::decode ? PageNews::Kind::token : PageNews::Kind::begun;
        news.price = {event.progress.views, event.progress.expected_seconds};
        break;
      case ReadEvent::Kind::finished:
        if (event.page.error.empty()) {
          news.kind = PageNews::Kind::finished;
          news.answer = answer_of(event.page, text, views);
          news.page = std::make_shared<const Page>(event.page);
          for (const Page& page : event.further) {
            news.further.push_back({answer_of(page, "", 0), std::make_shared<const Page>(page)});
          }
        } else {
          news.kind = PageNews::Kind::failed;
          news.status = event.page.error_code == ErrorCode::out_of_memory ? 503 : 500;
          news.error = without_folder(event.page.error);
        }
    }
    return news;
  }

  const std::string name_;
  const ReadingLimits limits_;
  const std::vector<Model> models_;
  std::optional<Reader> reader_;  // last: its events use the others
};

}  // namespace

ModelSource model_source(const std::string& name, const std::filesystem::path& folder, const ModelOptions& options,
                         const ReadingLimits& limits, const DeviceLeftOut& left_out) {
  const ModelFiles files(folder);
  ModelSource source;
  source.name = name;
  for (const std::string_view word : names<Mode>) {
    try {
      files.plan(*named<Mode>(word), false);
      source.modes.emplace_back(word);
    } catch (const Error&) {
      continue;  // the model does not have this mode
    }
  }
  source.pages_together = files.description().pages_prompt.has_value();
  const bool of_lines = files.checkpoint.config().rows.has_value();  // and was trained for their text alone
  for (const TrainedPrompt& prompt : files.description().prompts) {
    if (!of_lines || prompt.all_text) source.prompts.emplace_back(prompt.name);
  }
  if (files.description().locates && !of_lines) source.prompts.emplace_back("locate:TEXT");
  for (const Checkpoint::Entry& entry : files.checkpoint.entries()) source.bytes += static_cast<int64_t>(entry.bytes);
  source.load = [name, folder, options, limits, left_out] {
    return std::make_unique<ReaderModel>(name, load_models(folder, options, left_out), limits);
  };
  return source;
}

}  // namespace lectern::server
