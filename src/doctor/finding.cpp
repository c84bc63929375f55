#include "doctor/finding.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace logstone::doctor {

const char* to_string(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kInfo:
      break;
  }
  return "info";
}

std::vector<Finding> merge_findings(std::vector<Finding> findings) {
  std::map<std::tuple<std::string, std::string, int, std::string>, std::size_t> known;
  std::vector<Finding> merged;
  for (Finding& finding : findings) {
    const auto [entry, fresh] =
        known.try_emplace({finding.id, finding.place.file_name(), finding.place.line, finding.summary}, merged.size());
    if (fresh) {
      merged.push_back(std::move(finding));
      continue;
    }
    Finding& first = merged[entry->second];
    first.severity = std::min(first.severity, finding.severity);
    for (std::string& name : finding.deployments) {
      if (std::find(first.deployments.begin(), first.deployments.end(), name) == first.deployments.end()) {
        first.deployments.push_back(std::move(name));
      }
    }
  }
  std::stable_sort(merged.begin(), merged.end(), [](const Finding& a, const Finding& b) {
    return std::make_tuple(a.severity, a.place.file_name(), a.place.line, a.id) <
           std::make_tuple(b.severity, b.place.file_name(), b.place.line, b.id);
  });
  return merged;
}

}  // namespace logstone::doctor
