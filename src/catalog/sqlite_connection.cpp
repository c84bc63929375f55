#include "catalog/sqlite_connection.h"

#include <sqlite3.h>

#include <chrono>
#include <thread>

namespace logstone {
namespace {

Error error_of(int code, sqlite3* db, const std::string& path) {
  Error error{ErrorKind::kInternal, "use catalogue", path, db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code),
              ""};
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      error.kind = ErrorKind::kUnavailable;
      error.advice = "another process holds it; try again";
      break;
    case SQLITE_FULL:
      error.kind = ErrorKind::kOutOfSpace;
      error.advice = "make room on the disk";
      break;
    case SQLITE_IOERR:
      error.kind = ErrorKind::kUnavailable;
      error.advice = "look at the disk and its free space";
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      error.kind = ErrorKind::kCorrupt;
      error.advice = "run `logstone catalog rebuild`: it is made again from the store";
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      error.kind = ErrorKind::kForbidden;
      error.advice = "check the folder's owner and permissions";
      break;
    default:
      break;
  }
  return error;
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : db_(other.db_),
      statement_(std::exchange(other.statement_, nullptr)),
      path_(std::move(other.path_)),
      bound_(other.bound_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Statement& Statement::bind(std::string_view text) {
  const int code = sqlite3_bind_text64(statement_, ++bound_, text.data() != nullptr ? text.data() : "", text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  const int code = sqlite3_bind_int64(statement_, ++bound_, number);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Statement& Statement::bind(const std::optional<std::int64_t>& number) {
  if (number) return bind(*number);
  const int code = sqlite3_bind_null(statement_, ++bound_);
  if (code != SQLITE_OK) bind_error_ = code;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != 0) return error_of(bind_error_, nullptr, path_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(code, db_, path_);
}

Result<> Statement::run() {
  while (true) {
    LOGSTONE_ASSIGN(const bool row, step());
    if (!row) return {};
  }
}

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> Statement::optional_number(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return number(column);
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path) {
  sqlite3* db = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(db, path));
  if (code != SQLITE_OK) return error_of(code, db, path);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 10'000);
  // The change to WAL needs the file alone for a moment, and SQLite does not wait for that.
  constexpr int kTries = 400;
  for (int i = 0;; ++i) {
    const Result<> wal = connection->execute("PRAGMA journal_mode=WAL");
    if (wal) break;
    if (wal.error().kind != ErrorKind::kUnavailable || i == kTries) return wal.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + i / 4));
  }
  LOGSTONE_TRY(connection->execute("PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON"));
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Result<Statement> SqliteConnection::prepare(const std::string& sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                        &statement, nullptr);
    if (code != SQLITE_OK) return error_of(code, db_, path_);
    found = statements_.emplace(sql, statement).first;
  }
  return Statement(db_, found->second, path_);
}

Result<> SqliteConnection::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(code, db_, path_);
  return {};
}

}  // namespace logstone
