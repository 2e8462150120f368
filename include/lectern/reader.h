// Reads pictures of pages: pictures go in, from any thread, and the text on them comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/document.h"
#include "lectern/export.h"
#include "lectern/image.h"
#include "lectern/model.h"

namespace lectern {

struct ReadOptions {
  // tiny, small, base, large, gundam, native, lines, or auto: gundam for a model trained at 1024 pixels, lines for one
  // that was trained on rows of text, else native.
  std::string mode = "auto";
  // Allows a mode that the model was not trained for.
  bool force_mode = false;
  // markdown, ocr, free, figure, describe, locate:TEXT, or a prompt of one's own, with <image> where the picture goes
  // or without. Empty: free.
  std::string prompt;
  // Keep the layout tags that the markdown prompt makes the model write.
  bool raw = false;
  // Tokens to write at most; 0: as many as the model's context holds.
  int64_t max_tokens = 0;
  // Keep the log-probability of every token, among all tokens of the vocabulary.
  bool logprobs = false;
};

enum class Stage : uint8_t { encode, prefill, decode };

struct Progress {
  Stage stage = Stage::encode;  // what begins, or goes on
  int64_t prompt_tokens = 0;    // from prefill on
  int64_t tokens = 0;           // written so far; less after a repetition was dropped
  double seconds = 0;           // of this stage
};

// Called on the thread that reads. All may be empty.
struct ReadEvents {
  // More text, in whole UTF-8 characters: what was given so far is cut to `keep` bytes, then `more` is appended. It is
  // cut when a page on which the model repeated itself to the end is read once more. Text comes up to some 60 tokens
  // late, or, where the model seems to repeat itself, when that is decided; the rest comes at the end of the page.
  std::function<void(size_t keep, std::string_view more)> text;
  std::function<void(const Progress&)> progress;
  std::stop_token stop;  // when stop is requested, reading ends soon, with what was read so far
};

struct PageText {
  std::string text;    // UTF-8; rows of tables are lines with tabs between their cells, but for prompts of layout
  std::string finish;  // end, length, context, stopped or loop: the model repeated itself, which was dropped
  std::string mode;    // as used
  int64_t vision_tokens = 0;
  int64_t prompt_tokens = 0;  // vision tokens included
  int64_t tokens = 0;         // written, without the dropped ones
  GuardReport guard;
  double encode_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  std::vector<Block> blocks;
  std::vector<Warning> warnings;
  std::vector<float> token_logprobs;  // where ReadOptions asks for them
  std::optional<double> confidence;   // as that of a DocumentPage
};

// What happens to a page that was submitted.
struct ReadEvent {
  enum class Kind : uint8_t { text, progress, finished, failed };  // the last two are the last event
  Kind kind = Kind::text;
  size_t keep = 0;    // text: what was given so far is cut to so many bytes,
  std::string more;   // then this is appended
  Progress progress;  // progress
  PageText page;      // finished
  std::string error;  // failed: why
};

// A page that was submitted. Copies stand for the same page; none keeps the reader alive.
class LECTERN_EXPORT Ticket {
 public:
  // The page ends soon, as finished with what was read so far. Any thread may call it, at any time.
  void cancel() const;

 private:
  friend class Reader;
  std::function<void()> cancel_;
};

// Reads pages for any number of threads: pages that are there at one time are read together, on one device or spread
// over several. What is read does not depend on the company.
class LECTERN_EXPORT Reader {
 public:
  // `options` are those of pages that are given none of their own. `batch`: pages read together on a device; 0: as many
  // as help and as the memory holds. Throws Error for options that the model cannot serve.
  explicit Reader(const Model& model, const ReadOptions& options = {}, int batch = 0);
  // One model a device, as Model::on gives them. Throws Error where there is none.
  explicit Reader(const std::vector<Model>& models, const ReadOptions& options = {}, int batch = 0);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  // Cancels pages that are being read, and waits for their events. No call of read may be under way.
  ~Reader();

  // Waits for the page; its events come on the calling thread, and what they throw ends the page and is passed on.
  // Throws Error, naming the image, when it cannot be read.
  PageText read(const Image& image, const ReadEvents& events = {}, const std::optional<ReadOptions>& options = {});
  PageText read(const std::filesystem::path& file, const ReadEvents& events = {});
  PageText read(std::span<const std::byte> bytes, std::string_view name, const ReadEvents& events = {});

  // Returns at once. `on_event` is called on a thread of the reader's, one call at a time; it must not throw, and must
  // not wait for another page. Throws Error for options that the model cannot serve.
  Ticket submit(const Image& image, std::function<void(const ReadEvent&)> on_event,
                const std::optional<ReadOptions>& options = {});

  // Pages that a device had in hand together, at most so far.
  int max_together() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lectern
