// Copies a log that somebody else archived into segments of our own.
#pragma once

#include <string>

#include "archive/log_view.h"
#include "archive/segment_writer.h"
#include "base/result.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone::adopt {

struct CopyTarget {
  ObjectStore& store;
  SegmentSettings segment;
  WorkflowIdentity workflow;
  Timestamp created{};  ///< Of the workflow.
};

/// Reads `log` to its end and writes it as complete segments, which are read back and compared before this returns.
/// Lines have no times of their own there: all get `time`. Memory is one segment. kCorrupt when what was written is
/// not what was read.
[[nodiscard]] Result<StreamRecord> copy_log(LogView& log, const CopyTarget& target, const StreamIdentity& stream,
                                            Timestamp time);

}  // namespace logstone::adopt
