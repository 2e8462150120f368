// Store of jobs and their pages in SQLite; what was stored survives any end of the process. Any thread may use it. The
// files of jobs lie beside it (data_folder.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/documents/store/sqlite.h"

namespace lectern::server {

enum class JobStatus : uint8_t { queued, running, completed, failed, cancelled };
std::string_view name_of(JobStatus status);
bool has_ended(JobStatus status);

struct DocumentJob {
  std::string id;      // "doc_" and 32 hexadecimal digits
  std::string owner;   // digest of the client's key; empty: sent without a key
  std::string client;  // whose turns it takes
  std::optional<std::string> idempotency_key{};
  std::string digest;  // of the file and the options
  std::string name;    // of the file, as the client calls it
  std::string model;
  std::string options = "{}";  // JSON, as given
  JobStatus status = JobStatus::queued;
  int64_t created = 0;  // seconds since 1970
  std::optional<int64_t> started{}, finished{};
  std::optional<int64_t> pages{};  // to be read
  std::string numbers{};           // of these pages, JSON; empty until they are known
  std::string info{};              // facts for the head of its results, JSON; empty until it is opened
  int64_t done = 0, failed = 0;    // of the pages
  std::string error{}, error_code{};
};

enum class PageState : uint8_t { done, failed };

struct StoredPage {
  int number = 0;
  PageState state = PageState::done;
  std::string json;  // as page_to_json
};

class DocumentStore {
 public:
  // Throws Error if the file cannot be used or was made by a newer version. `max_pages` as of Database.
  explicit DocumentStore(const std::filesystem::path& file, int64_t max_pages = 0);

  // Queues the jobs again that were running when the process ended.
  void requeue_running();
  void add(const DocumentJob& job);
  std::optional<DocumentJob> find(const std::string& id);
  std::optional<DocumentJob> find_same(const std::string& owner, const std::string& idempotency_key);
  // The newest first; only those after the job `after`, unless that is empty.
  std::vector<DocumentJob> of_owner(const std::string& owner, int max_jobs, const std::string& after = "");
  std::vector<DocumentJob> waiting();  // the oldest first
  std::vector<std::string> ids();
  // The job that ended first; nullopt if none has ended.
  std::optional<DocumentJob> first_ended();
  // Corrects ends in the future, which a wrong clock made, to `now`.
  void finished_by(int64_t now);

  // All of the following return false, and do nothing, for a job that has ended or does not exist.
  bool begin(const std::string& id, int64_t now);
  bool put_back(const std::string& id);
  bool opened(const std::string& id, int64_t pages, const std::string& numbers, const std::string& info);
  // Replaces a page that is there already: if one of several pages in a sequence is missing, all are read again.
  bool add_page(const std::string& id, const StoredPage& page);
  bool end(const std::string& id, JobStatus status, int64_t now, const std::string& error = "",
           const std::string& error_code = "");

  bool remove(const std::string& id);
  std::optional<StoredPage> page(const std::string& id, int number);
  // Numbers and states only, in order.
  std::vector<StoredPage> page_states(const std::string& id);

 private:
  std::vector<DocumentJob> jobs(Statement& statement);

  std::mutex mutex_;
  Database database_;
};

}  // namespace lectern::server
