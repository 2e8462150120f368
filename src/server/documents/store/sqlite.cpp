#include "server/documents/store/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <new>
#include <utility>

#include "core/files/file.h"

namespace lectern::server {
namespace {

constexpr int patience_ms = 10'000;  // for another program that looks into the file

[[noreturn]] void fail(sqlite3* handle, const std::string& name) {
  const int code = handle == nullptr ? SQLITE_NOMEM : sqlite3_extended_errcode(handle);
  switch (code & 0xff) {
    case SQLITE_NOMEM: throw std::bad_alloc();
    case SQLITE_FULL: throw system_error(name, "cannot be written", ENOSPC);
    case SQLITE_READONLY: throw system_error(name, "cannot be written", EROFS);
    case SQLITE_IOERR: {
      const int number = sqlite3_system_errno(handle);
      throw system_error(name, "cannot be written or read", number == 0 ? EIO : number);
    }
    default: throw Error(fmt::format("{}: {}", name, sqlite3_errmsg(handle)), ErrorCode::io);
  }
}

}  // namespace

Statement::Statement(sqlite3_stmt* made, std::string name)
    : statement_(made, sqlite3_finalize), name_(std::move(name)) {}

bool Statement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  fail(sqlite3_db_handle(statement_.get()), name_);
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
  const unsigned char* const bytes = sqlite3_column_text(statement_.get(), column);
  if (bytes == nullptr) return "";
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

void Statement::bind_at(int place, int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), place, value) != SQLITE_OK) fail(sqlite3_db_handle(statement_.get()), name_);
}

void Statement::bind_at(int place, std::string_view value) {
  if (sqlite3_bind_text64(statement_.get(), place, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8) !=
      SQLITE_OK) {
    fail(sqlite3_db_handle(statement_.get()), name_);
  }
}

void Statement::bind_at(int place, const std::optional<int64_t>& value) {
  if (value) return bind_at(place, *value);
  sqlite3_bind_null(statement_.get(), place);
}

void Statement::bind_at(int place, const std::optional<std::string>& value) {
  if (value) return bind_at(place, std::string_view(*value));
  sqlite3_bind_null(statement_.get(), place);
}

Database::Database(const std::filesystem::path& file, int64_t max_pages)
    : handle_(nullptr, sqlite3_close), name_(file.filename().string()) {
  sqlite3* made = nullptr;
  const int result =
      sqlite3_open_v2(file.c_str(), &made, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(made);
  if (result != SQLITE_OK) fail(made, name_);
  sqlite3_extended_result_codes(made, 1);
  sqlite3_busy_timeout(made, patience_ms);
  for (const char* setting : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"}) {
    run(setting);
  }
  if (max_pages > 0) run(fmt::format("PRAGMA max_page_count = {}", max_pages));
}

Statement Database::prepare(std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK) {
    fail(handle_.get(), name_);
  }
  return {made, name_};
}

int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

Transaction::Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const std::exception&) {  // it was rolled back already, or will be when the file is opened next
    open_ = false;
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace lectern::server
