// Captures one stream: reads it from the cluster, makes it durable segment by segment, goes on where the last durable
// segment ends.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/agent_context.h"
#include "agent/stream_log.h"
#include "base/bytes.h"

namespace logstone {

class StreamCapture : public std::enable_shared_from_this<StreamCapture> {
 public:
  /// `finished` is called from a capture thread when the stream is complete and durable. `context` outlives it.
  static std::shared_ptr<StreamCapture> start(AgentContext& context, std::string workflow_uid,
                                              std::string workflow_prefix, StreamIdentity stream,
                                              std::function<void()> finished);
  ~StreamCapture();

  [[nodiscard]] const StreamIdentity& stream() const { return stream_; }
  [[nodiscard]] const std::shared_ptr<StreamLog>& log() const { return log_; }
  /// The cluster has no such pod any more: what can still be read is read, then the stream is complete.
  void source_gone();
  /// The whole stream as the archive has it; none while it is not complete and durable.
  [[nodiscard]] std::optional<StreamRecord> finished_record() const;
  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_bytes_; }
  /// When the oldest byte that is not durable was captured; none: everything is durable.
  [[nodiscard]] std::optional<SteadyTime> oldest_pending() const;
  /// One more try to make durable what was read. Only when the capture queue has stopped.
  void flush();

 private:
  StreamCapture(AgentContext& context, std::string workflow_uid, std::string workflow_prefix, StreamIdentity stream,
                std::function<void()> finished);
  void run();
  /// Goes on from what the store has.
  Result<> recover();
  Result<> quarantine_from(const std::string& damaged_key);
  enum class Progress { kMore, kDrained, kBlocked, kFailed };
  Progress read_some();
  Result<LogBatch> next_batch();
  void take(const LogBatch& batch);
  void end_with_gap(const std::string& reason);
  void mark_dirty();
  [[nodiscard]] std::uint64_t pending() const { return end_byte_ - durable_end_; }
  [[nodiscard]] bool full() const { return end_byte_ - open_first_ >= context_.settings.segment_bytes; }
  /// Whether everything is durable now.
  bool make_durable();
  void remove_superseded();
  bool finish();
  Result<> digest_from_store(StreamRecord& record);
  void schedule(Progress progress);
  void report(const char* what, const Error& error);

  AgentContext& context_;
  const std::string workflow_uid_;
  const std::string workflow_prefix_;
  const std::string segments_prefix_;
  const StreamIdentity stream_;
  const std::function<void()> finished_call_;
  const std::shared_ptr<StreamLog> log_;
  std::shared_ptr<WorkQueue::Item> item_;

  // Used by the one thread at a time that runs it.
  std::unique_ptr<LogReader> reader_;
  Cursor cursor_;  ///< After everything that the log has.
  bool recovered_ = false;
  bool ended_ = false;
  bool dirty_ = false;                            ///< Bytes, a gap or the end are not durable yet.
  std::uint64_t end_byte_ = 0;                    ///< Of everything captured.
  std::uint64_t durable_end_ = 0;                 ///< Of everything durable.
  std::uint64_t open_first_ = 0;                  ///< Where the open segment begins.
  std::optional<SegmentReference> open_segment_;  ///< The open segment's durable form.
  std::vector<std::string> superseded_;           ///< Keys to remove.
  std::optional<Digest> digest_;                  ///< Of all bytes; none: an earlier process took in the first ones.
  std::string digest_scratch_;                    ///< Not in it yet: many small updates are slow.
  SteadyTime read_not_before_{};
  SteadyTime store_not_before_{};
  Backoff read_backoff_;
  Backoff store_backoff_;
  std::string reported_;
  std::optional<SteadyTime> gone_since_;

  std::atomic<bool> gone_{false};
  std::atomic<std::uint64_t> pending_bytes_{0};
  std::atomic<std::int64_t> oldest_pending_{0};  ///< Steady nanoseconds; 0: none.
  mutable std::mutex finished_mutex_;
  std::optional<StreamRecord> finished_;
};

}  // namespace logstone
