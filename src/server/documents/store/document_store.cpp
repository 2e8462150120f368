#include "server/documents/store/document_store.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "core/files/file.h"
#include "lectern/error.h"

namespace lectern::server {
namespace {

constexpr int64_t schema_version = 1;
constexpr std::array<std::string_view, 5> status_names = {"queued", "running", "completed", "failed", "cancelled"};
constexpr std::string_view alive = " AND status IN ('queued', 'running')";

constexpr std::array<const char*, 4> schema = {
    "CREATE TABLE jobs (id TEXT PRIMARY KEY, owner TEXT NOT NULL, client TEXT NOT NULL, idempotency_key TEXT,"
    " digest TEXT NOT NULL, name TEXT NOT NULL, model TEXT NOT NULL, options TEXT NOT NULL, status TEXT NOT NULL,"
    " created INTEGER NOT NULL, started INTEGER, finished INTEGER, pages INTEGER, numbers TEXT NOT NULL,"
    " info TEXT NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL, error TEXT NOT NULL,"
    " error_code TEXT NOT NULL)",
    "CREATE UNIQUE INDEX jobs_same ON jobs (owner, idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX jobs_owner ON jobs (owner, created)",
    "CREATE TABLE pages (job TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, number INTEGER NOT NULL,"
    " state TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (job, number))"};

constexpr std::string_view columns =
    "id, owner, client, idempotency_key, digest, name, model, options, status, created, started, finished, pages,"
    " numbers, info, done, failed, error, error_code";

JobStatus status_named(const std::string& name) {
  for (size_t i = 0; i < status_names.size(); ++i) {
    if (status_names[i] == name) return static_cast<JobStatus>(i);
  }
  return JobStatus::failed;
}

std::optional<int64_t> optional_integer(const Statement& statement, int column) {
  return statement.is_null(column) ? std::nullopt : std::optional(statement.integer(column));
}

std::string selection(std::string_view rest) { return fmt::format("SELECT {} FROM jobs {}", columns, rest); }

std::string_view name_of_state(PageState state) { return state == PageState::done ? "done" : "failed"; }
PageState state_named(const std::string& name) { return name == "done" ? PageState::done : PageState::failed; }

Database open(const std::filesystem::path& file, int64_t max_pages) {
  try {
    return {file, max_pages};
  } catch (const SystemError&) {
    throw;
  } catch (const Error& error) {
    throw Error(fmt::format("{}: cannot be used: {}; name another folder for `data`, or put back what belongs there",
                            file.string(), error.what()),
                error.code());
  }
}

// Whether the database holds what a server made; of version 0, whether it holds anything.
bool has_jobs(Database& database, int64_t version) {
  Statement found = database.prepare("SELECT COUNT(*) FROM sqlite_master WHERE ? = 0 OR name = 'jobs_same'");
  found.bind(version).step();
  return found.integer(0) > 0;
}

}  // namespace

std::string_view name_of(JobStatus status) { return status_names[static_cast<size_t>(status)]; }
bool has_ended(JobStatus status) { return status != JobStatus::queued && status != JobStatus::running; }

DocumentStore::DocumentStore(const std::filesystem::path& file, int64_t max_pages) : database_(open(file, max_pages)) {
  Statement asked = database_.prepare("PRAGMA user_version");
  asked.step();
  const int64_t version = asked.integer(0);
  if (version > schema_version) {
    throw Error(fmt::format("{}: was made by a newer Lectern; use that, or another folder for `data`", file.string()));
  }
  if (has_jobs(database_, version) != (version > 0)) {
    throw Error(fmt::format("{}: is of another program; name another folder for `data`", file.string()));
  }
  if (version == schema_version) return;
  Transaction making(database_);
  for (const char* statement : schema) database_.run(statement);
  database_.run(fmt::format("PRAGMA user_version = {}", schema_version));
  making.commit();
}

std::vector<DocumentJob> DocumentStore::jobs(Statement& statement) {
  std::vector<DocumentJob> found;
  while (statement.step()) {
    DocumentJob& job = found.emplace_back();
    job.id = statement.text(0);
    job.owner = statement.text(1);
    job.client = statement.text(2);
    if (!statement.is_null(3)) job.idempotency_key = statement.text(3);
    job.digest = statement.text(4);
    job.name = statement.text(5);
    job.model = statement.text(6);
    job.options = statement.text(7);
    job.status = status_named(statement.text(8));
    job.created = statement.integer(9);
    job.started = optional_integer(statement, 10);
    job.finished = optional_integer(statement, 11);
    job.pages = optional_integer(statement, 12);
    job.numbers = statement.text(13);
    job.info = statement.text(14);
    job.done = statement.integer(15);
    job.failed = statement.integer(16);
    job.error = statement.text(17);
    job.error_code = statement.text(18);
  }
  return found;
}

void DocumentStore::requeue_running() {
  const std::lock_guard lock(mutex_);
  database_.run("UPDATE jobs SET status = 'queued' WHERE status = 'running'");
}

void DocumentStore::add(const DocumentJob& job) {
  const std::lock_guard lock(mutex_);
  database_.run(
      fmt::format("INSERT INTO jobs ({}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", columns),
      job.id, job.owner, job.client, job.idempotency_key, job.digest, job.name, job.model, job.options,
      name_of(job.status), job.created, job.started, job.finished, job.pages, job.numbers, job.info, job.done,
      job.failed, job.error, job.error_code);
}

std::optional<DocumentJob> DocumentStore::find(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare(selection("WHERE id = ?"));
  std::vector<DocumentJob> found = jobs(statement.bind(id));
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::optional<DocumentJob> DocumentStore::find_same(const std::string& owner, const std::string& idempotency_key) {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare(selection("WHERE owner = ? AND idempotency_key = ?"));
  std::vector<DocumentJob> found = jobs(statement.bind(owner, idempotency_key));
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

std::vector<DocumentJob> DocumentStore::of_owner(const std::string& owner, int max_jobs, const std::string& after) {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare(
      selection("WHERE owner = ?1 AND (?2 = '' OR (created, rowid) < (SELECT created, rowid FROM jobs WHERE id = ?2))"
                " ORDER BY created DESC, rowid DESC LIMIT ?3"));
  return jobs(statement.bind(owner, after, int64_t{max_jobs}));
}

std::vector<DocumentJob> DocumentStore::waiting() {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare(selection("WHERE status = 'queued' ORDER BY rowid"));
  return jobs(statement);
}

std::vector<std::string> DocumentStore::ids() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  Statement statement = database_.prepare("SELECT id FROM jobs");
  while (statement.step()) found.push_back(statement.text(0));
  return found;
}

std::optional<DocumentJob> DocumentStore::first_ended() {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare(selection("WHERE finished IS NOT NULL ORDER BY finished, rowid LIMIT 1"));
  std::vector<DocumentJob> found = jobs(statement);
  return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void DocumentStore::finished_by(int64_t now) {
  const std::lock_guard lock(mutex_);
  database_.run("UPDATE jobs SET finished = ? WHERE finished > ?", now, now);
}

bool DocumentStore::begin(const std::string& id, int64_t now) {
  const std::lock_guard lock(mutex_);
  database_.run(fmt::format("UPDATE jobs SET status = 'running', started = COALESCE(started, ?) WHERE id = ?{}", alive),
                now, id);
  return database_.changes() > 0;
}

bool DocumentStore::put_back(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_.run(fmt::format("UPDATE jobs SET status = 'queued' WHERE id = ?{}", alive), id);
  return database_.changes() > 0;
}

bool DocumentStore::opened(const std::string& id, int64_t pages, const std::string& numbers, const std::string& info) {
  const std::lock_guard lock(mutex_);
  database_.run(fmt::format("UPDATE jobs SET pages = ?, numbers = ?, info = ? WHERE id = ?{}", alive), pages, numbers,
                info, id);
  return database_.changes() > 0;
}

bool DocumentStore::add_page(const std::string& id, const StoredPage& page) {
  const std::lock_guard lock(mutex_);
  Transaction adding(database_);
  int64_t done = 1, failed = page.state == PageState::failed ? 1 : 0;
  {
    Statement before = database_.prepare("SELECT state FROM pages WHERE job = ? AND number = ?");
    before.bind(id, int64_t{page.number});
    if (before.step()) {
      --done;
      failed -= state_named(before.text(0)) == PageState::failed ? 1 : 0;
    }
  }
  database_.run(fmt::format("UPDATE jobs SET done = done + ?, failed = failed + ? WHERE id = ?{}", alive), done, failed,
                id);
  if (database_.changes() == 0) return false;
  database_.run("INSERT OR REPLACE INTO pages (job, number, state, json) VALUES (?, ?, ?, ?)", id, int64_t{page.number},
                name_of_state(page.state), page.json);
  adding.commit();
  return true;
}

bool DocumentStore::end(const std::string& id, JobStatus status, int64_t now, const std::string& error,
                        const std::string& error_code) {
  const std::lock_guard lock(mutex_);
  database_.run(
      fmt::format("UPDATE jobs SET status = ?, finished = ?, error = ?, error_code = ? WHERE id = ?{}", alive),
      name_of(status), now, error, error_code, id);
  return database_.changes() > 0;
}

bool DocumentStore::remove(const std::string& id) {
  const std::lock_guard lock(mutex_);
  database_.run("DELETE FROM jobs WHERE id = ?", id);
  return database_.changes() > 0;
}

std::optional<StoredPage> DocumentStore::page(const std::string& id, int number) {
  const std::lock_guard lock(mutex_);
  Statement statement = database_.prepare("SELECT state, json FROM pages WHERE job = ? AND number = ?");
  statement.bind(id, int64_t{number});
  if (!statement.step()) return std::nullopt;
  return StoredPage{number, state_named(statement.text(0)), statement.text(1)};
}

std::vector<StoredPage> DocumentStore::page_states(const std::string& id) {
  const std::lock_guard lock(mutex_);
  std::vector<StoredPage> found;
  Statement statement = database_.prepare("SELECT number, state FROM pages WHERE job = ? ORDER BY number");
  statement.bind(id);
  while (statement.step())
    found.push_back({static_cast<int>(statement.integer(0)), state_named(statement.text(1)), ""});
  return found;
}

}  // namespace lectern::server
