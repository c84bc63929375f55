// ConfigMaps and Secrets, where something gives them: mounted files today, a cluster too when there is one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "argo/artifact_repository.h"
#include "base/result.h"

namespace logstone::argo {

struct ConfigMap {
  std::map<std::string, std::string> data;
  std::map<std::string, std::string> annotations;
};

/// Thread-safe. kNotFound where there is no such object.
class ConfigSource {
 public:
  virtual ~ConfigSource() = default;
  [[nodiscard]] virtual Result<ConfigMap> config_map(const std::string& name_space, const std::string& name) = 0;
  /// One value of a Secret, decoded.
  [[nodiscard]] virtual Result<std::string> secret(const std::string& name_space, const SecretReference& secret) = 0;
};

/// `<folder>/<namespace>/configmaps/<name>/<key>` and `<folder>/<namespace>/secrets/<name>/<key>`: each the folder of a
/// mounted volume. Files are read anew at every call, since the kubelet changes them.
[[nodiscard]] std::unique_ptr<ConfigSource> open_config_folder(std::filesystem::path folder);

/// A repository and where it was read.
struct FoundRepository {
  std::string place;  ///< "ConfigMap kubeflow/workflow-controller-configmap".
  ArtifactRepository repository;
};
/// What could not be used, and why.
struct UnusedPlace {
  std::string place;
  std::string reason;
};
struct FoundRepositories {
  std::vector<FoundRepository> found;
  std::vector<UnusedPlace> unused;
};

/// The repositories that hold for workflows of a namespace, as the controller in `controller_namespace` sees them:
/// `workflow-controller-configmap` there, `artifact-repositories` in the workflow's namespace and there, the default
/// one of it first. No two are the same. An empty `name_space`: only the controller's.
[[nodiscard]] FoundRepositories find_repositories(ConfigSource& source, const std::string& controller_namespace,
                                                  const std::string& name_space);

}  // namespace logstone::argo
