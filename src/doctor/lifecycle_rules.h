// Rules by which a bucket deletes objects by itself, in the forms that deployments carry them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/manifest_set.h"

namespace logstone::doctor {

struct LifecycleRule {
  std::string bucket;        ///< Empty: not said.
  std::string prefix;        ///< Of the keys that it deletes; empty: all.
  std::optional<long> days;  ///< None: at a date.
  Place place;
  std::string form;  ///< What it was read from: "S3 lifecycle configuration", "Bucket logs", "mc ilm", ...
};

/// Reads S3's lifecycle configuration (JSON, YAML, XML), Google's, objects of kinds named ...Bucket... (Crossplane,
/// ACK, Config Connector, ObjectBucketClaim), ConfigMaps that hold any of these, `mc ilm`, SeaweedFS's `fs.configure
/// -ttl`, and KFP's ARTIFACT_RETENTION_DAYS. Rules that are off, or expire nothing, are left out.
[[nodiscard]] std::vector<LifecycleRule> find_lifecycle_rules(const Deployment& deployment);
/// S3's XML form alone.
[[nodiscard]] std::vector<LifecycleRule> read_lifecycle_xml(std::string_view xml, const Place& place);

}  // namespace logstone::doctor
