// A cluster in memory whose workflows, pods and logs a test moves by hand. It keeps finalizers as Kubernetes does.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/cluster.h"

namespace logstone::testing {

/// What a container wrote, piece by piece. Cursors are numbers of pieces.
struct FakeLog {
  struct Piece {
    std::string text;
    bool ends_line = true;
    Output output = Output::kStdout;
    Timestamp time{};
  };
  std::vector<Piece> pieces;
  std::size_t first_kept = 0;  ///< Those before it were rotated away.
  bool terminated = false;
  bool lost = false;  ///< kNotFound from now on.
  int failing_reads = 0;
  std::map<int, std::function<void()>> readers;

  [[nodiscard]] std::string raw() const {
    std::string all;
    for (const Piece& piece : pieces) all += piece.text + (piece.ends_line ? "\n" : "");
    return all;
  }
};

class FakeCluster final : public Cluster {
 public:
  /// Asked before every change that the agent makes; an Error is what the agent gets instead.
  std::function<Result<>(const std::string& act, const std::string& uid)> before_act;

  // What a test does to it
  // ---------------------------------------------------------------------------------------------
  std::string add_workflow(const std::string& name, Labels labels = {}) {
    const std::lock_guard lock(mutex_);
    const std::string uid = name + "-uid";
    Workflow& workflow = workflows_[uid].object;
    workflow.id = {"fake", "default", name, uid};
    workflow.labels = std::move(labels);
    workflow.phase = Phase::kRunning;
    workflow.created = from_unix_nanoseconds(1'700'000'000'000'000'000);
    workflow.started = workflow.created;
    workflow.manifest_json = R"({"kind":"Workflow"})";
    changed(uid);
    return uid;
  }

  /// A running pod (and its node) with running containers; its uid.
  std::string add_pod(const std::string& workflow_uid, const std::string& name,
                      const std::vector<std::string>& containers = {"main"}, bool started = true) {
    const std::lock_guard lock(mutex_);
    Pod pod;
    pod.name_space = "default";
    pod.name = name;
    pod.uid = "00000000-" + std::to_string(++pods_made_) + "-" + name;
    pod.workflow_uid = workflow_uid;
    pod.node_id = "node-" + name;
    pod.phase = started ? "Running" : "Pending";
    for (const std::string& container : containers) {
      pod.containers.push_back(
          {container, started ? ContainerState::kRunning : ContainerState::kWaiting, 0, std::nullopt, ""});
      log_locked(pod.uid, container, 0);
    }
    add_node_locked(workflow_uid, pod.node_id, name, Phase::kRunning);
    pods_[pod.uid] = pod;
    changed(workflow_uid);
    return pod.uid;
  }

  void add_node(const std::string& workflow_uid, const std::string& node_id, const std::string& pod_name, Phase phase) {
    const std::lock_guard lock(mutex_);
    add_node_locked(workflow_uid, node_id, pod_name, phase);
    changed(workflow_uid);
  }

  /// Splits `text` at its newlines; a last part without one is a partial piece.
  void write(const std::string& pod_uid, const std::string& text, const std::string& container = "main") {
    std::vector<FakeLog::Piece> pieces;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t newline = text.find('\n', at);
      const bool whole = newline != std::string::npos;
      pieces.push_back({text.substr(at, whole ? newline - at : std::string::npos), whole, Output::kStdout, {}});
      at = whole ? newline + 1 : text.size();
    }
    write_pieces(pod_uid, std::move(pieces), container);
  }

  void write_pieces(const std::string& pod_uid, std::vector<FakeLog::Piece> pieces,
                    const std::string& container = "main") {
    const std::lock_guard lock(mutex_);
    FakeLog& log = current_log_locked(pod_uid, container);
    for (FakeLog::Piece& piece : pieces) {
      if (piece.time == Timestamp{}) piece.time = next_time_locked();
      log.pieces.push_back(std::move(piece));
    }
    wake(log);
  }

  void start_pod(const std::string& pod_uid) {
    const std::lock_guard lock(mutex_);
    Pod& pod = pods_.at(pod_uid);
    pod.phase = "Running";
    for (ContainerStatus& container : pod.containers) container.state = ContainerState::kRunning;
    changed(pod.workflow_uid);
  }

  /// The container ends and is started again.
  void restart(const std::string& pod_uid, const std::string& container = "main") {
    const std::lock_guard lock(mutex_);
    FakeLog& ended = current_log_locked(pod_uid, container);
    ended.terminated = true;
    wake(ended);
    Pod& pod = pods_.at(pod_uid);
    for (ContainerStatus& status : pod.containers) {
      if (status.name == container) log_locked(pod_uid, container, ++status.restart_count);
    }
    changed(pod.workflow_uid);
  }

  /// All containers end.
  void end_pod(const std::string& pod_uid, int exit_code = 0) {
    const std::lock_guard lock(mutex_);
    const auto found = pods_.find(pod_uid);
    if (found == pods_.end()) return;
    Pod& pod = found->second;
    pod.phase = exit_code == 0 ? "Succeeded" : "Failed";
    for (ContainerStatus& status : pod.containers) {
      if (status.state != ContainerState::kRunning) continue;
      status.state = ContainerState::kTerminated;
      status.exit_code = exit_code;
      status.reason = exit_code == 0 ? "Completed" : "Error";
      FakeLog& log = log_locked(pod_uid, status.name, status.restart_count);
      log.terminated = true;
      wake(log);
    }
    for (Node& node : workflows_.at(pod.workflow_uid).object.nodes) {
      if (node.id == pod.node_id) node.phase = exit_code == 0 ? Phase::kSucceeded : Phase::kFailed;
    }
    changed(pod.workflow_uid);
  }

  void finish_workflow(const std::string& uid, Phase phase = Phase::kSucceeded) {
    const std::lock_guard lock(mutex_);
    Workflow& workflow = workflows_.at(uid).object;
    workflow.phase = phase;
    workflow.finished = from_unix_nanoseconds(1'700'000'100'000'000'000);
    changed(uid);
  }

  /// TTL, or a person: gone once no finalizer holds it.
  void request_workflow_deletion(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    const auto found = workflows_.find(uid);
    if (found == workflows_.end()) return;
    found->second.object.deletion_requested = from_unix_nanoseconds(1'700'000'200'000'000'000);
    collect_garbage_locked();
    changed(uid);
  }
  void request_pod_deletion(const std::string& pod_uid) {
    const std::lock_guard lock(mutex_);
    Pod& pod = pods_.at(pod_uid);
    pod.deletion_requested = from_unix_nanoseconds(1'700'000'200'000'000'000);
    const std::string workflow_uid = pod.workflow_uid;
    collect_garbage_locked();
    changed(workflow_uid);
  }
  /// Finalizers or not.
  void force_pod_deletion(const std::string& pod_uid) {
    const std::lock_guard lock(mutex_);
    const std::string workflow_uid = pods_.at(pod_uid).workflow_uid;
    drop_pod_locked(pod_uid);
    changed(workflow_uid);
  }
  void force_workflow_deletion(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    drop_workflow_locked(uid);
    changed(uid);
  }
  void lose_log(const std::string& pod_uid, const std::string& container = "main") {
    const std::lock_guard lock(mutex_);
    FakeLog& log = current_log_locked(pod_uid, container);
    log.lost = true;
    wake(log);
  }
  /// The first `pieces` of a log can no longer be had.
  void rotate_away(const std::string& pod_uid, std::size_t pieces, const std::string& container = "main") {
    const std::lock_guard lock(mutex_);
    current_log_locked(pod_uid, container).first_kept = pieces;
  }
  void fail_reads(const std::string& pod_uid, int count, const std::string& container = "main") {
    const std::lock_guard lock(mutex_);
    current_log_locked(pod_uid, container).failing_reads = count;
  }

  // What a test asks
  // ---------------------------------------------------------------------------------------------------
  [[nodiscard]] bool has_workflow(const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    return workflows_.contains(uid);
  }
  [[nodiscard]] bool workflow_held(const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    const auto found = workflows_.find(uid);
    return found != workflows_.end() && found->second.held;
  }
  [[nodiscard]] bool has_pod(const std::string& pod_uid) const {
    const std::lock_guard lock(mutex_);
    return pods_.contains(pod_uid);
  }
  [[nodiscard]] bool pod_held(const std::string& pod_uid) const {
    const std::lock_guard lock(mutex_);
    const auto found = pods_.find(pod_uid);
    return found != pods_.end() && found->second.held;
  }
  [[nodiscard]] std::string raw(const std::string& pod_uid, const std::string& container = "main",
                                std::uint32_t restart = 0) const {
    const std::lock_guard lock(mutex_);
    return logs_.at({pod_uid, container, restart})->raw();
  }
  [[nodiscard]] std::size_t pieces(const std::string& pod_uid) const {
    const std::lock_guard lock(mutex_);
    return logs_.at({pod_uid, "main", 0})->pieces.size();
  }
  [[nodiscard]] std::size_t open_readers() const {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& [key, log] : logs_) count += log->readers.size();
    return count;
  }

  // Cluster
  // ------------------------------------------------------------------------------------------------------------
  std::string name() const override { return "fake"; }
  Result<std::vector<Workflow>> list_workflows() override;
  Result<Workflow> get_workflow(const std::string& uid) override;
  Result<std::vector<Pod>> list_pods(const std::string& workflow_uid) override;
  std::unique_ptr<Subscription> subscribe(std::function<void(const std::string& uid)> call) override;
  Result<> hold_workflow(const std::string& uid) override;
  Result<> release_workflow(const std::string& uid) override;
  Result<> hold_pod(const std::string& workflow_uid, const std::string& pod_uid) override;
  Result<> release_pod(const std::string& workflow_uid, const std::string& pod_uid) override;
  Result<> delete_workflow(const std::string& uid) override;
  Result<std::unique_ptr<LogReader>> open_log(const std::string& workflow_uid, const StreamIdentity& stream,
                                              const Cursor& from, std::function<void()> more) override;

 private:
  struct Entry {
    Workflow object;
    bool held = false;
  };
  using LogKey = std::tuple<std::string, std::string, std::uint32_t>;
  class Reader;
  class Subscribed;

  void changed(const std::string& uid) {
    for (const auto& [id, call] : subscribers_) call(uid);
  }
  static void wake(const FakeLog& log) {
    for (const auto& [id, more] : log.readers) more();
  }
  Timestamp next_time_locked() {
    return from_unix_nanoseconds(1'700'000'000'000'000'000 + static_cast<std::int64_t>(++lines_written_) * 1'000'000);
  }
  FakeLog& log_locked(const std::string& pod_uid, const std::string& container, std::uint32_t restart) {
    auto& log = logs_[{pod_uid, container, restart}];
    if (!log) log = std::make_shared<FakeLog>();
    return *log;
  }
  FakeLog& current_log_locked(const std::string& pod_uid, const std::string& container) {
    std::uint32_t last = 0;
    while (logs_.contains({pod_uid, container, last + 1})) ++last;
    return log_locked(pod_uid, container, last);
  }
  void add_node_locked(const std::string& workflow_uid, const std::string& node_id, const std::string& pod_name,
                       Phase phase) {
    Node node;
    node.id = node_id;
    node.name = node.display_name = pod_name;
    node.pod_name = pod_name;
    node.type = "Pod";
    node.phase = phase;
    workflows_.at(workflow_uid).object.nodes.push_back(std::move(node));
  }
  void drop_pod_locked(const std::string& pod_uid) {
    for (auto& [key, log] : logs_) {
      if (std::get<0>(key) != pod_uid) continue;
      log->lost = true;
      wake(*log);
    }
    pods_.erase(pod_uid);
  }
  void drop_workflow_locked(const std::string& uid) {
    std::vector<std::string> owned;
    for (const auto& [pod_uid, pod] : pods_) {
      if (pod.workflow_uid == uid) owned.push_back(pod_uid);
    }
    for (const std::string& pod_uid : owned) drop_pod_locked(pod_uid);
    workflows_.erase(uid);
  }
  void collect_garbage_locked() {
    std::vector<std::string> pods;
    for (const auto& [uid, pod] : pods_) {
      if (pod.deletion_requested && !pod.held) pods.push_back(uid);
    }
    for (const std::string& uid : pods) drop_pod_locked(uid);
    std::vector<std::string> workflows;
    for (const auto& [uid, entry] : workflows_) {
      if (entry.object.deletion_requested && !entry.held) workflows.push_back(uid);
    }
    for (const std::string& uid : workflows) drop_workflow_locked(uid);
  }
  Result<> ask(const std::string& act, const std::string& uid) {
    return before_act ? before_act(act, uid) : Result<>();
  }
  static Error gone(const std::string& attempted, const std::string& uid) {
    return Error{ErrorKind::kNotFound, attempted, uid, "it does not exist", ""};
  }

  mutable std::recursive_mutex mutex_;
  std::map<std::string, Entry> workflows_;
  std::map<std::string, Pod> pods_;
  std::map<LogKey, std::shared_ptr<FakeLog>> logs_;
  std::map<int, std::function<void(const std::string&)>> subscribers_;
  int next_id_ = 0;
  int pods_made_ = 0;
  std::uint64_t lines_written_ = 0;
};

}  // namespace logstone::testing
