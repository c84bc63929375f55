// The questions that are put to a deployment, by subject.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/deployment_facts.h"
#include "doctor/finding.h"
#include "model/retention_policy.h"

namespace logstone::doctor {

/// How long logs shall be kept, as far as the person said so.
struct WantedRetention {
  bool given = false;
  std::optional<Nanoseconds> keep;  ///< The longest; none: forever.
};

class FindingList {
 public:
  explicit FindingList(std::string deployment) : deployment_(std::move(deployment)) {}
  void add(std::string id, Severity severity, const Place& place, std::string summary, std::string why,
           std::string edit) {
    findings_.push_back(
        {std::move(id), severity, place, std::move(summary), std::move(why), std::move(edit), {deployment_}});
  }
  [[nodiscard]] bool has(std::string_view id) const;
  [[nodiscard]] std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::string deployment_;
  std::vector<Finding> findings_;
};

/// Whether Argo archives a workflow's logs.
enum class Archives { kYes, kNo, kUnknown };
[[nodiscard]] Archives archives_logs(const DeploymentFacts& facts, const WorkflowFacts& workflow);
[[nodiscard]] Archives archives_logs(const ControllerFacts& controller);

/// archive-logs-off, no-artifact-repository, workflow-archive-off, key-format-invalid, -shared, -repeats.
void check_archiving(const DeploymentFacts& facts, FindingList& out);
/// ui-archive-off, key-format-*, bucket-differs, endpoint-differs, store-kind-differs, controller-missing.
void check_ui_archive(const DeploymentFacts& facts, FindingList& out);
/// gke-metadata-on, log-container-name, logs-from-api-server, authz-off.
void check_ui_settings(const DeploymentFacts& facts, FindingList& out);
/// ttl-*, pod-gc-*, cron-history-*, retention-policy-*, artifact-gc-*; after the checks above, whose answers it needs.
void check_deletion(const DeploymentFacts& facts, FindingList& out);
/// secret-missing, secret-key-missing, secret-other-namespace.
void check_secrets(const DeploymentFacts& facts, FindingList& out);
/// lifecycle-short, lifecycle-expires.
void check_lifecycle(const DeploymentFacts& facts, const WantedRetention& wanted, FindingList& out);

}  // namespace logstone::doctor
