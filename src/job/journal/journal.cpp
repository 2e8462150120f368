#include "job/journal/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/files/file.h"
#include "core/files/json_file.h"
#include "core/files/own_output.h"
#include "core/io.h"
#include "output/json/page_json.h"

namespace lectern {
namespace {

using nlohmann::json;

constexpr int format_version = 3;
const std::string version_key(journal_mark);
constexpr int64_t max_line_bytes = int64_t{256} << 20;
constexpr double seconds_between_flushes = 2;  // so that little is lost when the machine stops

json line_for(const FileStamp& file) { return {{"file", file.path}, {"bytes", file.bytes}, {"changed", file.changed}}; }

FileStamp stamp_in(const json& line) {
  return {line.at("file").get<std::string>(), line.at("bytes").get<int64_t>(), line.at("changed").get<int64_t>()};
}

std::string value_text(const json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.dump(), 60);
}

// Why pages read with one set of settings are of no use with the other; empty when they are.
std::string difference(const json& there, const json& wanted) {
  if (there.at(version_key) != wanted.at(version_key)) return "was written by another version of lectern";
  for (const auto& [key, value] : wanted.items()) {
    const json old = there.value(key, json());
    if (old == value) continue;
    if (value.is_array()) return fmt::format("was read with other {}", key);
    return fmt::format("was read with {} {}, not {}", key, value_text(old), value_text(value));
  }
  return "";
}

// The bytes at a place of an open file; shorter at its end.
std::string read_at(int file, int64_t offset, int64_t length, const std::filesystem::path& path) {
  std::string bytes(static_cast<size_t>(length), '\0');
  size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t more = pread_some(file, bytes.data() + got, bytes.size() - got, offset + static_cast<off_t>(got));
    if (more < 0) throw system_error(path, "cannot be read", errno);
    if (more == 0) break;
    got += static_cast<size_t>(more);
  }
  bytes.resize(got);
  return bytes;
}

// Calls `line` with every whole line of a file and where it is, until it returns false.
template <typename Line>
void for_each_line(int file, const std::filesystem::path& path, const Line& line) {
  constexpr int64_t block = 1 << 20;
  std::string pending;
  int64_t begin = 0;
  for (int64_t offset = 0;;) {
    const std::string more = read_at(file, offset, block, path);
    offset += static_cast<int64_t>(more.size());
    pending += more;
    size_t used = 0;
    for (size_t end = 0; (end = pending.find('\n', used)) != std::string::npos; used = end + 1) {
      const auto length = static_cast<int64_t>(end - used);
      if (!line(std::string_view(pending).substr(used, end - used), begin, length)) return;
      begin += length + 1;
    }
    pending.erase(0, used);
    if (more.empty() || static_cast<int64_t>(pending.size()) > max_line_bytes) return;
  }
}

enum class Found {
  nothing,
  journal,
  cut_off,  // within its first line
  other,
};

// Told by the first line.
Found look_at(int file, const std::filesystem::path& path) {
  std::optional<std::string> first;
  for_each_line(file, path, [&](std::string_view line, int64_t, int64_t) {
    first = line;
    return false;
  });
  constexpr int64_t shown = 4096;     // bytes of a line that does not end
  constexpr size_t before_mark = 32;  // bytes of a first line in which the mark may not stand yet
  const std::string text = first ? *first : read_at(file, 0, shown, path);
  if (text.empty() && !first) return Found::nothing;
  const bool marked = text.find("\"" + version_key + "\"") != std::string::npos;
  try {
    const json line = parse_json(text, path.string());
    const bool whole = first && line.is_object() && line.contains(version_key);
    return whole ? Found::journal : marked && !first ? Found::cut_off : Found::other;
  } catch (const Error&) {
    const bool begins = text.starts_with("{\"") && !first && (marked || text.size() < before_mark);
    return begins ? Found::cut_off : Found::other;
  }
}

Error no_journal(const std::filesystem::path& path) {
  return Error(
      fmt::format("{}: is no journal of lectern, or its first line is damaged; name another output, or "
                  "`resume = never` to set it aside and read everything",
                  path.string()));
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileStamp{std::filesystem::absolute(file).lexically_normal().string(), status.st_size,
                   int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

void Journal::check(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  struct stat status {};
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return;
    if (errno == ELOOP) throw Error(path.string() + ": is a link, and a journal is to be written there; remove it");
    throw system_error(path, "the journal cannot be opened", errno);
  }
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    throw Error(path.string() + ": is no file, and a journal is to be written there; name another output");
  }
  if (look_at(file.get(), path) == Found::other) throw no_journal(path);
}

void Journal::set_aside() {
  {
    const UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;  // opening it will say more
    if (look_at(file.get(), path_) != Found::other) return;
  }
  std::string aside = path_.string() + ".damaged";
  for (int i = 2; ::access(aside.c_str(), F_OK) == 0; ++i) aside = fmt::format("{}.damaged-{}", path_.string(), i);
  if (::rename(path_.c_str(), aside.c_str()) != 0) throw system_error(path_, "cannot be set aside", errno);
  notes_.push_back(fmt::format("{}: was no journal that can be read, and is {} now", path_.string(), aside));
}

Journal::Journal(const std::filesystem::path& path, const json& settings, Use use) : path_(path) {
  if (use == Use::anew) set_aside();
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file_) throw system_error(path, "the journal cannot be written", errno);
  bool emptied = false;
  try {
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw Error(path.string() + ": another run is writing this journal; wait for it, or name another output");
    }
    json header = settings;
    header[version_key] = format_version;
    load(header, use);
    if (end_ > 0) {
      if (::ftruncate(file_.get(), end_) != 0) throw system_error(path, "the journal cannot be written", errno);
      return;
    }
    pages_.clear();
    outputs_.clear();
    pages_found_ = 0;
    emptied = true;
    if (::ftruncate(file_.get(), 0) != 0) throw system_error(path, "the journal cannot be written", errno);
    append(header);
  } catch (...) {
    if (emptied) ::unlink(path.c_str());
    throw;
  }
}

Journal::~Journal() {
  if (!file_) return;
  if (pages() == 0) {
    remove();
  } else {
    ::fsync(file_.get());
  }
}

void Journal::index(const json& line, const Extent& place) {
  const FileStamp file = stamp_in(line);
  if (line.contains("page")) {
    if (pages_[file].insert_or_assign(page_from_json(line.at("page")).number, place).second) ++pages_found_;
  } else if (line.contains("outputs")) {
    Written written{line.at("identity"), {}};
    for (const json& output : line.at("outputs")) written.files.push_back(stamp_in(output));
    outputs_[file] = std::move(written);
  } else if (line.contains("done")) {
    pages_found_ -= pages_[file].size();
    pages_.erase(file);
    outputs_.erase(file);
  }
}

void Journal::load(const json& settings, Use use) {
  const Found found = look_at(file_.get(), path_);
  if (found == Found::other) throw no_journal(path_);
  if (found == Found::cut_off && use != Use::anew) {
    notes_.push_back(fmt::format("{}: is cut off in its first line; everything is read anew", path_.string()));
  }
  if (found != Found::journal) return;
  std::string misfit;
  bool first = true;
  for_each_line(file_.get(), path_, [&](std::string_view text, int64_t offset, int64_t length) {
    json line;
    try {
      line = parse_json(text, path_.string());
      if (first) misfit = difference(line, settings);
      if (!first && misfit.empty()) index(line, {offset, length});
    } catch (const std::exception&) {
      if (first) throw no_journal(path_);
      if (use != Use::anew) {
        notes_.push_back(fmt::format("{}: is damaged behind {} of its pages; what follows is read again",
                                     path_.string(), pages_found_));
      }
      return false;
    }
    if (!first && !misfit.empty() && use != Use::anew && line.contains("page")) {
      throw Error(
          fmt::format("{}: holds pages of another run: it {}; give that run's command to go on with it, or "
                      "`resume = never` to read everything anew",
                      path_.string(), misfit));
    }
    first = false;
    if (misfit.empty()) end_ = offset + length + 1;
    return true;
  });
  if (!misfit.empty() && use == Use::required) {
    throw Error(fmt::format("{}: does not fit this run: it {}; without `resume = required` everything is read anew",
                            path_.string(), misfit));
  }
  if (!misfit.empty() || use == Use::anew) end_ = 0;
}

size_t Journal::pages_found(const FileStamp& file) const {
  const auto found = pages_.find(file);
  return found == pages_.end() ? 0 : found->second.size();
}

size_t Journal::outdated_pages(const FileStamp& file) const {
  size_t count = 0;
  for (const auto& [other, pages] : pages_) {
    if (other.path == file.path && other != file) count += pages.size();
  }
  return count;
}

std::optional<Page> Journal::page(const FileStamp& file, int number) const {
  const auto pages = pages_.find(file);
  if (pages == pages_.end()) return std::nullopt;
  const auto place = pages->second.find(number);
  if (place == pages->second.end()) return std::nullopt;
  try {
    const std::string line = read_at(file_.get(), place->second.offset, place->second.length, path_);
    return page_from_json(parse_json(line, path_.string()).at("page"));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::vector<std::string> Journal::outputs(const FileStamp& file, const json& identity) const {
  const auto found = outputs_.find(file);
  if (found == outputs_.end() || found->second.identity != identity) return {};
  std::vector<std::string> names;
  for (const FileStamp& output : found->second.files) {
    if (stamp_of(output.path) != output) return {};
    names.push_back(output.path);
  }
  return names;
}

void Journal::append(const json& line) {
  const std::string text = line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  for (size_t written = 0; written < text.size();) {
    const ssize_t more =
        ::pwrite(file_.get(), text.data() + written, text.size() - written, end_ + static_cast<off_t>(written));
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) {
      const int code = more == 0 ? ENOSPC : errno;
      // A half line is dropped by the next run as well, should this fail.
      if (::ftruncate(file_.get(), end_) != 0) errno = 0;
      throw system_error(path_, "the journal cannot be written", code);
    }
    written += static_cast<size_t>(more);
  }
  end_ += static_cast<int64_t>(text.size());
  if (since_flush_.seconds() < seconds_between_flushes) return;
  ::fdatasync(file_.get());
  since_flush_ = Stopwatch();
}

void Journal::add(const FileStamp& file, const Page& page) {
  json line = line_for(file);
  line["page"] = page_to_json(page);
  append(line);
  ++pages_added_;
}

void Journal::add_outputs(const FileStamp& file, const json& identity,
                          const std::vector<std::filesystem::path>& outputs) {
  json line = line_for(file);
  line["identity"] = identity;
  line["outputs"] = json::array();
  for (const auto& output : outputs) {
    const auto stamp = stamp_of(output);
    if (!stamp) return;
    line["outputs"].push_back(line_for(*stamp));
  }
  append(line);
}

size_t Journal::forget(const std::vector<FileStamp>& files) {
  size_t others = 0;
  for (const auto& [file, pages] : pages_) {
    if (std::ranges::find(files, file) == files.end() && stamp_of(file.path) == file) others += pages.size();
  }
  if (others == 0) {
    remove();
    return 0;
  }
  for (const FileStamp& file : files) {
    json line = line_for(file);
    line["done"] = true;
    append(line);
  }
  return others;
}

void Journal::remove() {
  ::unlink(path_.c_str());
  file_ = UniqueFd();
}

}  // namespace lectern
