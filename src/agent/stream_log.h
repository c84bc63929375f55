// One stream while it is captured: its closed segments in the store and the open one in memory, read as one log.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/waiter_list.h"
#include "archive/log_view.h"
#include "archive/segment_writer.h"

namespace logstone {

/// Written by one thread (its StreamCapture's), read by any. The seam between archive and memory is the open segment's
/// first byte: closed segments are never superseded, and the open one is never read from the store. Goes on reading
/// from the archive after it is settled. `store` and `cache` outlive it.
class StreamLog final : public LogView {
 public:
  StreamLog(ObjectStore& store, BlockCache& cache, SegmentSettings settings, std::string workflow_uid,
            StreamIdentity stream);

  LogExtent extent() override;
  std::vector<Gap> gaps() override;
  Result<std::string> read(std::uint64_t offset, std::size_t max) override;
  Result<std::vector<PlacedPiece>> pieces(std::uint64_t offset, std::uint64_t length) override;
  Result<std::uint64_t> find_line(std::uint64_t line) override;
  Result<std::uint64_t> find_time(Timestamp time) override;
  Result<std::uint64_t> find_tail(std::uint64_t lines) override;
  std::shared_ptr<void> notify(std::uint64_t bytes, std::function<void()> grown) override;

  /// What an earlier process left: closed segments, and the last one to go on with.
  void resume(std::vector<SegmentReference> closed, std::vector<Gap> closed_gaps, std::optional<SegmentWriter> open,
              bool ends_in_line);
  void append(std::span<const LogPiece> pieces);
  void add_gap(Gap gap);
  /// No more will come.
  void end();
  /// The open segment's object for the store. Makes an empty segment where none is open.
  struct OpenObject {
    std::string bytes;
    std::uint64_t first_byte = 0;
    std::uint64_t end_byte = 0;
  };
  [[nodiscard]] OpenObject open_object(const Cursor& after);
  /// The open segment is durable as `segment` and full: what comes next goes into a new one.
  void close_segment(const SegmentReference& segment);
  [[nodiscard]] std::uint64_t open_bytes() const;
  /// The stream so far: `open` is the open segment's durable form.
  [[nodiscard]] StreamRecord record(const std::optional<SegmentReference>& open) const;
  /// Everything is durable as `record` says: memory is given back, reads go to the archive.
  void settle(StreamRecord record);

 private:
  struct Parts {
    std::shared_ptr<LogView> closed;  ///< Null where there is none.
    std::uint64_t seam = 0;           ///< Where the open segment begins; the stream's end where none is open.
  };
  Parts parts_locked();
  SegmentWriter& open_locked();
  std::uint64_t end_locked() const;

  ObjectStore& store_;
  BlockCache& cache_;
  const SegmentSettings settings_;
  const std::string workflow_uid_;

  mutable std::mutex mutex_;
  StreamRecord closed_;                   ///< Segments that are durable and will not change.
  std::shared_ptr<LogView> closed_view_;  ///< Made when somebody reads.
  std::uint64_t closed_newlines_ = 0;
  std::optional<SegmentWriter> open_;
  bool ends_in_line_ = false;  ///< The last byte is not a newline.
  bool ended_ = false;
  WaiterList waiters_;
};

}  // namespace logstone
