// A place in a container's log files that outlives renaming, compression and this process: what a Cursor holds.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "model/stream.h"

namespace logstone {

/// Names a log file by how it begins: rotation changes its name, compression its inode, neither its first bytes.
struct LogFileIdentity {
  std::uint64_t hash = 0;        ///< XXH3 of the first `head_bytes` bytes.
  std::uint32_t head_bytes = 0;  ///< At most kMaxHeadBytes.
  std::int64_t first_time = 0;   ///< Of its first readable record, Unix nanoseconds; 0 where it has none.
  bool operator==(const LogFileIdentity&) const = default;

  static constexpr std::uint32_t kMaxHeadBytes = 4096;
};

struct LogPosition {
  LogFileIdentity file;
  std::uint64_t offset = 0;    ///< Bytes of the file's uncompressed content that have been consumed.
  bool after_cut_off = false;  ///< The last record consumed had no end: a gap follows it.
  bool operator==(const LogPosition&) const = default;
};

[[nodiscard]] Cursor to_cursor(const LogPosition& position);
/// kInvalidInput when the cursor is not one of node log files, or of a later version. Not for empty cursors.
[[nodiscard]] Result<LogPosition> parse_cursor(const Cursor& cursor);

}  // namespace logstone
