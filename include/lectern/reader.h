// Reads pictures of pages: a picture goes in, the text on it comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "lectern/document.h"
#include "lectern/model.h"

namespace lectern {

struct ReadOptions {
  // tiny, small, base, large, gundam, native, or auto: gundam for a model trained at 1024 pixels, else native.
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
};

// Reads one page at a time; use one Reader a thread.
class Reader {
 public:
  // Throws Error for options that the model cannot serve.
  Reader(const Model& model, const ReadOptions& options);
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // A picture file: JPEG, PNG, WebP, TIFF, GIF, HEIC or AVIF. Throws Error, naming it, when it cannot be read.
  PageText read(const std::filesystem::path& file, const ReadEvents& events = {});
  // The same from memory; `name` stands for it in messages.
  PageText read(std::span<const std::byte> bytes, std::string_view name, const ReadEvents& events = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lectern
