// Captures a damaged segment of a complete stream again, while the cluster still has its source.
#pragma once

#include <cstddef>
#include <string>

#include "archive/segment_writer.h"
#include "base/result.h"
#include "cluster/cluster.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone {

/// Reads the bytes of `stream.segments[index]` from the cluster again and puts the object in its old place. Goes on
/// from the cursor of the nearest undamaged segment before it. Blocks until it is done. An error (kNotFound, kCorrupt)
/// where the source no longer has exactly those bytes; the stored object is left as it was then.
[[nodiscard]] Result<SegmentReference> mend_segment(Cluster& cluster, ObjectStore& store, SegmentSettings settings,
                                                    const std::string& workflow_uid, const StreamRecord& stream,
                                                    std::size_t index);

}  // namespace logstone
