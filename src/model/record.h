// The archive's own description of a workflow: what record.json holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/stream.h"
#include "model/workflow.h"

namespace logstone {

/// The stations of a workflow, in their order; only ever forward.
enum class LifecycleState {
  kRunning,   ///< It runs, or has not been seen finished.
  kFinished,  ///< It has a final phase; its streams are still being read to their ends.
  kSealed,    ///< Every stream is complete and durable.
  kVerified,  ///< Everything was read back from the store and its digests compared.
  kReleased,  ///< The cluster may delete it.
  kDeleted,   ///< The cluster has deleted it.
  kExpired,   ///< Its retention is over (or a person removed it): the archive holds a tombstone only.
};
/// "running", "finished", ...
[[nodiscard]] const char* to_string(LifecycleState state);
[[nodiscard]] std::optional<LifecycleState> parse_lifecycle_state(std::string_view text);

/// One segment of a stream as the record names it.
struct SegmentReference {
  std::string key;               ///< Object key in the store.
  std::uint64_t first_byte = 0;  ///< Offset of its first raw byte in the stream.
  std::uint64_t bytes = 0;       ///< Raw bytes.
  std::uint64_t first_line = 0;  ///< Newlines in the stream before it.
  std::uint64_t lines = 0;       ///< Newlines in it.
  std::uint64_t object_bytes = 0;
  std::string object_digest;  ///< Digest of the object's bytes.
  std::optional<Timestamp> first_time;
  std::optional<Timestamp> last_time;
  bool operator==(const SegmentReference&) const = default;
};

/// Where somebody else archived a stream: an object that is read there, never changed and never removed.
struct ExternalObject {
  std::string store;  ///< As its ObjectStore describes itself, without credentials: "s3://mlpipeline".
  std::string key;
  std::uint64_t size = 0;  ///< Bytes of the object.
  Timestamp modified{};
  bool operator==(const ExternalObject&) const = default;
};

struct StreamRecord {
  StreamIdentity id;
  bool complete = false;    ///< Read to its end (or known that no more can be had).
  std::uint64_t bytes = 0;  ///< Raw bytes archived.
  std::uint64_t lines = 0;  ///< Newlines, plus one for a last line without.
  std::string digest;       ///< Of all raw bytes, once complete.
  std::string end_reason;   ///< "Completed", "OOMKilled", "pod deleted", ...
  std::optional<int> exit_code;
  std::vector<SegmentReference> segments;
  std::vector<Gap> gaps;
  std::optional<ExternalObject> external;  ///< Where it was adopted from.
  /// Its bytes are in the external object only: then it has neither segments nor digest, `bytes` is the object's size
  /// and `lines` is 0.
  [[nodiscard]] bool by_reference() const { return external && digest.empty(); }
  bool operator==(const StreamRecord&) const = default;
};

/// Something that was done to the workflow or its archive, and by whom.
struct AuditEvent {
  Timestamp time{};
  std::string actor;   ///< "agent", "cli:alice", "http:127.0.0.1", ...
  std::string action;  ///< captured, sealed, verified, verification_failed, released, deleted, held, unheld, retained,
                       ///< expired, removed, lost, adopted.
  std::string detail;
  bool operator==(const AuditEvent&) const = default;
};

/// A person's own retention for one workflow, above every policy.
struct RetentionOverride {
  std::optional<Nanoseconds> keep;  ///< Since the workflow's end; none: forever.
  std::string reason;
  bool operator==(const RetentionOverride&) const = default;
};

struct LegalHold {
  std::string reason;
  std::string actor;
  Timestamp since{};
  bool operator==(const LegalHold&) const = default;
};

struct WorkflowRecord {
  static constexpr int kVersion = 1;
  WorkflowIdentity id;
  LifecycleState state = LifecycleState::kRunning;
  std::uint64_t generation = 0;  ///< Counts the record's changes.
  Phase phase = Phase::kPending;
  std::string message;
  Labels labels;
  Labels annotations;
  Timestamp created{};
  std::optional<Timestamp> started;
  std::optional<Timestamp> finished;
  std::optional<Timestamp> verified;
  std::optional<Timestamp> deleted;  ///< From the cluster.
  std::optional<Timestamp> expires;  ///< When its retention ends, as last computed; none: forever.
  std::string problem;               ///< Why it does not go on (a failed verification, ...); empty when all is well.
  std::optional<LegalHold> hold;
  std::optional<RetentionOverride> retention;
  std::vector<Node> nodes;
  std::vector<StreamRecord> streams;
  std::vector<AuditEvent> audit;
  std::string manifest_json;  ///< The Workflow object as last seen, status included.
  bool operator==(const WorkflowRecord&) const = default;
};

}  // namespace logstone
