#include "hub/pull.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "core/files/file.h"
#include "core/files/json_file.h"
#include "core/format_bytes.h"
#include "core/log.h"
#include "core/number.h"
#include "core/stopped.h"
#include "core/text.h"
#include "core/unique_fd.h"
#include "hub/http.h"
#include "hub/listing.h"
#include "hub/model_store.h"
#include "hub/part_file.h"
#include "hub/shared_cache.h"
#include "lectern/error.h"

namespace lectern::hub {
namespace {

namespace fs = std::filesystem;

// What to do without a network.
constexpr std::string_view by_hand =
    "Without a network, bring config.json, tokenizer.json and all *.safetensors of the model (packed.json too, where "
    "it has one) in a folder, and name that folder as the model";
constexpr int max_redirects = 10;
constexpr std::chrono::seconds max_pause{60};
constexpr int64_t progress_worth_counting = int64_t{1} << 20;

// Keeps a second pull of the same model away while it is open.
UniqueFd lock(const fs::path& folder, const ModelName& name) {
  const fs::path path = folder / ".lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file) throw system_error(path, "cannot be written", errno);
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw Error(name.text() + ": another lectern is pulling it; wait until that one is done", ErrorCode::io);
  }
  return file;
}

// -1 for what is no number.
int64_t number(std::string_view text) { return std::max<int64_t>(whole_number(text).value_or(-1), -1); }

void make_folders(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code)
    throw Error(fmt::format("{}: the folder cannot be made: {}", folder.string(), code.message()), ErrorCode::io);
}

class Puller {
 public:
  Puller(const PullOptions& options, const PullEvents& events)
      : options_(options), events_(events), client_(options.stall), origin_(origin_of(options.endpoint)) {}

  Pulled run() {
    const Listing listing = list();
    ModelName name = options_.name;
    name.revision = listing.commit;
    log_info("hub.listed", {{"model", name.text()},
                            {"commit", listing.commit},
                            {"files", listing.files.size()},
                            {"bytes", listing.bytes()},
                            {"hub", origin_}});
    const fs::path home = options_.store / name.folder();
    const fs::path target = home / listing.commit;
    const fs::path partial = home / (listing.commit + std::string(partial_suffix));
    make_folders(home);
    const UniqueFd locked = lock(home, name);
    std::error_code ignored;
    if (fs::exists(target, ignored)) {
      if (holds_its_files(target)) {
        fs::last_write_time(target, fs::file_time_type::clock::now(), ignored);  // it is now the one pulled last
        return {target, listing.commit, true};
      }
      note(fmt::format("{}: is damaged and is mended", target.string()));
      fs::remove_all(partial, ignored);
      rename(target, partial);
    }
    if (const auto cached = cached_model(options_.shared_cache, name); cached && holds(cached->folder, listing)) {
      note(fmt::format("{}: is in the cache of Hugging Face already and is used from there", name.text()));
      return {cached->folder, listing.commit, true};
    }
    note(fmt::format("{}: {} in {} files, licence {}", name.text(), format_bytes(listing.bytes()), listing.files.size(),
                     listing.licence.empty() ? "not named by the hub" : listing.licence));
    make_folders(partial);
    require_space(partial, listing);
    progress_.total = listing.bytes();
    std::vector<StoredFile> files;
    for (const ListedFile& file : listing.files) {
      fetch(file, listing.commit, partial);
      files.push_back({file.name, file.size});
    }
    write_manifest(partial, name, options_.endpoint, files);
    rename(partial, target);
    remove_partial_folders(home);
    return {target, listing.commit, false};
  }

 private:
  void note(const std::string& text) const {
    if (events_.note) events_.note(text);
  }

  // Of other commits of this model, left by pulls that were cut: its name leads to the new one now. The lock is held.
  void remove_partial_folders(const fs::path& home) const {
    std::error_code ignored;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(home, ignored)) {
      std::string commit = entry.path().filename().string();
      if (!commit.ends_with(partial_suffix)) continue;
      commit.resize(commit.size() - partial_suffix.size());
      if (is_commit(commit)) old.push_back(entry.path());
    }
    for (const fs::path& folder : old) {
      const int64_t bytes = bytes_in(folder);
      fs::remove_all(folder, ignored);
      note(fmt::format("{}: {} of an earlier pull that was cut, removed", folder.string(), format_bytes(bytes)));
    }
  }

  static void rename(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) throw system_error(to, "cannot be made", errno);
  }

  std::string model_url() const { return options_.endpoint + "/" + options_.name.text(); }

  Listing list() {
    const std::string revision = options_.name.revision.empty() ? "main" : options_.name.revision;
    const std::string url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", options_.endpoint,
                                        options_.name.text(), percent_encoded(revision));
    std::string text;
    persist(
        "the list of files", [] { return int64_t{0}; },
        [&] {
          text.clear();
          get(url, {}, [&](const HttpAnswer&, std::span<const std::byte> block) {
            if (text.size() + block.size() > max_listing_bytes) {
              throw Error(fmt::format("{}: the hub's list of its files is longer than {} bytes", options_.name.text(),
                                      max_listing_bytes),
                          ErrorCode::io);
            }
            text.append(reinterpret_cast<const char*>(block.data()), block.size());
          });
        });
    return parse_listing(text, options_.name);
  }

  void require_space(const fs::path& partial, const Listing& listing) const {
    int64_t missing = listing.bytes();
    for (const ListedFile& file : listing.files) {
      for (const fs::path& path : {partial / file.name, partial / (file.name + ".part")}) {
        std::error_code code;
        const auto size = fs::file_size(path, code);
        if (!code) missing -= std::min(static_cast<int64_t>(size), file.size);
      }
    }
    std::error_code code;
    const fs::space_info space = fs::space(partial, code);
    if (!code && missing > 0 && static_cast<uintmax_t>(missing) > space.available) {
      throw Error(
          fmt::format(
              "{}: {} are still to come, and {} are free; make room, or set XDG_CACHE_HOME to a folder on another disk",
              partial.string(), format_bytes(missing), format_bytes(static_cast<int64_t>(space.available))),
          ErrorCode::io);
    }
  }

  // One file, verified, under its name in `partial`.
  void fetch(const ListedFile& file, const std::string& commit, const fs::path& partial) {
    const std::string url = fmt::format("{}/resolve/{}/{}", model_url(), commit, percent_encoded(file.name));
    PartFile part(partial, file, events_.stop);
    const int64_t before = progress_.done;
    const auto report = [&] {
      progress_.file = file.name;
      progress_.done = before + part.size();
      if (events_.progress) events_.progress(progress_);
    };
    for (bool again = part.size() > 0;; again = false) {
      report();
      std::string tag;  // of what this connection's predecessor sent
      if (!part.whole())
        persist(
            file.name, [&] { return part.size(); }, [&] { load(file, url, part, tag, report); });
      const std::string digest = part.digest();
      if (digest == file.digest) break;
      part.restart();
      if (!again) {
        throw Error(
            fmt::format("{}: what came is not what the hub lists ({} {} instead of {}); it was thrown away. "
                        "Try again, or another `mirror`",
                        file.name, file.kind == DigestKind::sha256 ? "SHA-256" : "git SHA-1", digest, file.digest),
            ErrorCode::io);
      }
      note(file.name + ": what an earlier pull left does not match; from the start");
    }
    part.take_name();
    log_info("hub.verified", {{"file", file.name}, {"bytes", file.size}});
    note(fmt::format("{}: {}, verified", file.name, format_bytes(file.size)));
  }

  // Asks for what is missing of a file, and takes what comes.
  template <typename Report>
  void load(const ListedFile& file, const std::string& url, PartFile& part, std::string& tag, const Report& report) {
    const int64_t from = part.size();
    std::vector<std::string> headers;
    if (from > 0) {
      headers.push_back(fmt::format("Range: bytes={}-", from));
      if (!tag.empty()) headers.push_back("If-Range: " + tag);
    }
    bool begun = false;
    const auto begin = [&](const HttpAnswer& answer) {
      begun = true;
      const std::string sent_tag = answer.header("etag");
      tag = sent_tag.starts_with('"') ? sent_tag : "";  // a weak one may not be asked for
      // What the answer says of itself counts, whatever its status: servers send parts with 200 too.
      const std::string range = answer.header("content-range");
      const std::string expected = fmt::format("bytes {}-{}/{}", from, file.size - 1, file.size);
      if (answer.status == 206 ? range != expected : !range.empty() && range != expected) {
        part.restart();
        throw TryAgain{
            fmt::format("the server sends the part '{}' of the file instead of '{}'", printable(range), expected)};
      }
      if (range.empty() && from > 0) part.restart();  // the server sends all of it
      const int64_t length = number(answer.header("content-length"));
      if (length >= 0 && length != file.size - part.size()) {
        throw Error(fmt::format("{}: the server has {} bytes of it, the hub lists {}; try another `mirror`", file.name,
                                length + part.size(), file.size),
                    ErrorCode::io);
      }
    };
    const auto take = [&](const HttpAnswer& answer, std::span<const std::byte> block) {
      if (!begun) begin(answer);
      part.append(block);
      progress_.loaded += static_cast<int64_t>(block.size());
      report();
    };
    const auto check_link = [&](const HttpAnswer& answer) {
      const std::string size = answer.header("x-linked-size");
      if (!size.empty() && number(size) != file.size) {
        throw Error(fmt::format("{}: the server's file has {} bytes, the hub lists {}; try another `mirror`", file.name,
                                printable(size), file.size),
                    ErrorCode::io);
      }
    };
    const long status = get(url, headers, take, check_link).status;
    if (status == 416) {
      part.restart();
      throw TryAgain{"the server cannot go on where the connection broke"};
    }
    if (!part.whole()) throw TryAgain{"the server ended early"};
  }

  // Follows redirects; the token stays with the endpoint. `on_answer` sees every answer on the way.
  template <typename OnAnswer>
  HttpAnswer get(const std::string& url, const std::vector<std::string>& headers, const TakeBody& take,
                 const OnAnswer& on_answer) {
    std::string next = url;
    for (int hop = 0; hop <= max_redirects; ++hop) {
      std::vector<std::string> sent = headers;
      const std::string origin = origin_of(next);
      if (origin_.starts_with("https://") && origin.starts_with("http://")) {
        throw Error(fmt::format("{}: redirects to {}, which is not encrypted; refused", options_.endpoint, origin),
                    ErrorCode::io);
      }
      if (!options_.token.empty() && origin == origin_) sent.push_back("Authorization: Bearer " + options_.token);
      HttpAnswer answer = client_.get(next, sent, take, events_.stop);
      // Not the address behind a redirect, which may be signed: who has it, has the file.
      log_debug("hub.answered", {{"url", hop == 0 ? next : origin}, {"status", answer.status}, {"hop", hop}});
      on_answer(answer);
      if (answer.status >= 300 && answer.status < 400 && !answer.redirect.empty()) {
        next = answer.redirect;
      } else {
        require_success(answer);
        return answer;
      }
    }
    throw Error(fmt::format("{}: redirects more than {} times", printable(url), max_redirects), ErrorCode::io);
  }

  void get(const std::string& url, const std::vector<std::string>& headers, const TakeBody& take) {
    get(url, headers, take, [](const HttpAnswer&) {});
  }

  // 416 is left to the caller.
  void require_success(const HttpAnswer& answer) const {
    const long status = answer.status;
    if ((status >= 200 && status < 300) || status == 416) return;
    const std::string name = options_.name.text();
    const std::string code = answer.header("x-error-code");
    const std::string reason = printable(answer.header("x-error-message"));
    if (status == 408 || status == 429 || status >= 500) {
      const auto wait = std::chrono::seconds(std::max<int64_t>(number(answer.header("retry-after")), 0));
      throw TryAgain{
          status == 429 ? "the server is asked too often (429)" : fmt::format("the server is not well ({})", status),
          std::min(wait, max_pause)};
    }
    if (code == "GatedRepo") {
      throw Error(fmt::format("{}: is gated: accept its terms on {}, then set HF_TOKEN to a token of that account",
                              name, model_url()),
                  ErrorCode::io);
    }
    if (code == "RevisionNotFound") {
      throw Error(fmt::format("{}: has no revision '{}'", name, options_.name.revision), ErrorCode::not_found);
    }
    if (status == 401 || status == 403) {
      throw Error(options_.token.empty()
                      ? fmt::format("{}: {} does not give it out ({}): there is no such model, or it is private; "
                                    "check the name, or set HF_TOKEN",
                                    name, options_.endpoint, status)
                      : fmt::format("{}: {} does not give it out to the owner of HF_TOKEN ({})", name,
                                    options_.endpoint, status),
                  ErrorCode::io);
    }
    if (status == 404)
      throw Error(fmt::format("{}: is not there on {} (404)", name, options_.endpoint), ErrorCode::not_found);
    throw Error(
        fmt::format("{}: {} answers {}{}{}", name, options_.endpoint, status, reason.empty() ? "" : ": ", reason),
        ErrorCode::io);
  }

  // Tries until it succeeds; gives up after some attempts in a row that took it next to no further.
  template <typename Reached, typename Attempt>
  void persist(const std::string& what, const Reached& reached, const Attempt& attempt) {
    int64_t furthest = reached();
    for (int failures = 1;; ++failures) {
      try {
        return attempt();
      } catch (const TryAgain& trouble) {
        if (reached() - furthest >= progress_worth_counting) failures = 1;
        furthest = std::max(furthest, reached());
        const bool no_network = trouble.unreachable && progress_.loaded == 0;
        const int attempts =
            no_network ? std::min(options_.attempts, options_.unreachable_attempts) : options_.attempts;
        if (failures >= attempts) {
          throw Error(fmt::format("{}: {}; given up after {} attempts. {}", what, trouble.reason, failures,
                                  no_network ? by_hand : "What came is kept: the same command goes on from there"),
                      ErrorCode::io);
        }
        const auto pause = std::max<std::chrono::milliseconds>(
            trouble.at_least,
            std::min<std::chrono::milliseconds>(options_.pause * (1 << std::min(failures - 1, 10)), max_pause));
        log_info("hub.tried_again", {{"what", what},
                                     {"because", trouble.reason},
                                     {"attempt", failures + 1},
                                     {"pause", std::chrono::duration<double>(pause).count()}});
        note(fmt::format("{}: {}; trying again in {:.0f} s", what, trouble.reason,
                         static_cast<double>(pause.count()) / 1e3));
        wait(pause);
      }
    }
  }

  void wait(std::chrono::milliseconds time) const {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, events_.stop, time, [] { return false; });
    throw_if_stopped(events_.stop);
  }

  const PullOptions& options_;
  const PullEvents& events_;
  HttpClient client_;
  std::string origin_;
  PullProgress progress_;
};

}  // namespace

Pulled pull(const PullOptions& options, const PullEvents& events) { return Puller(options, events).run(); }

}  // namespace lectern::hub
