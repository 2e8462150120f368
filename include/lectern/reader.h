// Reads pictures of pages: pictures go in, from any thread, and the text on them comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lectern/enums.h"
#include "lectern/export.h"
#include "lectern/image.h"
#include "lectern/model.h"
#include "lectern/page.h"

namespace lectern {

struct ReadOptions {
  Mode mode = Mode::automatic;
  // Allows a mode, and a prompt, that the model was not trained for.
  bool force_mode = false;
  // Of a page that is cut into tiles, at most so many; 1: none. 0: as many as the model was trained with.
  int max_tiles = 0;
  // markdown, ocr, free, figure, describe, locate:TEXT, or a prompt of one's own, with <image> where the picture goes
  // or without. Empty: free.
  std::string prompt;
  // Keep, in text that is streamed, the layout tags that the markdown prompt makes the model write.
  bool raw = false;
  // Tokens to write at most; 0: as many as the model's context holds.
  int64_t max_tokens = 0;
  // Keep the log-probability of every token, among all tokens of the vocabulary.
  bool logprobs = false;
  // 0 takes the likeliest token. Above, one is drawn among the likeliest that together have the probability top_p, with
  // the logits divided by the temperature; the same seed draws the same text.
  float temperature = 0;
  float top_p = 1;
  uint64_t seed = 0;
  // The text ends before the first of these that the model writes; empty ones do nothing.
  std::vector<std::string> stop;
  // Read a page on which the model repeats itself to the end once more in another way. Text that was told is taken back
  // then.
  bool retry = true;
};

enum class Stage : uint8_t { encode, prefill, decode };

struct Progress {
  Stage stage = Stage::encode;  // what begins, or goes on
  int64_t prompt_tokens = 0;    // from prefill on
  int64_t tokens = 0;           // written so far; less after a repetition was dropped
  double seconds = 0;           // of this stage
  // Of the page, told with the stage encode: how much there is to look at.
  int views = 0;
  int64_t vision_tokens = 0;
  double expected_seconds = 0;  // for it, by what earlier pages took; 0: not known, or too little to speak of
};

// Called on the thread that reads. All may be empty.
struct ReadEvents {
  // More text, in whole UTF-8 characters, rows of tables as lines with tabs between their cells: what was given so far
  // is cut to `keep` bytes, then `more` is appended. It is cut when a page on which the model repeated itself to the
  // end is read once more. Text comes up to some 60 tokens late, or, where the model seems to repeat itself, when that
  // is decided; the rest comes at the end of the page.
  std::function<void(size_t keep, std::string_view more)> text;
  std::function<void(const Progress&)> progress;
  std::stop_token stop;  // when stop is requested, reading ends soon, with what was read so far
};

// What happens to a page that was submitted.
struct ReadEvent {
  enum class Kind : uint8_t { text, progress, finished };  // finished is the last event
  Kind kind = Kind::text;
  size_t keep = 0;    // text: what was given so far is cut to so many bytes,
  std::string more;   // then this is appended
  Progress progress;  // progress
  Page page;          // finished: what was read, or why not in Page::error
};

// What a reader is doing.
struct ReaderLoad {
  int64_t pages = 0;            // that devices have in hand
  int64_t sequences = 0;        // texts that are written at the same time: of pages, or of views of their lines
  int64_t cache_positions = 0;  // of the KV caches: tokens that they hold at most,
  int64_t cache_used = 0;       // and now
  int64_t preemptions = 0;      // texts that gave their place in a cache to an older one so far, to be written anew
};

// A page that was submitted. Copies stand for the same page; none keeps the reader alive.
class LECTERN_EXPORT Ticket {
 public:
  // The page ends soon, with what was read so far and Finish::stopped. Any thread may call it, at any time.
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
  Page read(const Image& image, const ReadEvents& events = {}, const std::optional<ReadOptions>& options = {});
  Page read(const std::filesystem::path& file, const ReadEvents& events = {});

  // Returns at once. `on_event` is called on a thread of the reader's, one call at a time; it must not throw, and must
  // not wait for another page. Throws Error for options that the model cannot serve.
  Ticket submit(const Image& image, std::function<void(const ReadEvent&)> on_event,
                const std::optional<ReadOptions>& options = {});

  // Pages that are read together on all devices, at most; further ones wait.
  int batch() const;
  // Pages that a device had in hand together, at most so far.
  int max_together() const;
  // As of the last step of each device.
  ReaderLoad load() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace lectern
