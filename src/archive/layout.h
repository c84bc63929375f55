// Where the archive's objects are in a store (docs/archive-format.md has the rules).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/record.h"

namespace logstone {

/// `v1/workflows/<cluster>/<namespace>/<YYYY-MM-DD of creation>/<name>.<uid>/`: readable, sorts by day. Ends with '/'.
[[nodiscard]] std::string workflow_prefix(const WorkflowIdentity& id, Timestamp created);
/// `<prefix>record.json`
[[nodiscard]] std::string record_key(const WorkflowIdentity& id, Timestamp created);
/// The folder of one stream's segments: `<prefix>segments/<stream key>/`.
[[nodiscard]] std::string segments_prefix(const std::string& workflow_prefix, const StreamIdentity& stream);
/// `<segments prefix><first byte>-<byte after the last>.log.zst`, 16 decimal digits each.
[[nodiscard]] std::string segment_key(const std::string& segments_prefix, std::uint64_t first_byte,
                                      std::uint64_t end_byte);

struct SegmentSpan {
  std::uint64_t first_byte = 0;
  std::uint64_t end_byte = 0;
};
/// Reads the two numbers back from a key's last part; none when it is not a segment's key.
[[nodiscard]] std::optional<SegmentSpan> parse_segment_key(std::string_view key);
/// Everything of the archive is under it.
inline constexpr std::string_view kWorkflowsPrefix = "v1/workflows/";

}  // namespace logstone
