// Builds a segment: an immutable archive object with a contiguous part of one stream (docs/archive-format.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/stream.h"

namespace logstone {

struct SegmentSettings {
  std::size_t block_bytes = std::size_t{2} << 20;  ///< Raw bytes a block: 4 KiB to 16 MiB.
  int compression_level = 2;                       ///< zstd's, 1 to 19.
};

/// What the segment's own index says of the whole stream's place: written into it, read back when capture resumes.
struct SegmentPlace {
  StreamIdentity stream;
  std::string workflow_uid;
  std::uint64_t first_byte = 0;  ///< Offset in the stream of the segment's first raw byte.
  std::uint64_t first_line = 0;  ///< Newlines before it in the stream.
};

/// Collects pieces, compressing block by block: memory is one raw block, its metadata, and the compressed blocks. One
/// thread at a time. A segment that is not full yet can be made durable by `object()` again and again: each later
/// object holds the whole earlier one's bytes and supersedes it.
class SegmentWriter {
 public:
  SegmentWriter(SegmentSettings settings, SegmentPlace place);
  /// Goes on with a segment that was read back from the store (after a restart). kCorrupt when it is damaged.
  [[nodiscard]] static Result<SegmentWriter> resume(SegmentSettings settings, std::string_view object);
  ~SegmentWriter();
  SegmentWriter(SegmentWriter&&) noexcept;
  SegmentWriter& operator=(SegmentWriter&&) noexcept;

  void append(std::span<const LogPiece> pieces);
  /// Bytes are missing here, after what was appended so far (its `offset` is set by the writer).
  void add_gap(Gap gap);

  [[nodiscard]] const SegmentPlace& place() const;
  [[nodiscard]] std::uint64_t bytes() const;  ///< Raw bytes taken in.
  [[nodiscard]] std::uint64_t lines() const;  ///< Newlines taken in.
  [[nodiscard]] std::uint64_t end_byte() const { return place().first_byte + bytes(); }
  [[nodiscard]] const std::vector<Gap>& gaps() const;
  [[nodiscard]] std::optional<Timestamp> first_time() const;
  [[nodiscard]] std::optional<Timestamp> last_time() const;
  [[nodiscard]] std::size_t memory_bytes() const;  ///< About what it holds.

  /// The object's bytes for all that was appended, with the cursor after it and whether the stream ends with it.
  /// Changes nothing here.
  [[nodiscard]] std::string object(const Cursor& after, bool stream_ends) const;

  /// Raw bytes [offset, offset+max) of what was appended (segment-relative), from memory: what is not durable yet is
  /// read from here.
  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t max) const;
  /// The pieces that cover segment-relative bytes [offset, offset+length), each with its place. See PlacedPiece.
  [[nodiscard]] std::vector<struct PlacedPiece> pieces(std::uint64_t offset, std::uint64_t length) const;

 private:
  struct Impl;
  explicit SegmentWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace logstone
