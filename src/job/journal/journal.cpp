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
#include "core/io.h"
#include "output/json/page_json.h"

namespace lectern {
namespace {

using nlohmann::json;

constexpr int format_version = 3;
constexpr const char* version_key = "lectern_journal";
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

}  // namespace

std::optional<FileStamp> stamp_of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileStamp{std::filesystem::absolute(file).lexically_normal().string(), status.st_size,
                   int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Journal::Journal(const std::filesystem::path& path, const json& settings, Use use) : path_(path) {
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
  std::string misfit;
  bool first = true;
  for_each_line(file_.get(), path_, [&](std::string_view text, int64_t offset, int64_t length) {
    json line;
    try {
      line = parse_json(text, path_.string());
      if (first && line.at(version_key).is_number_integer()) misfit = difference(line, settings);
      if (!first && misfit.empty()) index(line, {offset, length});
    } catch (const std::exception&) {
      if (first) throw Error(path_.string() + ": is no journal of lectern; move it away, or name another output");
      return false;  // what follows a damaged line is not trusted
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
  // A first line that was cut off is nobody's loss; other bytes are.
  if (const std::string start = read_at(file_.get(), 0, 1, path_); first && !start.empty() && start != "{") {
    throw Error(path_.string() + ": is no journal of lectern; move it away, or name another output");
  }
  if (!misfit.empty() && use == Use::required) {
    throw Error(fmt::format("{}: does not fit this run: it {}; without `resume = required` everything is read anew",
                            path_.string(), misfit));
  }
  if (!misfit.empty() || use == Use::anew) end_ = 0;
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
