// C++ interface to SQLite, with errors as exceptions. One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace lectern::server {

// Values are bound in order; nullopt is NULL.
class Statement {
 public:
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int place = 0;
    (bind_at(++place, values), ...);
    return *this;
  }
  // Advances to the next row; false after the last.
  bool step();

  int64_t integer(int column) const;
  std::string text(int column) const;  // empty for NULL
  bool is_null(int column) const;

 private:
  friend class Database;
  Statement(sqlite3_stmt* made, std::string name);
  void bind_at(int place, int64_t value);
  void bind_at(int place, std::string_view value);
  void bind_at(int place, const std::string& value) { bind_at(place, std::string_view(value)); }
  void bind_at(int place, const std::optional<int64_t>& value);
  void bind_at(int place, const std::optional<std::string>& value);

  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_;
  std::string name_;
};

class Database {
 public:
  // Opens or creates the file, in WAL mode; what is committed is on disk. `max_pages` of 4096 bytes; 0: as many as the
  // disk holds. Throws Error; for a full disk one that concerns_the_place().
  Database(const std::filesystem::path& file, int64_t max_pages);

  Statement prepare(std::string_view sql);
  // Runs one statement that has no rows.
  template <typename... Values>
  void run(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind(values...).step();
  }
  // Number of rows that the last statement changed.
  int64_t changes() const;

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
  std::string name_;
};

// RAII transaction: rolled back unless commit() is called.
class Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace lectern::server
