// One record of a CRI log file: `<RFC3339Nano> <stdout|stderr> <F|P> <text>\n`.
// Source: Kubernetes' design "Container Runtime Interface: container log format".
#pragma once

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

}  // namespace logstone
