#include "job/journal/run_journal.h"

#include <fmt/format.h>

#include <utility>

#include "lectern/error.h"

namespace lectern {
namespace {

Journal::Use use_of(DocumentOptions::Resume resume) {
  switch (resume) {
    case DocumentOptions::Resume::never: return Journal::Use::anew;
    case DocumentOptions::Resume::required: return Journal::Use::required;
    default: return Journal::Use::fitting;
  }
}

}  // namespace

std::string pages_text(size_t count, std::string_view one, std::string_view more) {
  const std::string_view verb = count == 1 ? one : more;
  return fmt::format("{} {}{}{}", count, count == 1 ? "page" : "pages", verb.empty() ? "" : " ", verb);
}

RunJournal::RunJournal(const std::filesystem::path& path, const nlohmann::json& identity,
                       DocumentOptions::Resume resume, const std::vector<FileStamp>& files, Tell tell)
    : tell_(std::move(tell)), journal_(path, identity, use_of(resume)) {
  for (const std::string& note : journal_.notes()) tell_(note);
  size_t outdated = 0;
  for (const FileStamp& file : files) {
    const size_t found = journal_.pages_found(file);
    pages_found_ += found;
    if (found == 0) outdated += journal_.outdated_pages(file);
  }
  if (pages_found_ > 0) {
    tell_(fmt::format("{}: going on from an earlier run: {} not read again (`resume = never` reads all)", path.string(),
                      pages_text(pages_found_, "is", "are")));
  } else if (resume == DocumentOptions::Resume::required) {
    tell_(fmt::format("{}: holds no pages of an interrupted run; reading everything", path.string()));
  }
  if (outdated > 0) {
    tell_(fmt::format("{}: {} of inputs that have changed since, and read again", path.string(),
                      pages_text(outdated, "is", "are")));
  }
}

template <typename Write>
void RunJournal::write(const Write& write) {
  if (broken_) return;
  try {
    write();
  } catch (const Error& error) {
    broken_ = true;
    tell_(fmt::format("{}; should this run be interrupted, it cannot be resumed", error.what()));
  }
}

void RunJournal::add(const FileStamp& file, const Page& page) {
  write([&] { journal_.add(file, page); });
}

void RunJournal::add_outputs(const FileStamp& file, const nlohmann::json& identity,
                             const std::vector<std::filesystem::path>& outputs) {
  write([&] { journal_.add_outputs(file, identity, outputs); });
}

void RunJournal::settle(bool done, const std::vector<FileStamp>& files) {
  if (done) {
    const size_t others = journal_.forget(files);
    if (others > 0) {
      tell_(fmt::format("{}: still holds what was read of other inputs ({})", journal_.path().string(),
                        pages_text(others)));
    }
    return;
  }
  const size_t pages = pages_found_ + journal_.pages_added();
  if (pages == 0) return;
  tell_(fmt::format("{}: holds what was read ({}); the same command goes on from there", journal_.path().string(),
                    pages_text(pages)));
}

}  // namespace lectern
