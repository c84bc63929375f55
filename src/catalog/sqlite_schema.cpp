#include "catalog/sqlite_schema.h"

namespace logstone {
namespace {

/// Entry N brings version N to N + 1. Never changed once released: add another.
constexpr const char* kMigrations[] = {
    R"sql(
      CREATE TABLE workflow (
        uid TEXT PRIMARY KEY,
        cluster TEXT NOT NULL,
        namespace TEXT NOT NULL,
        name TEXT NOT NULL,
        generation INTEGER NOT NULL,
        state INTEGER NOT NULL,       -- LifecycleState, in its order
        phase INTEGER NOT NULL,       -- Phase, in its order
        message TEXT NOT NULL,
        problem TEXT NOT NULL,
        created INTEGER NOT NULL,     -- this and all times: Unix nanoseconds
        started INTEGER,
        finished INTEGER,
        expires INTEGER,
        held INTEGER NOT NULL,
        streams INTEGER NOT NULL,
        gaps INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        object_bytes INTEGER NOT NULL,
        record_key TEXT NOT NULL
      ) WITHOUT ROWID;
      CREATE INDEX workflow_by_created ON workflow (created DESC, uid DESC);
      CREATE INDEX workflow_by_name ON workflow (name, created DESC);
      CREATE INDEX workflow_by_namespace ON workflow (namespace, created DESC);
      CREATE INDEX workflow_by_expiry ON workflow (expires) WHERE expires IS NOT NULL;
      CREATE INDEX workflow_by_state ON workflow (state, created DESC);

      CREATE TABLE label (
        uid TEXT NOT NULL REFERENCES workflow (uid) ON DELETE CASCADE,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (uid, key)
      ) WITHOUT ROWID;

      CREATE TABLE stream (
        uid TEXT NOT NULL REFERENCES workflow (uid) ON DELETE CASCADE,
        place INTEGER NOT NULL,       -- in the record's order
        node_id TEXT NOT NULL,
        pod_name TEXT NOT NULL,
        pod_uid TEXT NOT NULL,
        container TEXT NOT NULL,
        restart INTEGER NOT NULL,
        PRIMARY KEY (uid, place)
      ) WITHOUT ROWID;
      CREATE INDEX stream_by_pod ON stream (pod_name);
      CREATE INDEX stream_by_pod_uid ON stream (pod_uid);

      CREATE TABLE audit (
        uid TEXT NOT NULL REFERENCES workflow (uid) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        time INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (uid, place)
      ) WITHOUT ROWID;
      CREATE INDEX audit_by_time ON audit (time DESC, uid DESC, place DESC);
    )sql",
};

}  // namespace

Result<> migrate_schema(SqliteConnection& connection, const std::string& path) {
  constexpr std::int64_t kVersion = std::size(kMigrations);
  const auto version = [&]() -> Result<std::int64_t> {
    LOGSTONE_ASSIGN(Statement statement, connection.prepare("PRAGMA user_version"));
    LOGSTONE_ASSIGN(const bool row, statement.step());
    return row ? statement.number(0) : 0;
  };
  LOGSTONE_ASSIGN(const std::int64_t before, version());
  if (before == kVersion) return {};
  // Another process may migrate at the same time: what there is to do is asked again under the lock.
  return connection.transact([&]() -> Result<> {
    LOGSTONE_ASSIGN(const std::int64_t now, version());
    if (now > kVersion) {
      return Error{
          ErrorKind::kUnsupported, "open catalogue", path,
          "version " + std::to_string(now) + " was made by a later program, this one knows " + std::to_string(kVersion),
          "use the later program, or delete the file and run `logstone catalog rebuild`"};
    }
    if (now == 0) {
      LOGSTONE_ASSIGN(Statement tables, connection.prepare("SELECT count(*) FROM sqlite_schema"));
      LOGSTONE_TRY(tables.step());
      if (tables.number(0) != 0) {
        return Error{ErrorKind::kInvalidInput, "open catalogue", path, "it is another program's database",
                     "choose another path for the catalogue"};
      }
    }
    for (std::int64_t i = now; i < kVersion; ++i) LOGSTONE_TRY(connection.execute(kMigrations[i]));
    return connection.execute("PRAGMA user_version=" + std::to_string(kVersion));
  });
}

}  // namespace logstone
