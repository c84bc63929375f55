// Finds the log of a pod that Logstone did not capture: where Argo put it, though pod and workflow may be gone.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "argo/config_source.h"
#include "argo/log_object.h"
#include "model/key_format.h"
#include "model/record.h"

namespace logstone::argo {

/// Whose log is wanted. Empty members are not known.
struct PodRequest {
  std::string name_space;
  std::string pod_name;
  std::string run_id;                                  ///< Workflow label `pipeline/runid`, or the workflow's uid.
  std::string container;                               ///< Empty: the default one, or the pod's only one.
  std::optional<std::chrono::year_month_day> created;  ///< Of the workflow, in UTC.
};

/// What else is known of workflows: our catalogue, a cluster. Thread-safe.
class WorkflowSource {
 public:
  virtual ~WorkflowSource() = default;
  /// Workflows that have the pod, are the run, or have one of `names`: of any namespace, as far as they are still known
  /// anywhere, with their manifests.
  [[nodiscard]] virtual Result<std::vector<WorkflowRecord>> find_workflows(const PodRequest& request,
                                                                           const std::vector<std::string>& names) = 0;
};

struct FinderSettings {
  std::vector<KeyFormat> key_formats;            ///< Tried in their order.
  std::optional<ArtifactRepository> repository;  ///< Where they are tried: Argo's bucket as the operator reaches it.
  std::string controller_namespace = "argo";     ///< Of `workflow-controller-configmap`.
  std::string default_namespace;                 ///< Of a request that names none; empty: it stays unknown.
  std::string default_container = "main";
  std::size_t most_listed = 1000;  ///< Keys that one key format may list where not all of its tags are known.
};

/// All outlive the finder; `workflows` and `config` may be null.
struct FinderParts {
  LogObjects& objects;
  StoreOpener open_store;
  WorkflowSource* workflows = nullptr;
  ConfigSource* config = nullptr;
};

struct FoundArgoLog {
  std::shared_ptr<LogView> log;
  std::string how;     ///< "argo-status", "argo-key-format" or "argo-listing".
  std::string object;  ///< "s3://mlpipeline/artifacts/.../main.log".
  WorkflowIdentity workflow;
  std::string container;
};

/// A place where the log is not, and why.
struct TriedPlace {
  std::string place;
  std::string outcome;
};

struct FinderAnswer {
  std::optional<FoundArgoLog> found;
  std::vector<TriedPlace> tried;
  /// kConflict: logs of several workflows fit, and none is given, since it could be another's.
  std::optional<Error> refused;
};

/// Thread-safe. A log is given only where pod and container are certain: by the workflow's own status, or by a key in
/// which the pod's whole name stands, and of which only one fits.
class LogFinder {
 public:
  LogFinder(FinderParts parts, FinderSettings settings);
  ~LogFinder();
  [[nodiscard]] FinderAnswer find(const PodRequest& request);

 private:
  struct Stores;
  FinderParts parts_;
  const FinderSettings settings_;
  std::unique_ptr<Stores> stores_;
};

}  // namespace logstone::argo
