// Interface between the server and its models. Options, news and answers of pages are values of this room; only
// served_model.cpp uses the Reader, and tests put a fake in its place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lectern/image.h"
#include "lectern/model.h"
#include "lectern/page.h"
#include "lectern/reader.h"
#include "reading/models.h"
#include "server/page_price.h"

namespace lectern::server {

inline constexpr int max_tile_limit = 100;             // of a request
inline constexpr int64_t max_token_limit = 1'000'000;  // of a page
inline constexpr int max_pages_together = 128;         // of a request; the model's context may hold fewer

// Options of one page.
struct PageOptions {
  std::string mode = "auto";  // by its name
  std::string prompt;         // a name or words; empty: free
  int max_tiles = 0;          // of a page; 0: as many as the server allows or the model was trained with
  int pages_together = 1;     // pages of a document that are read in one sequence
  bool plain = false;         // plain text, instead of all that the model writes
  int64_t max_tokens = 0;     // 0: as many as the context holds
  float temperature = 0;
  float top_p = 1;
  uint64_t seed = 0;
  std::vector<std::string> stop;
  bool logprobs = false;
  bool retry = true;  // read the page in another way when the model repeats itself to the end
};

struct PageWarning {
  std::string code, message;
};

struct PageToken {
  std::string bytes;  // of the text; none if the token ends within a character, whose bytes then go to the next
  float logprob = 0;  // natural
};

struct PageAnswer {
  std::string text;
  std::string finish;  // end, length, context, stopped, loop, stop_string, deadline or blank
  std::string mode;    // as used
  int64_t prompt_tokens = 0;
  int64_t tokens = 0;  // written
  double encode_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  int views = 0;               // of the page
  int64_t loops = 0;           // repetitions that were dropped
  std::string retry = "none";  // remedy for them, besides
  std::vector<PageWarning> warnings;
  std::vector<PageToken> written;  // if PageOptions asks for log-probabilities
};

// A page of a sequence after the first.
struct FurtherAnswer {
  PageAnswer answer;  // without text, which the first page has for all of them
  std::shared_ptr<const Page> page{};
};

struct PageNews {
  enum class Kind : uint8_t {
    begun,     // reading began
    text,      // more text
    token,     // a token was written
    finished,  // the last news
    failed,    // the last news
  };
  Kind kind = Kind::begun;
  PagePrice price;                     // begun
  size_t keep = 0;                     // text: cut the text so far to so many bytes,
  std::string more;                    // then append this
  PageAnswer answer;                   // finished
  int status = 500;                    // failed: of HTTP,
  std::string error;                   // and why
  std::shared_ptr<const Page> page{};  // finished: the result
  std::vector<FurtherAnswer> further;  // finished: of the other pages of the sequence, in order
};

class ServedModel {
 public:
  virtual ~ServedModel() = default;
  virtual const std::string& name() const = 0;
  virtual ReaderLoad load() const { return {}; }
  // Facts for the head of documents. `prompt`: of documents for which none was asked.
  virtual DocumentInfo info() const = 0;
  // Throws Error, which names no file, for options that the model does not support.
  virtual void check(const PageOptions& options) const = 0;
  // Reads a page, or several in one sequence. Returns at once with a function that cancels them. `tell` is called on
  // other threads, one call at a time; it must neither throw nor wait.
  virtual std::function<void()> submit(const std::vector<Image>& images, const PageOptions& options,
                                       std::function<void(PageNews)> tell) = 0;
};

// A model that can be loaded.
struct ModelSource {
  std::string name;                         // for clients
  std::vector<std::string> modes, prompts;  // names of those that it supports
  bool pages_together = false;              // it can read several pages in one sequence
  int64_t bytes = 0;                        // of memory, approximately
  std::function<std::unique_ptr<ServedModel>()> load;
};

// Limits of a server for its models.
struct ReadingLimits {
  int batch = 0;      // pages read together on a device; 0: as many as speed it up and fit into memory
  int max_tiles = 0;  // of a page; 0: as many as the model was trained with
};

// Source of a model that batches waiting pages. `options` and `left_out` as for load_models. Reads only the
// configuration now. Messages of the model do not name its folder. Throws Error for a folder without a model.
ModelSource model_source(const std::string& name, const std::filesystem::path& folder, const ModelOptions& options,
                         const ReadingLimits& limits,
                         const std::function<void(const std::string& device, const std::string& why)>& left_out);

}  // namespace lectern::server
