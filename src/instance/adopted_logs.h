// Adoption and adopted logs on the bucket that the settings name as Argo's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adopt/adoption.h"
#include "argo/log_object.h"
#include "serve/adoption.h"

namespace logstone {

struct ArgoBucket {
  std::shared_ptr<ObjectStore> store;
  std::vector<KeyFormat> key_formats;
  std::string default_namespace;
};

/// Thread-safe.
class AdoptedLogs {
 public:
  /// `objects` and `parts` outlive it. `bucket` is asked each time: it opens what is not open yet, and tells in its
  /// error what has to be set.
  AdoptedLogs(std::function<Result<ArgoBucket>()> bucket, argo::LogObjects& objects, adopt::AdoptionParts parts)
      : bucket_(std::move(bucket)), objects_(objects), parts_(parts) {}
  [[nodiscard]] Result<AdoptionAnswer> adopt(const AdoptionQuery& query);
  /// A stream by reference. kNotFound where its object is gone, or in another bucket than the settings name.
  [[nodiscard]] Result<std::shared_ptr<LogView>> open(const StreamRecord& stream);
  /// What is wrong with an adopted object; none when it is there as it was adopted. An Error where nobody answered.
  [[nodiscard]] Result<std::optional<std::string>> check(const ExternalObject& external);

 private:
  [[nodiscard]] Result<ArgoBucket> bucket_of(const ExternalObject& external);

  std::function<Result<ArgoBucket>()> bucket_;
  argo::LogObjects& objects_;
  adopt::AdoptionParts parts_;
};

}  // namespace logstone
