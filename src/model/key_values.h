// The values that a key format's tags have for a workflow and its pods.
#pragma once

#include <string>

#include "model/key_format.h"
#include "model/record.h"

namespace logstone {

/// All tags of `workflow...` that the record tells. What only the manifest says (parameters, the service account, ...)
/// is missing where the record has none, or one that cannot be read.
[[nodiscard]] TagValues workflow_key_values(const WorkflowRecord& record);
/// The same with `pod.name`, and `node.name`, `retries` and `inputs.parameters...` where the record knows the pod.
[[nodiscard]] TagValues pod_key_values(const WorkflowRecord& record, const std::string& pod_name);

}  // namespace logstone
