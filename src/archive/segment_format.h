// The segment's frames as bytes: index, seek table, skippable frames (docs/archive-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "archive/segment_writer.h"
#include "model/stream.h"

namespace logstone::format {

inline constexpr std::uint32_t kMetadataMagic = 0x184D2A51;
inline constexpr std::uint32_t kIndexMagic = 0x184D2A52;
inline constexpr std::uint32_t kSeekTableMagic = 0x184D2A5E;
inline constexpr std::uint32_t kSeekableMagic = 0x8F92EAB1;
inline constexpr std::size_t kMinBlockBytes = std::size_t{4} << 10;  ///< What settings may ask for.
inline constexpr std::size_t kMaxBlockBytes = std::size_t{16} << 20;
inline constexpr std::size_t kSkippableHeaderBytes = 8;
inline constexpr std::size_t kSeekEntryBytes = 12;
inline constexpr std::size_t kSeekFooterBytes = 9;

/// What the index says of a block.
struct IndexBlock {
  std::uint64_t raw_bytes = 0;
  std::uint64_t frame_bytes = 0;
  std::uint64_t metadata_bytes = 0;  ///< Of the whole skippable frame.
  std::uint64_t lines = 0;
  std::int64_t earliest = 0;  ///< Nanoseconds since the epoch.
  std::int64_t latest = 0;
  bool ends_with_newline = false;
  std::uint64_t raw_hash = 0;
  std::uint64_t metadata_hash = 0;
  std::uint32_t content_checksum = 0;  ///< Only in the seek table: the zstd frame's own.
};

struct SegmentIndex {
  SegmentPlace place;
  bool stream_ends = false;
  Cursor cursor;
  std::vector<Gap> gaps;
  std::vector<IndexBlock> blocks;
};

template <class T>
using Parsed = tl::expected<T, std::string>;  ///< Or what is wrong with the bytes.

[[nodiscard]] std::string skippable_frame(std::uint32_t magic, std::string_view payload);
/// The payload of exactly one skippable frame with this magic.
[[nodiscard]] Parsed<std::string_view> skippable_payload(std::uint32_t magic, std::string_view frame);

/// The index's whole skippable frame.
[[nodiscard]] std::string index_frame(const SegmentIndex& index);
/// The seek table's whole skippable frame.
[[nodiscard]] std::string seek_table_frame(const SegmentIndex& index, std::size_t index_frame_bytes);

/// What the object's last bytes tell of where to read.
struct Tail {
  std::uint64_t blocks = 0;
  std::uint64_t index_bytes = 0;       ///< Size of the index's frame.
  std::uint64_t seek_table_bytes = 0;  ///< Size of the seek table's frame, the last of the object.
};
/// `tail`: the last bytes of an object of `object_bytes`; at least the last 29 where it has so many.
[[nodiscard]] Parsed<Tail> parse_tail(std::string_view tail, std::uint64_t object_bytes);
/// Reads index and seek table and compares them with each other and with the object's size. `end`: the object's last
/// bytes, index and seek table at least.
[[nodiscard]] Parsed<SegmentIndex> parse_end(std::string_view end, std::uint64_t object_bytes);

}  // namespace logstone::format
