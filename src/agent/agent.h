// The loops that move every workflow from running to released, and from retained to expired.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/archive_keeper.h"
#include "agent/record_book.h"
#include "archive/log_view.h"
#include "archive/segment_writer.h"
#include "cluster/cluster.h"

namespace logstone {

struct AgentSettings {
  std::size_t segment_bytes = std::size_t{4} << 20;   ///< Raw bytes after which a segment is closed.
  Nanoseconds segment_age = std::chrono::seconds(5);  ///< Age after which what was captured becomes durable.
  SegmentSettings segment;
  std::size_t capture_threads = 2;
  Nanoseconds retry_first = std::chrono::milliseconds(200);  ///< Back-off of work that failed: doubles up to
  Nanoseconds retry_last = std::chrono::seconds(30);         ///< this.
  Nanoseconds expiry_interval = std::chrono::minutes(1);
  Nanoseconds publish_deadline = std::chrono::minutes(10);  ///< Since "verified"; see AgentParts::publish.
};

/// Numbers for /metrics; all only ever grow, but for those named "now".
struct AgentMetrics {
  std::uint64_t bytes_captured = 0;
  std::uint64_t lines_captured = 0;
  std::uint64_t segments_written = 0;
  std::uint64_t segment_bytes_written = 0;
  std::uint64_t store_failures = 0;
  std::uint64_t workflows_sealed = 0;
  std::uint64_t workflows_verified = 0;
  std::uint64_t verification_failures = 0;
  std::uint64_t workflows_released = 0;
  std::uint64_t workflows_expired = 0;
  std::uint64_t workflows_published = 0;
  std::uint64_t publish_failures = 0;  ///< Tries.
  std::uint64_t gaps = 0;
  std::uint64_t streams_now = 0;        ///< Being captured now.
  std::uint64_t pending_bytes_now = 0;  ///< Captured, not durable yet.
  Nanoseconds oldest_pending_now{};     ///< Age of the oldest byte that is not durable yet.
};

/// What an agent works with; all outlive it.
struct AgentParts {
  Cluster& cluster;
  ObjectStore& store;
  RecordBook& book;
  ArchiveKeeper& keeper;
  BlockCache& cache;
  const Clock& clock;
  /// Where given: writes a verified workflow's logs where others look for them, before the workflow is released; says
  /// in words what it did. One at a time, on a thread of its own; repeatable. What fails is tried again until the
  /// deadline; then the workflow is released without, with an audit event.
  std::function<Result<std::string>(const WorkflowRecord&)> publish = nullptr;
};

/// Thread-safe. Level-triggered: killed at any instant, a new one goes on from what the store and the cluster have.
class Agent {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Agent>> start(AgentParts parts, AgentSettings settings);
  virtual ~Agent() = default;
  /// Makes durable what was read, then ends. Also the destructor's work.
  virtual void stop() = 0;
  /// The stream as one log, archive and live rest, while it is being captured; null when it is not (any more).
  [[nodiscard]] virtual std::shared_ptr<LogView> live_log(const std::string& workflow_uid,
                                                          const StreamIdentity& stream) = 0;
  /// Streams being captured of a workflow, with their present extents: the record has them only once they are sealed.
  /// Those that are `complete` name all their segments, so that they can be opened from the archive; the others name
  /// none.
  [[nodiscard]] virtual std::vector<StreamRecord> live_streams(const std::string& workflow_uid) = 0;
  /// Calls `reached` once (any thread, perhaps at once) when the workflow is at `state` or beyond, or cannot get there
  /// (a problem is in its record). Dropping the handle cancels.
  [[nodiscard]] virtual std::shared_ptr<void> when_reached(const std::string& workflow_uid, LifecycleState state,
                                                           std::function<void()> reached) = 0;
  [[nodiscard]] virtual AgentMetrics metrics() = 0;
};

}  // namespace logstone
