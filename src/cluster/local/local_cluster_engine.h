// The embedded engine: objects in a folder, one thread that brings workflows forward, pods in their shims.
#pragma once

#include <atomic>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "cluster/local/local_cluster.h"
#include "cluster/local/local_cluster_objects.h"
#include "cluster/local/object_folder.h"
#include "cluster/nodefiles/node_log.h"

namespace logstone::local {

/// Everything is behind one mutex. The thread alone calls the operator, starts and ends pods, deletes objects and calls
/// subscribers; calls from outside change an object and wake it.
class Engine final : public LocalCluster {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Engine>> open(LocalClusterSettings settings);
  ~Engine() override;

  [[nodiscard]] Result<std::vector<WorkflowIdentity>> submit(const std::vector<Submission>& submissions) override;
  [[nodiscard]] Result<> terminate(const std::string& uid) override;
  [[nodiscard]] Result<> delete_pod(const std::string& pod_uid, bool force) override;

  [[nodiscard]] std::string name() const override { return "local"; }
  [[nodiscard]] Result<std::vector<Workflow>> list_workflows() override;
  [[nodiscard]] Result<Workflow> get_workflow(const std::string& uid) override;
  [[nodiscard]] Result<std::vector<Pod>> list_pods(const std::string& workflow_uid) override;
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::function<void(const std::string& uid)> changed) override;
  [[nodiscard]] Result<> hold_workflow(const std::string& uid) override;
  [[nodiscard]] Result<> release_workflow(const std::string& uid) override;
  [[nodiscard]] Result<> hold_pod(const std::string& workflow_uid, const std::string& pod_uid) override;
  [[nodiscard]] Result<> release_pod(const std::string& workflow_uid, const std::string& pod_uid) override;
  [[nodiscard]] Result<> delete_workflow(const std::string& uid) override;
  [[nodiscard]] Result<std::unique_ptr<LogReader>> open_log(const std::string& workflow_uid,
                                                            const StreamIdentity& stream, const Cursor& from,
                                                            std::function<void()> more) override;

 private:
  struct Subscriber;
  class SubscriptionHandle;
  using Workflows = std::map<std::string, WorkflowObject>;
  using Pods = std::map<std::string, PodObject>;
  /// What a round of the thread leaves to be done without the mutex.
  struct Aftermath {
    std::set<std::string> changed;  ///< Workflows.
    std::vector<NodeLogPlace> ended_logs;
    std::vector<std::filesystem::path> folders;  ///< To be deleted.
  };

  explicit Engine(LocalClusterSettings settings) : settings_(std::move(settings)) {}

  // local_cluster.cpp
  [[nodiscard]] Result<> load();
  [[nodiscard]] Result<> load_pods();
  void delete_remains() const;
  [[nodiscard]] Result<> change_workflow(const std::string& uid, const char* attempted,
                                         const std::function<void(WorkflowObject&)>& change);
  [[nodiscard]] Result<> change_pod(const std::string& uid, const char* attempted,
                                    const std::function<void(PodMarks&)>& change);
  [[nodiscard]] std::string free_name(const ParsedWorkflow& workflow) const;
  [[nodiscard]] bool name_taken(const std::string& name_space, const std::string& name) const;
  void wake() const;

  // local_cluster_loop.cpp: the thread.
  void run();
  [[nodiscard]] int milliseconds_to_next() const;
  void tell(Aftermath& aftermath);
  void step();
  void advance(WorkflowObject& workflow, Timestamp now);
  [[nodiscard]] bool call_operator(WorkflowObject& workflow, Timestamp now);
  [[nodiscard]] bool save(WorkflowObject& workflow);
  void apply_ttl(WorkflowObject& workflow, Timestamp now);
  void apply_pod_gc(WorkflowObject& workflow, Timestamp now);
  [[nodiscard]] bool delete_if_free(WorkflowObject& workflow);
  void call_at(const std::string& workflow_uid, Timestamp time);
  void dirty(const std::string& workflow_uid) { dirty_.insert(workflow_uid); }

  // local_cluster_pods.cpp
  [[nodiscard]] Result<> create_pod(WorkflowObject& workflow, const PodRequest& request, Timestamp now);
  void start_queued_pods();
  void start_pod(PodObject& pod);
  void stop_pod(PodObject& pod, const PodStop& stop);
  void refresh_pod(PodObject& pod);
  void take_outcome(PodObject& pod, PodOutcome outcome);
  void end_pod(PodObject& pod);
  void fail_pod(PodObject& pod, const std::string& message);
  void collect_deleted_pods();
  void remove_pod(const std::string& uid);
  [[nodiscard]] NodeLogPlace place_of(const PodObject& pod, const std::string& container) const;

  const LocalClusterSettings settings_;
  std::optional<FileLock> lock_;
  std::optional<ObjectFolder> objects_;
  std::optional<SandboxWatch> watch_;
  std::unique_ptr<NodeLogWatcher> logs_;
  UniqueFd wake_;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  Workflows workflows_;
  Pods pods_;
  std::map<int, std::string> watched_;  ///< Watch to pod.
  std::deque<std::string> queue_;       ///< Pods to be started.
  std::size_t running_ = 0;
  std::set<std::string> dirty_;          ///< Workflows to be looked at.
  std::set<std::string> deleting_pods_;  ///< Pods that go as soon as they may.
  std::map<std::string, Timestamp> next_call_;
  Aftermath aftermath_;

  std::mutex subscribers_mutex_;
  std::vector<std::weak_ptr<Subscriber>> subscribers_;
  std::thread thread_;
};

}  // namespace logstone::local
