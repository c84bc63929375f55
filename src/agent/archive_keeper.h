// Retention by hand and by policy: hold, unhold, retain, remove, expire. Each leaves an audit event.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "agent/record_book.h"
#include "base/time.h"
#include "model/retention_policy.h"

namespace logstone {

/// Thread-safe. `book`, `catalog` and `clock` outlive it. A record that is a tombstone already can no longer be held or
/// retained (kConflict).
class ArchiveKeeper {
 public:
  ArchiveKeeper(RecordBook& book, Catalog& catalog, const Clock& clock, RetentionPolicy policy);
  /// `reason` must not be empty (kInvalidInput). A second hold replaces the reason.
  [[nodiscard]] Result<WorkflowRecord> hold(const std::string& uid, const std::string& reason,
                                            const std::string& actor);
  [[nodiscard]] Result<WorkflowRecord> unhold(const std::string& uid, const std::string& reason,
                                              const std::string& actor);
  /// `keep`: since the workflow's end; none: forever.
  [[nodiscard]] Result<WorkflowRecord> retain(const std::string& uid, std::optional<Nanoseconds> keep,
                                              const std::string& reason, const std::string& actor);
  /// Removes the archive of a workflow that the cluster no longer has. kConflict while it is held, or still there.
  [[nodiscard]] Result<> remove(const std::string& uid, const std::string& reason, const std::string& actor);
  /// Expires what is due; returns how many. Failures are logged and met again next time. The first call also brings the
  /// expiries of older records up to this policy.
  [[nodiscard]] Result<std::size_t> expire_due();
  /// When the record would expire by today's policy.
  [[nodiscard]] std::optional<Timestamp> expiry(const WorkflowRecord& record) const { return policy_.expiry(record); }

 private:
  Result<> apply_policy();
  [[nodiscard]] bool expire_one(const std::string& uid, Timestamp now);

  RecordBook& book_;
  Catalog& catalog_;
  const Clock& clock_;
  RetentionPolicy policy_;
  std::atomic<bool> policy_applied_{false};
};

}  // namespace logstone
