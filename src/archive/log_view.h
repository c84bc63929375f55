// One stream's log as one thing, wherever its bytes are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "archive/segment_reader.h"
#include "base/result.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone {

/// How much of a stream can be read now.
struct LogExtent {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;  ///< Newlines, plus one for a last line without.
  bool complete = false;    ///< No more will come.
  bool lines_known = true;  ///< False: counting them would cost reading all of a foreign log.
};

/// Thread-safe. Offsets and lines count from the stream's beginning; lines from 0.
class LogView {
 public:
  virtual ~LogView() = default;
  [[nodiscard]] virtual LogExtent extent() = 0;
  [[nodiscard]] virtual std::vector<Gap> gaps() = 0;
  /// Up to `max` raw bytes from `offset`: at least one unless `offset` is at the end; never crosses a block, so that
  /// one call costs one block at most.
  [[nodiscard]] virtual Result<std::string> read(std::uint64_t offset, std::size_t max) = 0;
  /// The pieces that cover bytes [offset, offset+length) (the first and last may reach beyond); stream-relative.
  [[nodiscard]] virtual Result<std::vector<PlacedPiece>> pieces(std::uint64_t offset, std::uint64_t length) = 0;
  /// Offset of a line's first byte; the end where there is no such line.
  [[nodiscard]] virtual Result<std::uint64_t> find_line(std::uint64_t line) = 0;
  /// Offset of the first line, in the stream's order, whose time is at or after `time`; the end where there is none. A
  /// line's time is that of the piece that begins it; times need not ascend.
  [[nodiscard]] virtual Result<std::uint64_t> find_time(Timestamp time) = 0;
  /// Offset from which `lines` lines are left, by what can be read now.
  [[nodiscard]] virtual Result<std::uint64_t> find_tail(std::uint64_t lines) = 0;
  /// Calls `grown` once, from any thread (perhaps at once), when there is more than `bytes` bytes or the stream is
  /// complete. Dropping the returned handle cancels it; nothing is called after that.
  [[nodiscard]] virtual std::shared_ptr<void> notify(std::uint64_t bytes, std::function<void()> grown) = 0;
  /// Bytes [offset, end) will be read next, by one reader and in order: what they are in may be fetched meanwhile.
  /// Returns at once.
  virtual void read_ahead(std::uint64_t offset, std::uint64_t end);
};

/// Recently used blocks, shared by all readers, bounded in bytes; one that several want at once is read once.
/// Thread-safe. Has threads of its own once something is read ahead.
class BlockCache {
 public:
  explicit BlockCache(std::size_t max_bytes);
  ~BlockCache();
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A view of what a store holds of a stream: for complete streams, and as the older part of live ones.
/// `store` outlives `cache`, and `cache` outlives it. Never reads more than the blocks that a call needs.
[[nodiscard]] std::shared_ptr<LogView> open_archived_log(ObjectStore& store, BlockCache& cache, StreamRecord stream);

/// Lists a stream's durable segments when no record has them yet (a running workflow): superseded ones are left out.
/// The result is contiguous from byte 0; what lies beyond a hole is not in it. Reads the segments' ends only, so the
/// objects' digests and the stream's are empty: describe_segment and a Digest make them, from the whole objects.
/// `complete` is what the last segment says.
[[nodiscard]] Result<StreamRecord> read_stream_from_store(ObjectStore& store, const std::string& workflow_prefix,
                                                          const StreamIdentity& stream);

}  // namespace logstone
