// SQLite with values bound to statements and errors as exceptions. One thread at a time.
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

// Values are bound in their order; those that are optional and not there are NULL.
class Statement {
 public:
  template <typename... Values>
  Statement& bind(const Values&... values) {
    int place = 0;
    (bind_at(++place, values), ...);
    return *this;
  }
  // To the next row; false behind the last.
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
  // Opens or makes the file, in WAL mode; what is committed is on the disk. `max_pages` of 4096 bytes; 0: as many as
  // the disk holds. Throws Error, of the kind that concerns_the_place() knows where the disk is full.
  Database(const std::filesystem::path& file, int64_t max_pages);

  Statement prepare(std::string_view sql);
  // One statement without rows.
  template <typename... Values>
  void run(std::string_view sql, const Values&... values) {
    Statement statement = prepare(sql);
    statement.bind(values...).step();
  }
  // Rows that the last statement changed.
  int64_t changes() const;

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
  std::string name_;
};

// All that is done while it lives, if commit() is called; else nothing of it.
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
