// SQLite with errors as values: one connection, prepared statements, transactions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace logstone {

/// A statement being used; given back clean to its connection when it goes out of scope.
class Statement {
 public:
  Statement(sqlite3* db, sqlite3_stmt* statement, std::string path)
      : db_(db), statement_(statement), path_(std::move(path)) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();
  /// The next parameter, in order. Text is copied.
  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(const std::optional<std::int64_t>& number);
  /// True: there is a row.
  [[nodiscard]] Result<bool> step();
  /// Steps to the end.
  [[nodiscard]] Result<> run();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::optional<std::int64_t> optional_number(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  std::string path_;
  int bound_ = 0;
  int bind_error_ = 0;
};

/// Used by one thread at a time.
class SqliteConnection {
 public:
  /// WAL, foreign keys, waits up to 10 s for other processes. kCorrupt where the file is no database.
  [[nodiscard]] static Result<std::unique_ptr<SqliteConnection>> open(const std::string& path);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;
  /// Prepared once, then kept.
  [[nodiscard]] Result<Statement> prepare(const std::string& sql);
  /// Several statements without parameters.
  [[nodiscard]] Result<> execute(const std::string& sql);
  /// `work` in an IMMEDIATE transaction; rolled back when it fails.
  template <class Work>
  [[nodiscard]] Result<> transact(Work work) {
    LOGSTONE_TRY(execute("BEGIN IMMEDIATE"));
    Result<> done = work();
    if (done) done = execute("COMMIT");
    if (!done) (void)execute("ROLLBACK").has_value();
    return done;
  }

 private:
  SqliteConnection(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  sqlite3* db_;
  std::string path_;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

}  // namespace logstone
