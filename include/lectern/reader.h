// Reader of page pictures, for any number of threads.
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
  // Allow a mode or a prompt that the model was not trained for.
  bool force_mode = false;
  // Maximum number of tiles of a page. 1: no tiles. 0: as many as the model was trained with.
  int max_tiles = 0;
  // markdown, ocr, free, figure, describe, locate:TEXT, or a prompt of one's own, with <image> where the picture goes
  // or without. Empty: free.
  std::string prompt;
  // Keep the layout tags of the markdown prompt in streamed text.
  bool raw = false;
  // Maximum number of tokens to write; 0: as many as the model's context holds.
  int64_t max_tokens = 0;
  // Return the log-probability of every written token, over the whole vocabulary.
  bool logprobs = false;
  // Sampling. Temperature 0: greedy. Above 0, logits are divided by it, and a token is drawn from the likeliest ones
  // with total probability top_p. The same seed gives the same text.
  float temperature = 0;
  float top_p = 1;
  uint64_t seed = 0;
  // Stop strings: the text ends before the first one that the model writes. Empty strings are ignored.
  std::vector<std::string> stop;
  // Read a page again in another way if the model repeats itself to the end. Streamed text is then taken back (`keep`
  // of ReadEvents::text).
  bool retry = true;
};

enum class Stage : uint8_t { encode, prefill, decode };

struct Progress {
  Stage stage = Stage::encode;  // that begins or goes on
  int64_t prompt_tokens = 0;    // from prefill on
  int64_t tokens = 0;           // written so far; fewer after a repetition was dropped
  double seconds = 0;           // of this stage
  // Size of the page in views and tokens; set with the stage encode.
  int views = 0;
  int64_t vision_tokens = 0;
  double expected_seconds = 0;  // of encoding, estimated from earlier pages; 0: unknown or negligible
};

// Called on the thread that reads. All may be empty.
struct ReadEvents {
  // More text, in whole UTF-8 characters, table rows as lines with tabs between cells: cut the text so far to `keep`
  // bytes, then append `more`. Text is cut when a page is read again because the model repeated itself to the end.
  // Text may lag by some 60 tokens, or longer while the model seems to repeat itself; the rest comes at the end of the
  // page.
  std::function<void(size_t keep, std::string_view more)> text;
  std::function<void(const Progress&)> progress;
  std::stop_token stop;  // on request, reading ends soon with the text so far
};

// An event of a submitted page.
struct ReadEvent {
  enum class Kind : uint8_t { text, progress, finished };  // finished is the last event
  Kind kind = Kind::text;
  size_t keep = 0;            // text: cut the text so far to so many bytes,
  std::string more;           // then append this
  Progress progress;          // progress
  Page page;                  // finished: the result, or the failure in Page::error
  std::vector<Page> further;  // finished: of several pages in one sequence, those behind the first
};

// Load of a reader.
struct ReaderLoad {
  int64_t pages = 0;            // being read by the devices
  int64_t sequences = 0;        // being decoded: one for each page, or for each view of its lines
  int64_t cache_positions = 0;  // capacity of the KV caches in tokens
  int64_t cache_used = 0;       // tokens in use
  int64_t preemptions = 0;      // sequences so far that gave up their KV pages to older ones, to be recomputed later
};

// Handle of a submitted page. Copies refer to the same page; none keeps the reader alive.
class LECTERN_EXPORT Ticket {
 public:
  // Ends the page soon, with the text so far and Finish::stopped. Any thread, at any time.
  void cancel() const;

 private:
  friend class Reader;
  std::function<void()> cancel_;
};

// Reads pages for any number of threads: waiting pages are batched on one device or spread over several. The text of a
// page does not depend on the other pages in its batch. A process that was forked cannot use the readers of its parent,
// whose threads it does not have; it can make readers of its own.
class LECTERN_EXPORT Reader {
 public:
  // `options` are the default of all pages. `batch`: pages read together on a device; 0: as many as speed it up and fit
  // into memory. Throws Error for options that the model does not support.
  explicit Reader(const Model& model, const ReadOptions& options = {}, int batch = 0);
  // One model for each device, made by Model::on. Throws Error for an empty list.
  explicit Reader(const std::vector<Model>& models, const ReadOptions& options = {}, int batch = 0);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  // Cancels submitted pages and waits for their last events; pages submitted from these are refused. No call of read()
  // may be running, and no event function may destroy its reader. In a fork of its process it does nothing.
  ~Reader();

  // Blocks until the page is read. Events come on the calling thread; an exception from them ends the page and is
  // passed on. Throws Error, naming the image, when it cannot be read.
  Page read(const Image& image, const ReadEvents& events = {}, const std::optional<ReadOptions>& options = {});
  Page read(const std::filesystem::path& file, const ReadEvents& events = {},
            const std::optional<ReadOptions>& options = {});

  // Returns at once. `on_event` is called on a thread of the reader, one call at a time; it may submit and cancel
  // pages, but must not wait for one. An exception from it ends the page: the last event, which still comes, has it in
  // Page::error; what the last event throws is logged. Throws Error for options that the model does not support.
  Ticket submit(const Image& image, std::function<void(const ReadEvent&)> on_event,
                const std::optional<ReadOptions>& options = {});

  // Reads several pages in one sequence, by a model trained for it (Unlimited-OCR). Text is that of all of them, with
  // <PAGE> before each; the finished pages have their parts of it. Throws Error for a model that does not know it.
  Ticket submit(const std::vector<Image>& images, std::function<void(const ReadEvent&)> on_event,
                const std::optional<ReadOptions>& options = {});

  // Maximum number of pages read together on all devices; further pages wait.
  int batch() const;
  // Largest batch of a device so far.
  int max_together() const;
  // As of the last step of each device.
  ReaderLoad load() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lectern
