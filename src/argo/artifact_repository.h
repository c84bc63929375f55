// Where an Argo installation keeps artifacts: a bucket, how it is reached, and the keys in it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/object_store.h"

namespace logstone::argo {

/// One value of a Kubernetes Secret.
struct SecretReference {
  std::string name;
  std::string key;
  bool operator==(const SecretReference&) const = default;
};

/// A plain value. Only `s3` can be read today; the other drivers are known by name, to say so.
struct ArtifactRepository {
  std::string driver;    ///< "s3", "gcs", "azure", "oss", "hdfs", "artifactory"; empty where none is told.
  std::string bucket;    ///< Or Azure's container.
  std::string endpoint;  ///< "host[:port]" as Argo writes it, or a URL; empty: AWS's own.
  std::string region;
  bool insecure = false;             ///< HTTP without TLS.
  bool use_sdk_credentials = false;  ///< Those of the machine: environment, files, web identity.
  std::optional<SecretReference> access_key_secret;
  std::optional<SecretReference> secret_key_secret;
  std::optional<SecretReference> session_token_secret;
  std::string name_space;  ///< Whose Secrets are meant.
  std::string key_format;  ///< As written, or made from `keyPrefix`; empty where none is told.

  /// For messages: "s3 bucket mlpipeline at seaweedfs.kubeflow:9000".
  [[nodiscard]] std::string description() const;
  bool operator==(const ArtifactRepository&) const = default;
};

/// What Argo uses where a repository has neither `keyFormat` nor `keyPrefix`.
inline constexpr std::string_view kArgoKeyFormat = "{{workflow.name}}/{{pod.name}}";

/// YAML or JSON as it stands in `data.artifactRepository` of `workflow-controller-configmap`, or as one value of
/// `artifact-repositories`. `subject` stands in errors. kInvalidInput where it is none.
[[nodiscard]] Result<ArtifactRepository> parse_artifact_repository(std::string_view text, const std::string& subject);

/// Opens a repository for reading. kUnsupported for a driver that is not read; errors of the store otherwise.
using StoreOpener = std::function<Result<std::shared_ptr<ObjectStore>>(const ArtifactRepository&)>;

/// Whether both names mean one server: without scheme, user, path, `.svc.cluster.local` and the scheme's own port.
[[nodiscard]] bool same_endpoint(std::string_view a, std::string_view b);
/// Endpoints that nobody's settings may name, since they answer with a machine's own credentials.
[[nodiscard]] bool is_metadata_endpoint(std::string_view endpoint);

}  // namespace logstone::argo
