// The embedded engine: runs Argo Workflow manifests as processes of this machine and keeps the life of a cluster.
// For trying, testing and developing; docs/local-engine.md tells what it does not run.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/cluster.h"

namespace logstone {

struct LocalClusterSettings {
  /// Objects, pods' working folders and `pods/` with the log files live here, and survive the process.
  std::filesystem::path folder;
  /// Starts a pod's shim: the command, to which the pod's folder is appended (docs/local-engine.md). The shim runs the
  /// containers and outlives this process, as a container runtime does.
  std::vector<std::string> shim_command;
  std::size_t log_file_bytes = std::size_t{10} << 20;  ///< Rotation, the kubelet's containerLogMaxSize.
  std::size_t log_files = 5;                           ///< The kubelet's containerLogMaxFiles; 2 at least.
  std::size_t parallel_pods = 64;                      ///< Over all workflows.
};

/// What `submit` is given: one manifest file's text and its parameters.
struct Submission {
  std::string yaml;                 ///< One or many documents: Workflows, WorkflowTemplates, ClusterWorkflowTemplates.
  std::string source = "manifest";  ///< For errors: `source:line`.
  std::map<std::string, std::string> parameters;  ///< `-p name=value`.
  std::string name_space;                         ///< For those that name none; empty: "default".
};

class LocalCluster : public Cluster {
 public:
  /// Opens (or makes) the folder and goes on with what ran when the last process ended. One process at a time.
  [[nodiscard]] static Result<std::unique_ptr<LocalCluster>> open(LocalClusterSettings settings);
  /// Checks everything first; nothing starts unless all can. kInvalidInput or kUnsupported name the field and the line.
  /// Workflows in it are created in order; their identities are returned.
  [[nodiscard]] virtual Result<std::vector<WorkflowIdentity>> submit(const std::vector<Submission>& submissions) = 0;
  /// Ends a running workflow as `argo terminate` does: pods are stopped, exit handlers do not run.
  [[nodiscard]] virtual Result<> terminate(const std::string& uid) = 0;
  /// Deletes a pod behind the product's back when `force`, finalizers or not: for tests and `kubectl delete --force`.
  [[nodiscard]] virtual Result<> delete_pod(const std::string& pod_uid, bool force) = 0;
};

/// The shim's main: what the hidden command `logstone pod-shim FOLDER` runs. Returns the exit code.
int run_pod_shim(const std::filesystem::path& pod_folder);

}  // namespace logstone
