// The embedded engine's Workflow and Pod objects: what it keeps of each, and how people see them.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "cluster/local/manifest.h"
#include "cluster/local/operator.h"
#include "cluster/local/pod_sandbox.h"
#include "cluster/local/pod_spec.h"
#include "cluster/local/workflow_status.h"
#include "model/workflow.h"

namespace logstone::local {

inline constexpr const char* kFinalizer = "logstone.dev/archive";
inline constexpr const char* kPhaseLabel = "workflows.argoproj.io/phase";
inline constexpr const char* kCompletedLabel = "workflows.argoproj.io/completed";
inline constexpr const char* kPodNameFormatAnnotation = "workflows.argoproj.io/pod-name-format";

struct WorkflowObject {
  WorkflowFacts facts;
  bool held = false;  ///< Our finalizer is on it.
  bool terminate = false;
  std::optional<Timestamp> deletion_requested;
  ParsedWorkflow manifest;
  WorkflowStatus status;

  // Not kept over a restart:
  bool unsaved = false;                  ///< Its file is older than this.
  std::set<std::string> pods;            ///< Uids of its pods, those deleted by force not among them.
  std::optional<Timestamp> operator_at;  ///< When the operator wants to be called again.
};

/// What is written to `workflows/<uid>.json`.
[[nodiscard]] std::string to_json(const WorkflowObject& workflow);
[[nodiscard]] Result<WorkflowObject> workflow_object_from_json(const std::string& text);
/// As a cluster shows it.
[[nodiscard]] Workflow shown(const WorkflowObject& workflow, const std::string& cluster);

/// Which of a pod's logs are complete. Shared with their readers, who ask from any thread.
class LogEnds {
 public:
  void end(const std::string& container) {
    const std::lock_guard lock(mutex_);
    containers_.insert(container);
  }
  void end_all() {
    const std::lock_guard lock(mutex_);
    all_ = true;
  }
  [[nodiscard]] bool ended(const std::string& container) const {
    const std::lock_guard lock(mutex_);
    return all_ || containers_.contains(container);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> containers_;
  bool all_ = false;
};

enum class PodStage {
  kQueued,   ///< Not started yet.
  kRunning,  ///< Its shim lives.
  kEnded,
};

struct PodObject {
  PodObject(PodSandbox its_sandbox, PodSpec its_spec) : sandbox(std::move(its_sandbox)), spec(std::move(its_spec)) {}

  PodSandbox sandbox;
  PodSpec spec;
  PodMarks marks;
  PodStage stage = PodStage::kQueued;
  PodOutcome outcome;
  int watch = -1;  ///< While its shim lives.
  bool stop_asked = false;
  std::shared_ptr<LogEnds> log_ends = std::make_shared<LogEnds>();
};

[[nodiscard]] Pod shown(const PodObject& pod);

}  // namespace logstone::local
