// The record as JSON text: the content of record.json (docs/archive-format.md).
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/record.h"

namespace logstone {

[[nodiscard]] std::string to_json(const WorkflowRecord& record);
/// kCorrupt when it is not a record; kUnsupported when a later version wrote it. Unknown members are ignored.
[[nodiscard]] Result<WorkflowRecord> record_from_json(std::string_view text);

}  // namespace logstone
