// The models of a server as its other files see them: options, news and answers of pages are values of this room, and
// only served_model.cpp knows what reads. Tests put a stand-in here.
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

inline constexpr int max_tile_limit = 100;      // that a request may ask for
inline constexpr int max_pages_together = 128;  // likewise; the model's context may hold fewer

// Options of one page.
struct PageOptions {
  std::string mode = "auto";  // by its name
  std::string prompt;         // a name or words; empty: free
  int max_tiles = 0;          // of a page; 0: as many as the server allows, or the model was trained with
  int pages_together = 1;     // of a document, that are read in one sequence
  bool plain = false;         // text as people read it, instead of all that the model writes
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
  std::string bytes;  // of the text; a token that ends within a character has none, the next one all of it
  float logprob = 0;  // natural
};

struct PageAnswer {
  std::string text;
  std::string finish;  // end, length, context, stopped, loop, stop_string, deadline or blank
  std::string mode;    // as used
  int64_t prompt_tokens = 0;
  int64_t tokens = 0;  // written
  double encode_seconds = 0, prefill_seconds = 0, decode_seconds = 0;
  int views = 0;               // that the page was looked at in
  int64_t loops = 0;           // repetitions that were dropped
  std::string retry = "none";  // what else was done about them
  std::vector<PageWarning> warnings;
  std::vector<PageToken> written;  // where PageOptions asks for log-probabilities
};

// A page of a sequence, behind the first.
struct FurtherAnswer {
  PageAnswer answer;  // without text: that of all stands with the first
  std::shared_ptr<const Page> page{};
};

struct PageNews {
  enum class Kind : uint8_t {
    begun,     // it is being read
    text,      // more of it
    token,     // a token was written
    finished,  // the last news
    failed,    // the last news
  };
  Kind kind = Kind::begun;
  PagePrice price;                     // begun
  size_t keep = 0;                     // text: what was told so far is cut to so many bytes,
  std::string more;                    // then this is appended
  PageAnswer answer;                   // finished
  int status = 500;                    // failed: of HTTP,
  std::string error;                   // and why
  std::shared_ptr<const Page> page{};  // finished: all that was read
  std::vector<FurtherAnswer> further;  // finished: of the other pages of the sequence, in order
};

class ServedModel {
 public:
  virtual ~ServedModel() = default;
  virtual const std::string& name() const = 0;
  virtual ReaderLoad load() const { return {}; }
  // What documents say of it. `prompt` is that of documents for which none is asked.
  virtual DocumentInfo info() const = 0;
  // Throws Error for options that the model cannot serve; it names no file.
  virtual void check(const PageOptions& options) const = 0;
  // A page, or several that are read in one sequence. Returns at once with what ends them soon. `tell` is called on
  // other threads, one call at a time; it must neither throw nor wait.
  virtual std::function<void()> submit(const std::vector<Image>& images, const PageOptions& options,
                                       std::function<void(PageNews)> tell) = 0;
};

// A model that can be loaded.
struct ModelSource {
  std::string name;                         // that clients know it by
  std::vector<std::string> modes, prompts;  // that it takes, by their names
  bool pages_together = false;              // it reads several pages in one sequence
  int64_t bytes = 0;                        // of memory that it takes, about
  std::function<std::unique_ptr<ServedModel>()> load;
};

// What a server allows its models.
struct ReadingLimits {
  int batch = 0;      // pages read together on a device; 0: as many as help and as the memory holds
  int max_tiles = 0;  // of a page; 0: as many as the model was trained with
};

// A model that reads waiting pages together. `options` and `left_out` are those of load_models. Only the configuration
// is read now. The model's messages do not name its folder. Throws Error for a folder without a model.
ModelSource model_source(const std::string& name, const std::filesystem::path& folder, const ModelOptions& options,
                         const ReadingLimits& limits,
                         const std::function<void(const std::string& device, const std::string& why)>& left_out);

}  // namespace lectern::server
