// Where a workflow's status says that its containers' logs are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "argo/artifact_repository.h"
#include "base/result.h"

namespace logstone::argo {

/// One `<container>-logs` artifact of one node.
struct ArchivedLocation {
  std::string node_id;
  std::vector<std::string> pod_names;  ///< By every format that may have named the pod; the workflow's own first.
  std::string container;
  ArtifactRepository repository;  ///< With what the artifact itself says laid over the workflow's repository.
  std::string key;
};

struct ArchivedLocations {
  std::vector<ArchivedLocation> logs;
  /// `status.artifactRepositoryRef.artifactRepository`; without driver where the status has none.
  ArtifactRepository repository;
  /// Every pod of the status, whether it has logs or not: by all names that it may have.
  std::vector<std::string> pod_names;
  /// What a person must know when something is missing: nodes off-loaded, a damaged `compressedNodes`.
  std::vector<std::string> remarks;
};

/// `workflow_json` is a Workflow object, from a cluster or a record. kInvalidInput where it is none.
[[nodiscard]] Result<ArchivedLocations> read_archived_locations(std::string_view workflow_json);

}  // namespace logstone::argo
