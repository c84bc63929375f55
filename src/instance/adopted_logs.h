// Adoption and adopted logs on the bucket that the settings name as Argo's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adopt/adoption.h"
#include "instance/argo_logs.h"
#include "serve/adoption.h"

namespace logstone {

/// Thread-safe.
class AdoptedLogs {
 public:
  /// Both outlive it.
  AdoptedLogs(ArgoLogs& argo, adopt::AdoptionParts parts) : argo_(argo), parts_(parts) {}
  [[nodiscard]] Result<AdoptionAnswer> adopt(const AdoptionQuery& query);
  /// A stream by reference. kNotFound where its object is gone, or in another bucket than the settings name.
  [[nodiscard]] Result<std::shared_ptr<LogView>> open(const StreamRecord& stream);
  /// What is wrong with an adopted object; none when it is there as it was adopted. An Error where nobody answered.
  [[nodiscard]] Result<std::optional<std::string>> check(const ExternalObject& external);

 private:
  [[nodiscard]] Result<ArgoBucket> bucket_of(const ExternalObject& external);

  ArgoLogs& argo_;
  adopt::AdoptionParts parts_;
};

}  // namespace logstone
