// The engine's pods: made, started, seen through to their ends, removed.
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "cluster/local/local_cluster_engine.h"
#include "cluster/local/pod_process.h"

namespace logstone::local {

Result<> Engine::create_pod(WorkflowObject& workflow, const PodRequest& request, Timestamp now) {
  PodSpec spec;
  spec.uid = random_uuid();
  spec.name_space = workflow.facts.name_space;
  spec.workflow_name = workflow.facts.name;
  spec.workflow_uid = workflow.facts.uid;
  spec.created = now;
  spec.cluster_folder = settings_.folder;
  spec.log_limits = {settings_.log_file_bytes, settings_.log_files};
  spec.request = request;
  PodMarks marks;
  marks.held = workflow.held;  // Nobody could hold it soon enough if it were collected as soon as it ends.
  LOGSTONE_ASSIGN(auto sandbox, PodSandbox::create(settings_.folder / "sandboxes", spec, marks));
  const auto uid = spec.uid;
  pods_.emplace(uid, PodObject(std::move(sandbox), std::move(spec))).first->second.marks = marks;
  workflow.pods.insert(uid);
  queue_.push_back(uid);
  aftermath_.changed.insert(workflow.facts.uid);
  return {};
}

void Engine::start_queued_pods() {
  while (running_ < settings_.parallel_pods && !queue_.empty()) {
    const auto uid = std::move(queue_.front());
    queue_.pop_front();
    if (const auto found = pods_.find(uid); found != pods_.end() && found->second.stage == PodStage::kQueued)
      start_pod(found->second);
  }
}

void Engine::start_pod(PodObject& pod) {
  auto watch = watch_->add(pod.sandbox.folder());
  if (!watch) {
    fail_pod(pod, watch.error().message());
    end_pod(pod);
    return;
  }
  pod.watch = *watch;
  watched_[pod.watch] = pod.spec.uid;
  pod.stage = PodStage::kRunning;
  ++running_;
  const auto started = pod.sandbox.start(settings_.shim_command);
  if (!started && started.error().kind != ErrorKind::kConflict) {
    fail_pod(pod, started.error().message());
    end_pod(pod);
  }
}

void Engine::stop_pod(PodObject& pod, const PodStop& stop) {
  if (pod.stage == PodStage::kQueued) {
    fail_pod(pod, stop.reason + " before it started");
    end_pod(pod);
    return;
  }
  if (pod.stage == PodStage::kEnded || (std::exchange(pod.stop_asked, true) && stop.grace.count() > 0)) return;
  if (const auto asked = pod.sandbox.stop(stop); !asked) {
    pod.stop_asked = false;
    log_warning(asked.error().message());
  }
}

void Engine::refresh_pod(PodObject& pod) {
  if (pod.stage != PodStage::kRunning) return;
  // First whether it lives: what a dead shim has written does not change any more.
  const auto alive = pod.sandbox.shim_alive();
  auto status = pod.sandbox.status();
  if (status) take_outcome(pod, status->outcome);
  if (alive) return;
  if (!status || !is_final(status->outcome.phase)) {
    // Its containers' first processes went with it; others of its session may be left.
    if (status && status->shim.boot_id == ProcessIdentity::of(1).boot_id) {
      const auto present = ProcessIdentity::of(status->shim.pid);
      if (present.start_ticks == 0 || present == status->shim) kill_session(status->shim.pid);
    }
    const auto messages = pod.sandbox.shim_messages();
    fail_pod(pod, "the pod's runtime ended unexpectedly (killed, or the machine was restarted)" +
                      (messages.empty() ? "" : ": " + messages));
  }
  end_pod(pod);
}

void Engine::take_outcome(PodObject& pod, PodOutcome outcome) {
  for (const auto& [name, container] : outcome.containers) {
    if (!container.finished || pod.log_ends->ended(name)) continue;
    pod.log_ends->end(name);
    aftermath_.ended_logs.push_back(place_of(pod, name));
  }
  pod.outcome = std::move(outcome);
  dirty(pod.spec.workflow_uid);
  aftermath_.changed.insert(pod.spec.workflow_uid);
}

void Engine::fail_pod(PodObject& pod, const std::string& message) {
  PodStatus status;
  if (auto written = pod.sandbox.status()) status = *std::move(written);
  const auto now = Clock::system().now();
  for (const auto& container : pod.spec.request.containers) {
    auto& outcome = status.outcome.containers[container.name];
    if (outcome.finished) continue;
    outcome.finished = now;
    outcome.reason = "Error";
    outcome.message = message;
  }
  status.outcome.phase = Phase::kError;
  status.outcome.message = message;
  status.outcome.finished = now;
  // Where this fails the next process finds out for itself.
  if (const auto written = pod.sandbox.write_status(status); !written) log_warning(written.error().message());
  take_outcome(pod, std::move(status.outcome));
}

void Engine::end_pod(PodObject& pod) {
  if (pod.stage == PodStage::kRunning) --running_;
  pod.stage = PodStage::kEnded;
  if (pod.watch >= 0) {
    watched_.erase(pod.watch);
    watch_->remove(std::exchange(pod.watch, -1));
  }
  pod.log_ends->end_all();
  for (const auto& container : pod.spec.request.containers)
    aftermath_.ended_logs.push_back(place_of(pod, container.name));
  dirty(pod.spec.workflow_uid);
  aftermath_.changed.insert(pod.spec.workflow_uid);
}

void Engine::collect_deleted_pods() {
  const auto uids = deleting_pods_;
  for (const auto& uid : uids) {
    const auto found = pods_.find(uid);
    if (found == pods_.end()) {
      deleting_pods_.erase(uid);
      continue;
    }
    auto& pod = found->second;
    if (pod.marks.forced) {
      if (const auto workflow = workflows_.find(pod.spec.workflow_uid);
          workflow != workflows_.end() && workflow->second.pods.erase(uid) > 0)
        dirty(pod.spec.workflow_uid);
      stop_pod(pod, {std::chrono::milliseconds(0), "deleted by force"});
    } else {
      stop_pod(pod, {kDefaultGrace, "pod deleted"});
    }
    if (pod.stage == PodStage::kEnded && (pod.marks.forced || !pod.marks.held)) remove_pod(uid);
  }
}

void Engine::remove_pod(const std::string& uid) {
  const auto found = pods_.find(uid);
  const auto& pod = found->second;
  const auto trash = settings_.folder / "trash" / uid;
  if (std::rename(pod.sandbox.folder().c_str(), trash.c_str()) != 0 && errno != ENOENT) {
    log_warning(system_error("delete pod", pod.sandbox.folder(), errno).message());
    return;
  }
  const auto workflow_uid = pod.spec.workflow_uid;
  aftermath_.folders.push_back(trash);
  aftermath_.folders.push_back(settings_.folder / pod.spec.log_folder());
  if (const auto workflow = workflows_.find(workflow_uid); workflow != workflows_.end())
    workflow->second.pods.erase(uid);
  deleting_pods_.erase(uid);
  pods_.erase(found);
  dirty(workflow_uid);
  aftermath_.changed.insert(workflow_uid);
}

NodeLogPlace Engine::place_of(const PodObject& pod, const std::string& container) const {
  return {settings_.folder / pod.spec.log_folder() / container, 0};
}

}  // namespace logstone::local
