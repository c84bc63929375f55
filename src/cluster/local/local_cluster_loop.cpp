// The engine's thread: waits for changes, then brings each changed workflow forward.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/log.h"
#include "cluster/local/local_cluster_engine.h"
#include "model/label_selector.h"

namespace logstone::local {
namespace {

/// When the disk is full or the like: how soon what failed is tried again.
constexpr std::chrono::seconds kRetryTime{1};

std::optional<std::int64_t> ttl_seconds(const TtlStrategy& ttl, Phase phase) {
  if (phase == Phase::kSucceeded && ttl.after_success) return ttl.after_success;
  if (phase != Phase::kSucceeded && ttl.after_failure) return ttl.after_failure;
  return ttl.after_completion;
}

/// When a finished pod may be collected; none: not, or not yet.
std::optional<Timestamp> collection_time(const PodGc& gc, const WorkflowStatus& status, const PodOutcome& pod) {
  const auto workflow_done = is_final(status.phase);
  std::optional<Timestamp> since;
  switch (gc.strategy) {
    case PodGcStrategy::kNone:
      break;
    case PodGcStrategy::kOnPodCompletion:
      since = pod.finished;
      break;
    case PodGcStrategy::kOnPodSuccess:
      if (pod.phase == Phase::kSucceeded) since = pod.finished;
      break;
    case PodGcStrategy::kOnWorkflowCompletion:
      if (workflow_done) since = status.finished;
      break;
    case PodGcStrategy::kOnWorkflowSuccess:
      if (status.phase == Phase::kSucceeded) since = status.finished;
      break;
  }
  if (since) *since += gc.delete_delay;
  return since;
}

}  // namespace

void Engine::run() {
  while (true) {
    Aftermath aftermath;
    int timeout = 0;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      step();
      std::swap(aftermath, aftermath_);
      timeout = milliseconds_to_next();
    }
    tell(aftermath);
    pollfd polled[] = {{wake_.get(), POLLIN, 0}, {watch_->descriptor(), POLLIN, 0}};
    if (::poll(polled, 2, timeout) < 0 && errno != EINTR) log_error("the embedded engine cannot wait for changes");
    std::uint64_t ignored = 0;
    while (::read(wake_.get(), &ignored, sizeof ignored) > 0) {
    }
  }
}

int Engine::milliseconds_to_next() const {
  if (!dirty_.empty()) return 0;
  std::optional<Timestamp> next;
  for (const auto& [uid, time] : next_call_) next = next ? std::min(*next, time) : time;
  if (!next) return -1;
  // An hour at most: the time of day may be set meanwhile.
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::system().now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

void Engine::call_at(const std::string& workflow_uid, Timestamp time) {
  const auto [found, added] = next_call_.try_emplace(workflow_uid, time);
  if (!added) found->second = std::min(found->second, time);
}

void Engine::step() {
  const auto changes = watch_->take();
  std::set<std::string> touched;
  for (const auto watch : changes.watches)
    if (const auto found = watched_.find(watch); found != watched_.end()) touched.insert(found->second);
  if (changes.overflow)
    for (const auto& [watch, uid] : watched_) touched.insert(uid);
  for (const auto& uid : touched)
    if (const auto pod = pods_.find(uid); pod != pods_.end()) refresh_pod(pod->second);

  const auto now = Clock::system().now();
  for (const auto& [uid, time] : next_call_)
    if (time <= now) dirty(uid);
  for (const auto& uid : std::exchange(dirty_, {})) {
    next_call_.erase(uid);
    if (const auto found = workflows_.find(uid); found != workflows_.end()) advance(found->second, now);
  }
  collect_deleted_pods();
  start_queued_pods();
}

void Engine::advance(WorkflowObject& workflow, Timestamp now) {
  const auto pods_end = std::any_of(workflow.pods.begin(), workflow.pods.end(), [&](const auto& uid) {
    const auto pod = pods_.find(uid);
    return pod != pods_.end() && !is_final(pod->second.outcome.phase);
  });
  if (!is_final(workflow.status.phase) || pods_end || workflow.unsaved) {
    if (!call_operator(workflow, now)) {
      call_at(workflow.facts.uid, now + kRetryTime);
      return;
    }
  }
  apply_ttl(workflow, now);
  if (workflow.deletion_requested && !workflow.held) {
    if (delete_if_free(workflow)) return;
    call_at(workflow.facts.uid, now + kRetryTime);
  }
  apply_pod_gc(workflow, now);
}

bool Engine::save(WorkflowObject& workflow) {
  const auto put = objects_->put(workflow.facts.uid, to_json(workflow));
  workflow.unsaved = !put;
  if (!put) log_warning("cannot save a workflow, trying again: " + put.error().message());
  return !workflow.unsaved;
}

bool Engine::call_operator(WorkflowObject& workflow, Timestamp now) {
  std::map<std::string, PodOutcome> outcomes;
  std::map<std::string, std::string> pod_of_node;
  for (const auto& uid : workflow.pods) {
    const auto pod = pods_.find(uid);
    if (pod == pods_.end()) continue;
    outcomes[pod->second.spec.request.node_id] = pod->second.outcome;
    pod_of_node[pod->second.spec.request.node_id] = uid;
  }
  auto decision = operate(workflow.manifest, workflow.facts, workflow.status, outcomes, now, workflow.terminate);
  if (decision.changed || workflow.unsaved) {
    workflow.facts.labels[kPhaseLabel] = to_string(workflow.status.phase);
    workflow.facts.labels[kCompletedLabel] = is_final(workflow.status.phase) ? "true" : "false";
    aftermath_.changed.insert(workflow.facts.uid);
    if (!save(workflow)) return false;
  }
  bool all_made = true;
  for (const auto& request : decision.create) {
    if (pod_of_node.contains(request.node_id)) continue;
    const auto made = create_pod(workflow, request, now);
    if (!made) log_warning("cannot make a pod, trying again: " + made.error().message());
    all_made = all_made && made.has_value();
  }
  for (const auto& node : decision.stop) {
    const auto found = pod_of_node.find(node);
    if (found != pod_of_node.end()) stop_pod(pods_.at(found->second), {kDefaultGrace, "stopped by the workflow"});
  }
  if (decision.wake_at) call_at(workflow.facts.uid, *decision.wake_at);
  return all_made;
}

void Engine::apply_ttl(WorkflowObject& workflow, Timestamp now) {
  const auto& status = workflow.status;
  if (!is_final(status.phase) || !status.finished || !workflow.manifest.ttl || workflow.deletion_requested) return;
  const auto seconds = ttl_seconds(*workflow.manifest.ttl, status.phase);
  if (!seconds) return;
  const auto due = *status.finished + std::chrono::seconds(*seconds);
  if (due > now) {
    call_at(workflow.facts.uid, due);
    return;
  }
  workflow.deletion_requested = now;
  aftermath_.changed.insert(workflow.facts.uid);
  if (!save(workflow)) call_at(workflow.facts.uid, now + kRetryTime);
}

void Engine::apply_pod_gc(WorkflowObject& workflow, Timestamp now) {
  const auto& gc = workflow.manifest.pod_gc;
  if (gc.strategy == PodGcStrategy::kNone) return;
  const auto selector = LabelSelector::parse(gc.label_selector);
  for (const auto& uid : workflow.pods) {
    const auto found = pods_.find(uid);
    if (found == pods_.end()) continue;
    const auto& pod = found->second;
    const auto* node = workflow.status.find(pod.spec.request.node_id);
    if (pod.marks.deletion_requested || !is_final(pod.outcome.phase) || node == nullptr || !is_final(node->phase))
      continue;
    if (selector && !selector->matches(pod.spec.request.labels)) continue;
    const auto due = collection_time(gc, workflow.status, pod.outcome);
    if (!due) continue;
    if (*due > now) {
      call_at(workflow.facts.uid, *due);
      continue;
    }
    const auto marked = change_pod(uid, "collect pod", [&](PodMarks& marks) { marks.deletion_requested = now; });
    if (!marked) call_at(workflow.facts.uid, now + kRetryTime);
  }
}

bool Engine::delete_if_free(WorkflowObject& workflow) {
  const auto uid = workflow.facts.uid;
  if (const auto removed = objects_->remove(uid); !removed) {
    log_warning("cannot delete a workflow, trying again: " + removed.error().message());
    return false;
  }
  // As the cluster's garbage collector does: the pods follow, each as soon as its own finalizer lets it. Those that are
  // not marked on disk are known by their workflow's absence.
  for (const auto& pod : workflow.pods)
    (void)change_pod(pod, "delete pod", [](PodMarks& marks) {
      if (!marks.deletion_requested) marks.deletion_requested = Clock::system().now();
    });
  deleting_pods_.insert(workflow.pods.begin(), workflow.pods.end());
  aftermath_.folders.push_back(settings_.folder / "artifacts" / uid);
  aftermath_.changed.insert(uid);
  next_call_.erase(uid);
  dirty_.erase(uid);
  workflows_.erase(uid);
  return true;
}

}  // namespace logstone::local
