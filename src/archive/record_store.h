// Reads and writes the records of workflows in a store.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone {

/// Writes `<prefix>record.json`, durable on return.
[[nodiscard]] Result<> write_record(ObjectStore& store, const WorkflowRecord& record);
/// kNotFound, kCorrupt (the checksum line in it differs), or the record.
[[nodiscard]] Result<WorkflowRecord> read_record(ObjectStore& store, const std::string& key);
/// Every record in the store, one at a time; damaged ones go to `damaged` and the walk goes on.
[[nodiscard]] Result<> for_each_record(
    ObjectStore& store, const std::function<Result<>(const WorkflowRecord&, const std::string& key)>& found,
    const std::function<void(const std::string& key, const Error&)>& damaged);

/// One difference between the archive and its digests.
struct Damage {
  std::string key;
  std::string what;
};
/// Reads back every segment of a record (not what it refers to elsewhere) and compares all digests, sizes and the
/// streams' own digests. The list is empty when all is well; an Error only where the store could not answer (try
/// again).
[[nodiscard]] Result<std::vector<Damage>> verify_record(ObjectStore& store, const WorkflowRecord& record);

}  // namespace logstone
