// One reason why logs will be lost, or not found again.
#pragma once

#include <string>
#include <vector>

#include "doctor/manifest_node.h"

namespace logstone::doctor {

enum class Severity {
  kError,    ///< Logs are lost, or will not be found.
  kWarning,  ///< They may be, by what the manifests do not tell.
  kInfo,     ///< Good to know; nothing to mend, or nothing that could be judged.
};
[[nodiscard]] const char* to_string(Severity severity);

struct Finding {
  std::string id;  ///< Stable: "key-format-differs"; docs/doctor.md lists them.
  Severity severity = Severity::kInfo;
  Place place;
  std::string summary;                   ///< One sentence: what is.
  std::string why;                       ///< Why it loses logs.
  std::string edit;                      ///< The text that mends it, or what to do.
  std::vector<std::string> deployments;  ///< In which ones it holds.
};

/// Equal findings of several deployments become one; errors first, then by file and line.
[[nodiscard]] std::vector<Finding> merge_findings(std::vector<Finding> findings);

}  // namespace logstone::doctor
