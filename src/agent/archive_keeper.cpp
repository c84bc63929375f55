#include "agent/archive_keeper.h"

#include "base/log.h"

namespace logstone {
namespace {

constexpr std::size_t kExpiryBatch = 100;

/// A record that nothing is left of cannot be kept any more.
Result<> require_archive(const WorkflowRecord& record, const std::string& attempted) {
  if (record.state != LifecycleState::kExpired) return {};
  return Error{ErrorKind::kConflict, attempted, record.id.name_space + "/" + record.id.name,
               "its archive has been removed already",
               "The audit events of workflow " + record.id.uid + " tell when and by whom."};
}

WorkflowRecord as_record(const WorkflowSummary& summary) {
  WorkflowRecord record;
  record.id = summary.id;
  record.state = summary.state;
  record.phase = summary.phase;
  record.labels = summary.labels;
  record.created = summary.created;
  record.started = summary.started;
  record.finished = summary.finished;
  return record;
}

}  // namespace

ArchiveKeeper::ArchiveKeeper(RecordBook& book, Catalog& catalog, const Clock& clock, RetentionPolicy policy)
    : book_(book), catalog_(catalog), clock_(clock), policy_(std::move(policy)) {}

Result<WorkflowRecord> ArchiveKeeper::hold(const std::string& uid, const std::string& reason,
                                           const std::string& actor) {
  if (reason.empty()) {
    return Error{ErrorKind::kInvalidInput, "hold workflow", uid, "no reason was given",
                 "Say why it must be kept: the audit keeps the reason."};
  }
  return book_.update(uid, [&](WorkflowRecord& record) -> Result<> {
    LOGSTONE_TRY(require_archive(record, "hold workflow"));
    const Timestamp now = clock_.now();
    const Timestamp since = record.hold ? record.hold->since : now;
    record.hold = LegalHold{reason, actor, since};
    record.audit.push_back({now, actor, "held", reason});
    return {};
  });
}

Result<WorkflowRecord> ArchiveKeeper::unhold(const std::string& uid, const std::string& reason,
                                             const std::string& actor) {
  return book_.update(uid, [&](WorkflowRecord& record) -> Result<> {
    if (!record.hold) {
      return Error{ErrorKind::kConflict, "take the hold from workflow", uid, "no hold is on it", ""};
    }
    record.hold.reset();
    record.expires = expiry(record);
    record.audit.push_back({clock_.now(), actor, "unheld", reason});
    return {};
  });
}

Result<WorkflowRecord> ArchiveKeeper::retain(const std::string& uid, std::optional<Nanoseconds> keep,
                                             const std::string& reason, const std::string& actor) {
  if (keep && *keep < Nanoseconds::zero()) {
    return Error{ErrorKind::kInvalidInput, "retain workflow", uid, "the time to keep it is negative", ""};
  }
  return book_.update(uid, [&](WorkflowRecord& record) -> Result<> {
    LOGSTONE_TRY(require_archive(record, "retain workflow"));
    record.retention = RetentionOverride{keep, reason};
    record.expires = expiry(record);
    std::string detail = "keep " + (keep ? format_duration(*keep) : std::string("forever"));
    if (!reason.empty()) detail += ": " + reason;
    record.audit.push_back({clock_.now(), actor, "retained", std::move(detail)});
    return {};
  });
}

Result<> ArchiveKeeper::remove(const std::string& uid, const std::string& reason, const std::string& actor) {
  LOGSTONE_ASSIGN(const WorkflowRecord record, book_.read(uid));
  if (!record.deleted && record.state < LifecycleState::kDeleted) {
    return Error{ErrorKind::kConflict, "remove the archive of workflow", record.id.name_space + "/" + record.id.name,
                 "the cluster still has the workflow (its archive is " + std::string(to_string(record.state)) + ")",
                 "Delete the workflow there first, or wait until its TTL has passed."};
  }
  return book_.bury(uid, {clock_.now(), actor, "removed", reason});
}

bool ArchiveKeeper::expire_one(const std::string& uid, Timestamp now) {
  // The stored expiry may come from an older policy: only today's decides.
  auto record = book_.update(uid, [&](WorkflowRecord& r) -> Result<> {
    if (r.state != LifecycleState::kExpired) r.expires = expiry(r);
    return {};
  });
  if (record && record->state != LifecycleState::kExpired) {
    if (record->hold || !record->expires || *record->expires > now) return false;
  }
  Result<> buried;
  if (!record) {
    buried = std::move(record).error();
  } else {
    const std::string since = record->expires ? format_rfc3339(*record->expires) : "";
    buried = book_.bury(uid, {now, "agent", "expired", "retention ended " + since});
  }
  if (!buried) log_warning("cannot expire an archive", {{"workflow", uid}, {"error", buried.error().message()}});
  return buried.has_value();
}

Result<> ArchiveKeeper::apply_policy() {
  WorkflowQuery query;
  query.state = LifecycleState::kDeleted;
  query.limit = 1000;
  do {
    LOGSTONE_ASSIGN(const WorkflowPage page, catalog_.list(query));
    for (const WorkflowSummary& summary : page.workflows) {
      if (expiry(as_record(summary)) == summary.expires) continue;
      LOGSTONE_TRY(book_.update(summary.id.uid, [&](WorkflowRecord& record) -> Result<> {
        if (record.state != LifecycleState::kExpired) record.expires = expiry(record);
        return {};
      }));
    }
    query.page_token = page.next_page_token;
  } while (!query.page_token.empty());
  return {};
}

Result<std::size_t> ArchiveKeeper::expire_due() {
  if (!policy_applied_.exchange(true)) {
    if (auto applied = apply_policy(); !applied) {
      policy_applied_ = false;
      log_warning("cannot apply the retention policy to older records", {{"error", applied.error().message()}});
    }
  }
  const Timestamp now = clock_.now();
  std::size_t expired = 0;
  while (true) {
    LOGSTONE_ASSIGN(const std::vector<std::string> due, catalog_.expiring(now, kExpiryBatch));
    std::size_t progress = 0;
    for (const std::string& uid : due) progress += expire_one(uid, now) ? 1 : 0;
    expired += progress;
    // What could not be expired would be returned for ever; it is met again at the next call.
    if (progress == 0 || due.size() < kExpiryBatch) return expired;
  }
}

}  // namespace logstone
