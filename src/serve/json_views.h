// The native API's JSON (openapi.yaml describes it).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "model/record.h"

namespace logstone::serve {

[[nodiscard]] std::string workflow_page_json(const WorkflowPage& page);
[[nodiscard]] std::string workflow_json(const WorkflowRecord& record, bool with_manifest);
[[nodiscard]] std::string audit_page_json(const AuditPage& page);
[[nodiscard]] std::string verification_json(const std::vector<std::pair<std::string, std::string>>& damage);
[[nodiscard]] std::string version_json(const std::string& version);

/// A pod and its workflow's events as Kubernetes would show them, as far as the record knows.
[[nodiscard]] std::string kubernetes_pod_json(const WorkflowRecord& record, const StreamIdentity& stream);
[[nodiscard]] std::string kubernetes_events_json(const WorkflowRecord& record, const StreamIdentity& stream);

/// The body of a request: a JSON object of texts with just the members in `required`; kInvalidInput names what is
/// wrong.
[[nodiscard]] Result<std::vector<std::string>> read_texts(const std::string& body,
                                                          const std::vector<std::string>& required);

}  // namespace logstone::serve
