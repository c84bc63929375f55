// The second half of a workflow's way: sealed, proven, released, deleted.
#include <algorithm>
#include <utility>

#include "agent/segment_mender.h"
#include "agent/workflow_loop.h"
#include "archive/layout.h"
#include "archive/record_store.h"
#include "archive/segment_reader.h"
#include "base/log.h"

namespace logstone {
namespace {

bool has_audit(const WorkflowRecord& record, std::string_view action, std::string_view detail) {
  return std::any_of(record.audit.begin(), record.audit.end(),
                     [&](const AuditEvent& event) { return event.action == action && event.detail == detail; });
}

bool has_stream(const std::vector<StreamRecord>& streams, const StreamIdentity& id) {
  return std::any_of(streams.begin(), streams.end(), [&](const StreamRecord& known) { return known.id == id; });
}

bool ran_a_pod(const Node& node) {
  return node.type == "Pod" && node.phase != Phase::kPending && node.phase != Phase::kSkipped &&
         node.phase != Phase::kOmitted;
}

std::string counted(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// "the pod has no such object any more" is no failure of a release.
Result<> unless_gone(Result<> result) {
  if (!result && result.error().kind == ErrorKind::kNotFound) return {};
  return result;
}

std::string in_words(const std::vector<Damage>& damages) {
  std::string words;
  for (const Damage& damage : damages) words += (words.empty() ? "" : "; ") + damage.key + ": " + damage.what;
  return words;
}

Result<std::string> stream_digest(ObjectStore& store, const StreamRecord& stream) {
  Digest digest;
  for (const SegmentReference& segment : stream.segments) {
    LOGSTONE_ASSIGN(const auto reader, SegmentReader::open(store, segment.key, segment.object_bytes));
    for (std::size_t i = 0; i < reader->blocks().size(); ++i) {
      LOGSTONE_ASSIGN(const std::string text, reader->read_block(i));
      digest.update(text);
    }
  }
  return digest.hex();
}

}  // namespace

/// A pod that podGC wants does not wait for its workflow: its own streams are proven, then it may go.
Result<> WorkflowLoop::release_collected_pod(const Pod& pod) {
  WorkflowRecord part = *record_;
  part.streams.clear();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [stream, entry] : streams_) {
      if (stream.pod_uid != pod.uid) continue;
      auto finished = entry.finished_record();
      if (!finished) return {};  // Its capture pokes when it has come to the end.
      part.streams.push_back(*std::move(finished));
    }
  }
  const std::string detail = "pod " + pod.name + " (" + pod.uid + ")";
  if (!part.streams.empty()) {
    if (steady_now() < verify_not_before_) {
      wake_within(verify_not_before_ - steady_now());
      return {};
    }
    LOGSTONE_TRY(sweep(part));
    LOGSTONE_ASSIGN(const std::string damaged, prove(part, true));
    if (!damaged.empty()) return note_failed_verification(damaged);
  }
  LOGSTONE_TRY(change([&](WorkflowRecord& record) {
    for (const StreamRecord& stream : part.streams) {
      if (!has_stream(record.streams, stream.id)) record.streams.push_back(stream);
    }
    record.problem.clear();
    if (!has_audit(record, "released", detail)) add_audit(record, "released", detail);
  }));
  LOGSTONE_TRY(unless_gone(context_.parts.cluster.release_pod(uid_, pod.uid)));
  released_pods_.insert(pod.uid);
  const std::lock_guard lock(mutex_);
  std::erase_if(streams_, [&](const auto& item) { return item.first.pod_uid == pod.uid; });
  return {};
}

/// Nodes that ran a pod of which nothing was ever seen: their logs are lost, and the record says so.
std::vector<StreamRecord> WorkflowLoop::lost_streams(const WorkflowRecord& record) const {
  std::vector<StreamRecord> lost;
  for (const Node& node : record.nodes) {
    if (!ran_a_pod(node) || seen_nodes_.contains(node.id) || seen_nodes_.contains(node.pod_name)) continue;
    const bool captured = std::any_of(record.streams.begin(), record.streams.end(), [&](const StreamRecord& stream) {
      return stream.id.node_id == node.id || (!node.pod_name.empty() && stream.id.pod_name == node.pod_name);
    });
    if (captured) continue;
    StreamRecord stream;
    stream.id = {node.id, node.pod_name.empty() ? node.id : node.pod_name, "", "main", 0};
    stream.complete = true;
    stream.digest = Digest::hex_of("");
    stream.end_reason = "lost";
    stream.exit_code = node.exit_code;
    stream.gaps.push_back({0, std::nullopt, "the pod was gone before its log was read", context_.parts.clock.now()});
    lost.push_back(std::move(stream));
  }
  return lost;
}

Result<> WorkflowLoop::seal(const Workflow* workflow) {
  std::vector<StreamRecord> captured;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [stream, entry] : streams_) {
      auto finished = entry.finished_record();
      if (!finished) return {};
      captured.push_back(*std::move(finished));
    }
  }
  bool sealed = false;
  LOGSTONE_TRY(change([&](WorkflowRecord& record) {
    if (record.state >= LifecycleState::kSealed) return;
    if (workflow != nullptr) {
      record.message = workflow->message;
      record.nodes = workflow->nodes;
      record.manifest_json = workflow->manifest_json;
    }
    for (StreamRecord& stream : captured) {
      if (!has_stream(record.streams, stream.id)) record.streams.push_back(std::move(stream));
    }
    for (StreamRecord& stream : lost_streams(record)) {
      context_.counters.gaps += stream.gaps.size();
      record.streams.push_back(std::move(stream));
    }
    std::uint64_t bytes = 0;
    std::uint64_t gaps = 0;
    std::string first_gap;
    for (const StreamRecord& stream : record.streams) {
      bytes += stream.bytes;
      gaps += stream.gaps.size();
      if (first_gap.empty() && !stream.gaps.empty()) first_gap = stream.id.key() + ": " + stream.gaps.front().reason;
    }
    add_audit(record, "captured", counted(record.streams.size(), "stream") + ", " + counted(bytes, "byte"));
    if (gaps > 0) add_audit(record, "lost", counted(gaps, "gap") + "; " + first_gap);
    if (!unreadable_.empty()) {
      add_audit(record, "lost",
                "unreadable: " + unreadable_.front() + " (of " + std::to_string(unreadable_.size()) + ")");
    }
    add_audit(record, "sealed", workflow != nullptr ? "" : "the workflow was deleted before its archive was complete");
    record.state = LifecycleState::kSealed;
    record.expires = context_.parts.keeper.expiry(record);
    sealed = true;
  }));
  if (sealed) ++context_.counters.workflows_sealed;
  const std::lock_guard lock(mutex_);
  streams_.clear();
  return {};
}

/// Removes what earlier, shorter forms of the segments left. Only in folders whose streams the record knows.
Result<> WorkflowLoop::sweep(const WorkflowRecord& record) {
  for (const StreamRecord& stream : record.streams) {
    LOGSTONE_ASSIGN(const std::vector<ObjectInfo> objects,
                    list_all(context_.parts.store, segments_prefix(prefix_, stream.id)));
    std::vector<std::string> going;
    for (const ObjectInfo& object : objects) {
      const bool named = std::any_of(stream.segments.begin(), stream.segments.end(),
                                     [&](const SegmentReference& segment) { return segment.key == object.key; });
      if (!named) going.push_back(object.key);
    }
    LOGSTONE_TRY(context_.parts.store.remove_many(going));
  }
  return {};
}

Result<std::string> WorkflowLoop::prove(WorkflowRecord& part, bool mendable) {
  ObjectStore& store = context_.parts.store;
  LOGSTONE_ASSIGN(const std::vector<Damage> damages, verify_record(store, part));
  if (damages.empty() || !mendable) return in_words(damages);
  bool mended = false;
  for (StreamRecord& stream : part.streams) {
    const bool digest_unknown = stream.digest.empty();
    bool touched = false;
    for (std::size_t i = 0; i < stream.segments.size(); ++i) {
      const std::string key = stream.segments[i].key;
      const bool damaged =
          std::any_of(damages.begin(), damages.end(), [&](const Damage& damage) { return damage.key == key; });
      if (!damaged) continue;
      auto again = mend_segment(context_.parts.cluster, store, context_.settings.segment, uid_, stream, i);
      if (!again && again.error().retryable()) return std::move(again).error();
      if (!again) {
        report("a damaged segment cannot be captured again", again.error());
        continue;
      }
      log_warning("a damaged segment was captured again", {{"workflow", uid_}, {"segment", key}});
      stream.segments[i] = *std::move(again);
      touched = true;
    }
    if (digest_unknown) {
      auto digest = stream_digest(store, stream);
      if (!digest && digest.error().retryable()) return std::move(digest).error();
      if (digest) stream.digest = *std::move(digest);
      touched |= digest.has_value();
    }
    mended |= touched;
  }
  if (!mended) return in_words(damages);
  LOGSTONE_ASSIGN(const std::vector<Damage> left, verify_record(store, part));
  return in_words(left);
}

Result<> WorkflowLoop::note_failed_verification(const std::string& what) {
  ++context_.counters.verification_failures;
  const Nanoseconds delay = verify_backoff_.next();
  verify_not_before_ = steady_now() + delay;
  wake_within(delay);
  return change([&](WorkflowRecord& record) {
    const std::string problem = "the archive differs from what was captured: " + what;
    if (record.problem == problem) return;
    record.problem = problem;
    if (!has_audit(record, "verification_failed", what)) add_audit(record, "verification_failed", what);
    log_error("verification failed: the workflow is not released", {{"workflow", uid_}, {"damage", what}});
  });
}

Result<> WorkflowLoop::verify(const Workflow* workflow) {
  if (const SteadyTime now = steady_now(); now < verify_not_before_) {
    wake_within(verify_not_before_ - now);
  } else {
    LOGSTONE_TRY(sweep(*record_));
    WorkflowRecord proven = *record_;
    LOGSTONE_ASSIGN(const std::string damaged, prove(proven, workflow != nullptr));
    if (damaged.empty()) {
      bool verified = false;
      LOGSTONE_TRY(change([&](WorkflowRecord& record) {
        if (record.state != LifecycleState::kSealed) return;
        record.streams = proven.streams;
        record.state = LifecycleState::kVerified;
        record.verified = context_.parts.clock.now();
        record.problem.clear();
        add_audit(record, "verified", counted(record.streams.size(), "stream") + " read back");
        verified = true;
      }));
      if (verified) ++context_.counters.workflows_verified;
      return {};
    }
    LOGSTONE_TRY(note_failed_verification(damaged));
  }
  // Damaged for good, and its source is gone too: what is left stays, with the problem on it.
  if (workflow == nullptr) return note_deleted();
  return {};
}

Result<> WorkflowLoop::release(const Workflow* workflow) {
  if (record_->state == LifecycleState::kVerified) {
    LOGSTONE_ASSIGN(const bool published, publish_logs());
    if (!published) return {};
  }
  if (workflow == nullptr) return note_deleted();
  if (record_->state == LifecycleState::kVerified) {
    // Written before it is done: no release without its audit event.
    bool released = false;
    LOGSTONE_TRY(change([&](WorkflowRecord& record) {
      if (record.state != LifecycleState::kVerified) return;
      record.state = LifecycleState::kReleased;
      add_audit(record, "released", "");
      released = true;
    }));
    if (released) ++context_.counters.workflows_released;
    return {};
  }
  if (released_) return {};
  Cluster& cluster = context_.parts.cluster;
  LOGSTONE_ASSIGN(const std::vector<Pod> pods, cluster.list_pods(uid_));
  for (const Pod& pod : pods) {
    if (pod.held) LOGSTONE_TRY(unless_gone(cluster.release_pod(uid_, pod.uid)));
  }
  LOGSTONE_TRY(unless_gone(cluster.release_workflow(uid_)));
  released_ = true;
  // It may wait for its TTL for long, with thousands of others: of its record only the state is needed from here on.
  WorkflowRecord waiting;
  waiting.id = record_->id;
  waiting.state = record_->state;
  record_ = std::move(waiting);
  return {};
}

Result<> WorkflowLoop::note_deleted() {
  return change([&](WorkflowRecord& record) {
    if (!record.deleted) {
      record.deleted = context_.parts.clock.now();
      add_audit(record, "deleted",
                record.state == LifecycleState::kReleased ? "" : "the cluster deleted it before it was released");
    }
    if (record.state == LifecycleState::kVerified || record.state == LifecycleState::kReleased) {
      record.state = LifecycleState::kDeleted;
    }
  });
}

}  // namespace logstone
