// Journal of a run, with messages for people; the run goes on without it when it can no longer be written.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "job/journal/journal.h"
#include "lectern/documents.h"

namespace lectern {

// "1 page", "3 pages"; "1 page is", "3 pages are" with a verb for both.
std::string pages_text(size_t count, std::string_view one = "", std::string_view more = "");

// For one thread, but for page().
class RunJournal {
 public:
  // Called with a line for people.
  using Tell = std::function<void(const std::string&)>;

  // Opens or makes it, as Journal does, for a run over `files`, and tells what there is to go on from.
  RunJournal(const std::filesystem::path& path, const nlohmann::json& identity, DocumentOptions::Resume resume,
             const std::vector<FileStamp>& files, Tell tell);

  // Of the run's files as they are.
  size_t pages_found() const { return pages_found_; }
  // As Journal has them.
  std::optional<Page> page(const FileStamp& file, int number) const { return journal_.page(file, number); }
  std::vector<std::string> outputs(const FileStamp& file, const nlohmann::json& identity) const {
    return journal_.outputs(file, identity);
  }

  // They throw nothing: the first failure to write is told, and nothing is written afterwards.
  void add(const FileStamp& file, const Page& page);
  void add_outputs(const FileStamp& file, const nlohmann::json& identity,
                   const std::vector<std::filesystem::path>& outputs);

  // At the end of a run over `files`. Of one that is done nothing stays but pages of other files; of another, tells how
  // to go on.
  void settle(bool done, const std::vector<FileStamp>& files);

 private:
  template <typename Write>
  void write(const Write& write);

  Tell tell_;
  Journal journal_;
  size_t pages_found_ = 0;
  bool broken_ = false;
};

}  // namespace lectern
