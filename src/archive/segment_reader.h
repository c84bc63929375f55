// Reads a segment back, block by block (docs/archive-format.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/segment_writer.h"
#include "base/result.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone {

/// A piece of a line with its place: bytes [offset, offset+length) of the stream (or segment), newline included.
struct PlacedPiece {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  Timestamp time{};
  Output output = Output::kStdout;
  bool ends_line = true;
  bool operator==(const PlacedPiece&) const = default;
};

/// What is known of a block without reading it.
struct BlockSummary {
  std::uint64_t first_byte = 0;  ///< Segment-relative offset of its first raw byte.
  std::uint64_t bytes = 0;
  std::uint64_t first_line = 0;  ///< Newlines of the segment before it.
  std::uint64_t lines = 0;       ///< Newlines in it.
  Timestamp first_time{};        ///< The earliest and latest time of its pieces.
  Timestamp last_time{};
  bool ends_line = false;  ///< Its last byte is a newline.
};

/// Opened with two small reads from the object's end; blocks are read when asked for. Thread-safe after opening.
/// Any damage is kCorrupt, naming the object.
class SegmentReader {
 public:
  [[nodiscard]] static Result<std::shared_ptr<SegmentReader>> open(ObjectStore& store, const std::string& key,
                                                                   std::uint64_t object_bytes);
  /// Over an object that is in memory already.
  [[nodiscard]] static Result<std::shared_ptr<SegmentReader>> over(std::string object, const std::string& name);
  virtual ~SegmentReader() = default;

  [[nodiscard]] virtual const SegmentPlace& place() const = 0;
  [[nodiscard]] virtual const Cursor& cursor() const = 0;
  [[nodiscard]] virtual bool stream_ends() const = 0;
  [[nodiscard]] virtual const std::vector<Gap>& gaps() const = 0;
  [[nodiscard]] virtual const std::vector<BlockSummary>& blocks() const = 0;
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t lines() const = 0;
  /// A block's raw bytes, checksum compared.
  [[nodiscard]] virtual Result<std::string> read_block(std::size_t index) = 0;
  /// The block's pieces, segment-relative, in order; they cover it whole. A line that a block's end cuts goes on as the
  /// next block's first piece, with the same time and output.
  [[nodiscard]] virtual Result<std::vector<PlacedPiece>> read_pieces(std::size_t index) = 0;
  /// The same, for who has the block's raw bytes already: reads the metadata only.
  [[nodiscard]] virtual Result<std::vector<PlacedPiece>> read_pieces(std::size_t index, std::string_view raw) = 0;
};

/// Checks an object whole: every block, every piece, every checksum.
[[nodiscard]] Result<> check_segment(const std::string& object, const std::string& name);
/// The reference by which a record names the object.
[[nodiscard]] Result<SegmentReference> describe_segment(const std::string& key, const std::string& object);

}  // namespace logstone
