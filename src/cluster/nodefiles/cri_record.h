// One record of a CRI log file: `<RFC3339Nano> <stdout|stderr> <F|P> <text>\n`.
// Source: Kubernetes' design "Container Runtime Interface: container log format".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/stream.h"

namespace logstone {

/// Parses a record without its newline; `text` of the result points into `line`. kCorrupt when it is none.
[[nodiscard]] Result<LogPiece> parse_cri_record(std::string_view line);
/// Appends the record, with its newline.
void append_cri_record(std::string& out, const LogPiece& piece);

/// Parses many records: it remembers the minute of the last one, as neighbours share it. One thread at a time.
class CriRecordParser {
 public:
  /// As parse_cri_record, without the reason: for where every nanosecond counts.
  [[nodiscard]] std::optional<LogPiece> parse(std::string_view line);

 private:
  static constexpr std::size_t kMinuteBytes = 17;  // "2026-11-25T09:30:"
  [[nodiscard]] bool take_minute(std::string_view text);

  std::array<char, kMinuteBytes> minute_text_{};
  std::int64_t minute_ = 0;  // Unix nanoseconds of minute_text_, as if in UTC.
};

}  // namespace logstone
