// The queryable index of the records. Derived from the store, so it can be dropped and rebuilt.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/label_selector.h"
#include "model/record.h"

namespace logstone {

/// What a list shows of a workflow.
struct WorkflowSummary {
  WorkflowIdentity id;
  LifecycleState state = LifecycleState::kRunning;
  Phase phase = Phase::kPending;
  std::string message;
  std::string problem;
  Labels labels;
  Timestamp created{};
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<Timestamp> expires;
  bool held = false;
  std::uint64_t streams = 0;
  std::uint64_t gaps = 0;
  std::uint64_t bytes = 0;         ///< Raw.
  std::uint64_t object_bytes = 0;  ///< Stored.
  std::string record_key;          ///< Object key of the record.
};

/// Every member narrows; an empty one does not.
struct WorkflowQuery {
  std::string name_space;
  std::string name_prefix;
  std::string uid_prefix;
  std::string name_contains;
  std::optional<Phase> phase;
  std::optional<LifecycleState> state;
  LabelSelector labels;
  std::optional<Timestamp> created_from;   ///< Inclusive.
  std::optional<Timestamp> created_until;  ///< Exclusive.
  bool include_expired = false;            ///< Tombstones too; `state` kExpired asks for them as well.
  std::size_t limit = 100;                 ///< 1 to 1,000.
  std::string page_token;                  ///< From the page before; empty: the first.
};

/// Newest first.
struct WorkflowPage {
  std::vector<WorkflowSummary> workflows;
  std::string next_page_token;  ///< Empty: that was the last page.
};

/// Where a pod's log is: found by pod name or uid.
struct PodLocation {
  WorkflowIdentity workflow;
  StreamIdentity stream;
};

struct AuditQuery {
  std::string name_space;
  std::string workflow_uid;
  std::optional<Timestamp> from;
  std::optional<Timestamp> until;
  std::size_t limit = 100;
  std::string page_token;
};
struct AuditEntry {
  WorkflowIdentity workflow;
  AuditEvent event;
};
struct AuditPage {
  std::vector<AuditEntry> entries;  ///< Newest first.
  std::string next_page_token;
};

/// Thread-safe; several processes may share one.
class Catalog {
 public:
  virtual ~Catalog() = default;
  /// Inserts or replaces all that the catalogue says of the workflow, in one transaction. An older generation than the
  /// stored one changes nothing.
  [[nodiscard]] virtual Result<> upsert(const WorkflowRecord& record, const std::string& record_key) = 0;
  /// Forgets a workflow whole (not for expiry: a tombstone is upserted then).
  [[nodiscard]] virtual Result<> remove(const std::string& uid) = 0;
  [[nodiscard]] virtual Result<WorkflowPage> list(const WorkflowQuery& query) = 0;
  /// kNotFound when it is not known.
  [[nodiscard]] virtual Result<WorkflowSummary> get(const std::string& uid) = 0;
  /// Every stream of pods with that name or uid (in `name_space`, unless empty), newest workflow first.
  [[nodiscard]] virtual Result<std::vector<PodLocation>> find_pod(const std::string& name_space,
                                                                  const std::string& pod_name) = 0;
  [[nodiscard]] virtual Result<AuditPage> audit(const AuditQuery& query) = 0;
  /// uids of workflows in state `kDeleted` whose expiry is at or before `now`, not held; the earliest expiry first.
  [[nodiscard]] virtual Result<std::vector<std::string>> expiring(Timestamp now, std::size_t limit) = 0;
  /// Forgets everything, for a rebuild from the store.
  [[nodiscard]] virtual Result<> clear() = 0;
};

/// SQLite in WAL mode at `path` (made, and migrated when an older version wrote it; kUnsupported when a later did,
/// kCorrupt when it is damaged).
[[nodiscard]] Result<std::unique_ptr<Catalog>> open_sqlite_catalog(const std::string& path);

}  // namespace logstone
