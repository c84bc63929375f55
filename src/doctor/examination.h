// The doctor's whole work: from paths to findings.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "doctor/checks.h"
#include "doctor/finding.h"
#include "doctor/manifest_set.h"

namespace logstone::doctor {

struct Examination {
  std::vector<Finding> findings;         ///< Merged and sorted.
  std::vector<std::string> deployments;  ///< What was looked at, by name.
  std::size_t files = 0;
  std::size_t documents = 0;
  std::size_t unused = 0;  ///< Files beneath kustomizations that none of them uses: not looked at.
  [[nodiscard]] bool has_errors() const;
};

/// kInvalidInput as read_manifests.
[[nodiscard]] Result<Examination> examine(const std::vector<std::string>& paths, std::string_view standard_input,
                                          const WantedRetention& wanted);
[[nodiscard]] Examination examine(ManifestSet set, const WantedRetention& wanted);
/// The longest time for which a policy keeps any workflow; forever where some workflow matches no rule.
[[nodiscard]] WantedRetention longest_of(const RetentionPolicy& policy);
/// docs/doctor.md describes it.
[[nodiscard]] std::string to_json(const Examination& examination);

}  // namespace logstone::doctor
