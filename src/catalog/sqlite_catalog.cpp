#include <charconv>
#include <functional>
#include <mutex>

#include "catalog/catalog.h"
#include "catalog/sqlite_connection.h"
#include "catalog/sqlite_schema.h"

namespace logstone {
namespace {

std::optional<std::int64_t> nanoseconds(const std::optional<Timestamp>& time) {
  if (!time) return std::nullopt;
  return to_unix_nanoseconds(*time);
}

std::optional<Timestamp> timestamp(const std::optional<std::int64_t>& number) {
  if (!number) return std::nullopt;
  return from_unix_nanoseconds(*number);
}

/// Text for LIKE ... ESCAPE '\' that means only itself.
std::string like_literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// The least text after all that begin with `prefix`; empty where there is none.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xFF) prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

/// Conditions and the values that they bind, in the same order.
class Where {
 public:
  template <class Value>
  Where& add(const std::string& condition, Value value) {
    sql_ += (sql_.empty() ? " WHERE " : " AND ") + condition;
    binds_.push_back([value = std::move(value)](Statement& statement) { statement.bind(value); });
    return *this;
  }
  Where& and_bind(std::function<void(Statement&)> bind) {
    binds_.push_back(std::move(bind));
    return *this;
  }
  [[nodiscard]] const std::string& sql() const { return sql_; }
  void bind(Statement& statement) const {
    for (const auto& one : binds_) one(statement);
  }

 private:
  std::string sql_;
  std::vector<std::function<void(Statement&)>> binds_;
};

Error bad_token() {
  return {ErrorKind::kInvalidInput, "read page token", "page", "it is not one that a page before gave",
          "begin again without it"};
}

/// `<nanoseconds>.<text>`: where the next page begins.
struct PageToken {
  std::int64_t time = 0;
  std::string rest;

  [[nodiscard]] std::string text() const { return std::to_string(time) + "." + rest; }
  static Result<PageToken> parse(const std::string& text) {
    PageToken token;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), token.time);
    if (error != std::errc() || end == text.data() + text.size() || *end != '.') return bad_token();
    token.rest.assign(end + 1, text.data() + text.size());
    if (token.rest.empty()) return bad_token();
    return token;
  }
};

Result<> check_limit(std::size_t limit) {
  if (limit >= 1 && limit <= 1000) return {};
  return Error{ErrorKind::kInvalidInput, "read limit", std::to_string(limit), "it is not from 1 to 1000", ""};
}

constexpr const char* kSummaryColumns =
    "cluster, namespace, name, uid, state, phase, message, problem, created, started, finished, expires, held, "
    "streams, "
    "gaps, bytes, object_bytes, record_key";

WorkflowSummary read_summary(const Statement& row) {
  WorkflowSummary summary;
  summary.id = {row.text(0), row.text(1), row.text(2), row.text(3)};
  summary.state = static_cast<LifecycleState>(row.number(4));
  summary.phase = static_cast<Phase>(row.number(5));
  summary.message = row.text(6);
  summary.problem = row.text(7);
  summary.created = from_unix_nanoseconds(row.number(8));
  summary.started = timestamp(row.optional_number(9));
  summary.finished = timestamp(row.optional_number(10));
  summary.expires = timestamp(row.optional_number(11));
  summary.held = row.number(12) != 0;
  summary.streams = static_cast<std::uint64_t>(row.number(13));
  summary.gaps = static_cast<std::uint64_t>(row.number(14));
  summary.bytes = static_cast<std::uint64_t>(row.number(15));
  summary.object_bytes = static_cast<std::uint64_t>(row.number(16));
  summary.record_key = row.text(17);
  return summary;
}

class SqliteCatalog final : public Catalog {
 public:
  explicit SqliteCatalog(std::unique_ptr<SqliteConnection> connection) : db_(std::move(connection)) {}

  Result<> upsert(const WorkflowRecord& record, const std::string& record_key) override {
    const std::lock_guard lock(mutex_);
    return db_->transact([&]() -> Result<> {
      {
        LOGSTONE_ASSIGN(Statement known, db_->prepare("SELECT generation FROM workflow WHERE uid = ?"));
        known.bind(record.id.uid);
        LOGSTONE_ASSIGN(const bool row, known.step());
        if (row && static_cast<std::uint64_t>(known.number(0)) > record.generation) return {};
      }
      LOGSTONE_TRY(remove_rows(record.id.uid));
      LOGSTONE_TRY(insert_workflow(record, record_key));
      return insert_details(record);
    });
  }

  Result<> remove(const std::string& uid) override {
    const std::lock_guard lock(mutex_);
    return db_->transact([&] { return remove_rows(uid); });
  }

  Result<WorkflowPage> list(const WorkflowQuery& query) override {
    LOGSTONE_TRY(check_limit(query.limit));
    PageToken token;
    if (!query.page_token.empty()) {
      LOGSTONE_ASSIGN(token, PageToken::parse(query.page_token));
    }
    WorkflowPage page;
    const std::lock_guard lock(mutex_);
    // Selectors are compared here, row by row: a page is filled however few fit.
    bool after_token = !query.page_token.empty();
    while (true) {
      LOGSTONE_ASSIGN(const std::vector<WorkflowSummary> rows, list_rows(query, after_token ? &token : nullptr));
      for (WorkflowSummary summary : rows) {
        LOGSTONE_ASSIGN(summary.labels, labels_of(summary.id.uid));
        token = {to_unix_nanoseconds(summary.created), summary.id.uid};
        after_token = true;
        if (!query.labels.matches(summary.labels)) continue;
        if (page.workflows.size() == query.limit) {
          page.next_page_token =
              PageToken{to_unix_nanoseconds(page.workflows.back().created), page.workflows.back().id.uid}.text();
          return page;
        }
        page.workflows.push_back(std::move(summary));
      }
      if (rows.size() <= query.limit) return page;
    }
  }

  Result<WorkflowSummary> get(const std::string& uid) override {
    const std::lock_guard lock(mutex_);
    WorkflowSummary summary;
    {
      LOGSTONE_ASSIGN(Statement row,
                      db_->prepare(std::string("SELECT ") + kSummaryColumns + " FROM workflow WHERE uid = ?"));
      row.bind(uid);
      LOGSTONE_ASSIGN(const bool found, row.step());
      if (!found) {
        return Error{ErrorKind::kNotFound, "find workflow", uid, "the catalogue does not know this uid",
                     "`logstone ls` lists what there is"};
      }
      summary = read_summary(row);
    }
    LOGSTONE_ASSIGN(summary.labels, labels_of(uid));
    return summary;
  }

  Result<std::vector<PodLocation>> find_pod(const std::string& name_space, const std::string& pod_name) override {
    const std::lock_guard lock(mutex_);
    LOGSTONE_ASSIGN(Statement row,
                    db_->prepare("SELECT w.cluster, w.namespace, w.name, w.uid, s.node_id, s.pod_name, s.pod_uid, "
                                 "s.container, s.restart FROM stream s JOIN workflow w USING (uid) "
                                 "WHERE (s.pod_name = ?1 OR s.pod_uid = ?1) AND (?2 = '' OR w.namespace = ?2) "
                                 "ORDER BY w.created DESC, w.uid DESC, s.place"));
    row.bind(pod_name).bind(name_space);
    std::vector<PodLocation> found;
    while (true) {
      LOGSTONE_ASSIGN(const bool more, row.step());
      if (!more) return found;
      PodLocation location;
      location.workflow = {row.text(0), row.text(1), row.text(2), row.text(3)};
      location.stream = {row.text(4), row.text(5), row.text(6), row.text(7), static_cast<std::uint32_t>(row.number(8))};
      found.push_back(std::move(location));
    }
  }

  Result<AuditPage> audit(const AuditQuery& query) override {
    LOGSTONE_TRY(check_limit(query.limit));
    Where where;
    if (!query.name_space.empty()) where.add("w.namespace = ?", query.name_space);
    if (!query.workflow_uid.empty()) where.add("a.uid = ?", query.workflow_uid);
    if (query.from) where.add("a.time >= ?", to_unix_nanoseconds(*query.from));
    if (query.until) where.add("a.time < ?", to_unix_nanoseconds(*query.until));
    if (!query.page_token.empty()) {
      LOGSTONE_ASSIGN(const PageToken token, PageToken::parse(query.page_token));
      std::int64_t place = 0;
      const auto [end, error] = std::from_chars(token.rest.data(), token.rest.data() + token.rest.size(), place);
      if (error != std::errc() || end == token.rest.data() + token.rest.size() || *end != '.') return bad_token();
      where.add("(a.time, a.uid, a.place) < (?, ?, ?)", token.time);
      where.and_bind([uid = std::string(end + 1, token.rest.data() + token.rest.size()), place](Statement& statement) {
        statement.bind(uid).bind(place);
      });
    }
    const std::lock_guard lock(mutex_);
    LOGSTONE_ASSIGN(Statement row,
                    db_->prepare("SELECT w.cluster, w.namespace, w.name, w.uid, a.time, a.actor, a.action, a.detail, "
                                 "a.place FROM audit a JOIN workflow w USING (uid)" +
                                 where.sql() + " ORDER BY a.time DESC, a.uid DESC, a.place DESC LIMIT ?"));
    where.bind(row);
    row.bind(static_cast<std::int64_t>(query.limit + 1));
    AuditPage page;
    std::string last;
    while (true) {
      LOGSTONE_ASSIGN(const bool more, row.step());
      if (!more) return page;
      if (page.entries.size() == query.limit) {
        page.next_page_token = last;
        return page;
      }
      AuditEntry entry;
      entry.workflow = {row.text(0), row.text(1), row.text(2), row.text(3)};
      entry.event = {from_unix_nanoseconds(row.number(4)), row.text(5), row.text(6), row.text(7)};
      last = PageToken{row.number(4), std::to_string(row.number(8)) + "." + row.text(3)}.text();
      page.entries.push_back(std::move(entry));
    }
  }

  Result<std::vector<std::string>> expiring(Timestamp now, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    LOGSTONE_ASSIGN(Statement row, db_->prepare("SELECT uid FROM workflow WHERE expires <= ? AND held = 0 AND "
                                                "state = ? ORDER BY expires, uid LIMIT ?"));
    row.bind(to_unix_nanoseconds(now)).bind(static_cast<std::int64_t>(LifecycleState::kDeleted));
    row.bind(static_cast<std::int64_t>(limit));
    std::vector<std::string> uids;
    while (true) {
      LOGSTONE_ASSIGN(const bool more, row.step());
      if (!more) return uids;
      uids.push_back(row.text(0));
    }
  }

  Result<> clear() override {
    const std::lock_guard lock(mutex_);
    return db_->transact([&] { return db_->execute("DELETE FROM workflow"); });
  }

 private:
  Result<> remove_rows(const std::string& uid) {
    LOGSTONE_ASSIGN(Statement statement, db_->prepare("DELETE FROM workflow WHERE uid = ?"));
    return statement.bind(uid).run();
  }

  Result<> insert_workflow(const WorkflowRecord& record, const std::string& record_key) {
    std::uint64_t gaps = 0, bytes = 0, object_bytes = 0;
    for (const auto& stream : record.streams) {
      gaps += stream.gaps.size();
      bytes += stream.bytes;
      for (const auto& segment : stream.segments) object_bytes += segment.object_bytes;
    }
    const auto number = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    LOGSTONE_ASSIGN(Statement row,
                    db_->prepare("INSERT INTO workflow (uid, cluster, namespace, name, generation, state, phase, "
                                 "message, problem, created, started, finished, expires, held, streams, gaps, bytes, "
                                 "object_bytes, record_key) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
    row.bind(record.id.uid).bind(record.id.cluster).bind(record.id.name_space).bind(record.id.name);
    row.bind(number(record.generation)).bind(static_cast<std::int64_t>(record.state));
    row.bind(static_cast<std::int64_t>(record.phase)).bind(record.message).bind(record.problem);
    row.bind(to_unix_nanoseconds(record.created)).bind(nanoseconds(record.started)).bind(nanoseconds(record.finished));
    row.bind(nanoseconds(record.expires)).bind(std::int64_t{record.hold ? 1 : 0});
    row.bind(number(record.streams.size())).bind(number(gaps)).bind(number(bytes)).bind(number(object_bytes));
    return row.bind(record_key).run();
  }

  Result<> insert_details(const WorkflowRecord& record) {
    for (const auto& [key, value] : record.labels) {
      LOGSTONE_ASSIGN(Statement row, db_->prepare("INSERT INTO label (uid, key, value) VALUES (?, ?, ?)"));
      LOGSTONE_TRY(row.bind(record.id.uid).bind(key).bind(value).run());
    }
    for (std::size_t i = 0; i < record.streams.size(); ++i) {
      const StreamIdentity& stream = record.streams[i].id;
      LOGSTONE_ASSIGN(Statement row, db_->prepare("INSERT INTO stream (uid, place, node_id, pod_name, pod_uid, "
                                                  "container, restart) VALUES (?, ?, ?, ?, ?, ?, ?)"));
      row.bind(record.id.uid).bind(static_cast<std::int64_t>(i)).bind(stream.node_id).bind(stream.pod_name);
      LOGSTONE_TRY(row.bind(stream.pod_uid).bind(stream.container).bind(std::int64_t{stream.restart}).run());
    }
    for (std::size_t i = 0; i < record.audit.size(); ++i) {
      const AuditEvent& event = record.audit[i];
      LOGSTONE_ASSIGN(Statement row, db_->prepare("INSERT INTO audit (uid, place, time, actor, action, detail) "
                                                  "VALUES (?, ?, ?, ?, ?, ?)"));
      row.bind(record.id.uid).bind(static_cast<std::int64_t>(i)).bind(to_unix_nanoseconds(event.time));
      LOGSTONE_TRY(row.bind(event.actor).bind(event.action).bind(event.detail).run());
    }
    return {};
  }

  /// One row more than the limit tells that there may be others.
  Result<std::vector<WorkflowSummary>> list_rows(const WorkflowQuery& query, const PageToken* after) {
    Where where;
    if (!query.name_space.empty()) where.add("namespace = ?", query.name_space);
    const auto prefix = [&](const std::string& column, const std::string& text) {
      if (text.empty()) return;
      where.add(column + " >= ?", text);
      if (std::string end = after_prefix(text); !end.empty()) where.add(column + " < ?", std::move(end));
    };
    prefix("name", query.name_prefix);
    prefix("uid", query.uid_prefix);
    if (!query.name_contains.empty()) {
      where.add("name LIKE ? ESCAPE '\\'", "%" + like_literal(query.name_contains) + "%");
    }
    if (query.phase) where.add("phase = ?", static_cast<std::int64_t>(*query.phase));
    if (query.state) where.add("state = ?", static_cast<std::int64_t>(*query.state));
    if (query.created_from) where.add("created >= ?", to_unix_nanoseconds(*query.created_from));
    if (query.created_until) where.add("created < ?", to_unix_nanoseconds(*query.created_until));
    if (!query.include_expired && query.state != LifecycleState::kExpired) {
      where.add("state <> ?", static_cast<std::int64_t>(LifecycleState::kExpired));
    }
    if (after != nullptr) {
      where.add("(created, uid) < (?, ?)", after->time);
      where.and_bind([uid = after->rest](Statement& statement) { statement.bind(uid); });
    }
    LOGSTONE_ASSIGN(Statement row, db_->prepare(std::string("SELECT ") + kSummaryColumns + " FROM workflow" +
                                                where.sql() + " ORDER BY created DESC, uid DESC LIMIT ?"));
    where.bind(row);
    row.bind(static_cast<std::int64_t>(query.limit + 1));
    std::vector<WorkflowSummary> rows;
    while (true) {
      LOGSTONE_ASSIGN(const bool more, row.step());
      if (!more) return rows;
      rows.push_back(read_summary(row));
    }
  }

  Result<Labels> labels_of(const std::string& uid) {
    LOGSTONE_ASSIGN(Statement row, db_->prepare("SELECT key, value FROM label WHERE uid = ?"));
    row.bind(uid);
    Labels labels;
    while (true) {
      LOGSTONE_ASSIGN(const bool more, row.step());
      if (!more) return labels;
      labels[row.text(0)] = row.text(1);
    }
  }

  std::mutex mutex_;
  std::unique_ptr<SqliteConnection> db_;
};

}  // namespace

Result<std::unique_ptr<Catalog>> open_sqlite_catalog(const std::string& path) {
  LOGSTONE_ASSIGN(auto connection, SqliteConnection::open(path));
  LOGSTONE_TRY(migrate_schema(*connection, path));
  return std::unique_ptr<Catalog>(std::make_unique<SqliteCatalog>(std::move(connection)));
}

}  // namespace logstone
