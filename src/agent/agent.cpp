#include "agent/agent.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "agent/agent_context.h"
#include "agent/waiter_list.h"
#include "agent/workflow_loop.h"
#include "base/log.h"

namespace logstone {
namespace {

constexpr std::uint64_t kAnyState = std::numeric_limits<std::uint64_t>::max();

std::uint64_t rank(LifecycleState state) { return static_cast<std::uint64_t>(state); }

/// Which waiters a workflow's state satisfies: those for a lower number.
std::uint64_t reach(const WorkflowLoop::Published& now) { return now.problem ? kAnyState : rank(now.state) + 1; }

class AgentImpl final : public Agent {
 public:
  AgentImpl(AgentParts parts, AgentSettings settings)
      : context_(parts, settings), resync_backoff_(settings.retry_first, settings.retry_last) {}
  ~AgentImpl() override { AgentImpl::stop(); }

  void start() {
    // Subscribed first, listed after: what changes between the two is not missed.
    subscription_ = context_.parts.cluster.subscribe([this](const std::string& uid) { poke(uid); });
    resync_ = context_.loop_queue.make_item([this] { resync(); });
    resync_->soon();
    expiry_ = context_.loop_queue.make_item([this] { expire(); });
    expiry_->soon();
  }

  void stop() override {
    if (std::exchange(stopped_, true)) return;
    subscription_.reset();
    context_.loop_queue.stop();
    context_.capture_queue.stop();
    context_.publish_queue.stop();
    for (const auto& loop : loops()) {
      for (const auto& capture : loop->captures()) capture->flush();
    }
  }

  std::shared_ptr<LogView> live_log(const std::string& workflow_uid, const StreamIdentity& stream) override {
    const auto loop = find(workflow_uid);
    return loop ? loop->live_log(stream) : nullptr;
  }

  std::vector<StreamRecord> live_streams(const std::string& workflow_uid) override {
    const auto loop = find(workflow_uid);
    return loop ? loop->live_streams() : std::vector<StreamRecord>{};
  }

  std::shared_ptr<void> when_reached(const std::string& workflow_uid, LifecycleState state,
                                     std::function<void()> reached) override {
    std::shared_ptr<WaiterList> list;
    std::shared_ptr<void> handle;
    {
      // Added under the mutex: lists without waiters are dropped under it.
      const std::lock_guard lock(mutex_);
      auto& slot = waiters_[workflow_uid];
      if (!slot) slot = std::make_shared<WaiterList>();
      list = slot;
      handle = list->add(rank(state), std::move(reached));
    }
    const auto loop = find(workflow_uid);
    if (const auto now = loop ? loop->published() : std::nullopt) {
      list->fire_above(reach(*now));
    } else if (const auto record = context_.parts.book.read(workflow_uid)) {
      list->fire_above(reach({record->state, !record->problem.empty()}));
    }
    drop_if_empty(workflow_uid);
    return handle;
  }

  AgentMetrics metrics() override {
    const AgentCounters& counters = context_.counters;
    AgentMetrics m;
    m.bytes_captured = counters.bytes_captured;
    m.lines_captured = counters.lines_captured;
    m.segments_written = counters.segments_written;
    m.segment_bytes_written = counters.segment_bytes_written;
    m.store_failures = counters.store_failures;
    m.workflows_sealed = counters.workflows_sealed;
    m.workflows_verified = counters.workflows_verified;
    m.verification_failures = counters.verification_failures;
    m.workflows_released = counters.workflows_released;
    m.workflows_expired = counters.workflows_expired;
    m.workflows_published = counters.workflows_published;
    m.publish_failures = counters.publish_failures;
    m.gaps = counters.gaps;
    const SteadyTime now = steady_now();
    for (const auto& loop : loops()) {
      for (const auto& capture : loop->captures()) {
        if (!capture->finished_record()) ++m.streams_now;
        m.pending_bytes_now += capture->pending_bytes();
        if (const auto oldest = capture->oldest_pending()) {
          m.oldest_pending_now = std::max(m.oldest_pending_now, Nanoseconds(now - *oldest));
        }
      }
    }
    return m;
  }

 private:
  std::shared_ptr<WorkflowLoop> find(const std::string& uid) const {
    const std::lock_guard lock(mutex_);
    const auto found = loops_.find(uid);
    return found == loops_.end() ? nullptr : found->second;
  }

  std::vector<std::shared_ptr<WorkflowLoop>> loops() const {
    std::vector<std::shared_ptr<WorkflowLoop>> all;
    const std::lock_guard lock(mutex_);
    for (const auto& [uid, loop] : loops_) all.push_back(loop);
    return all;
  }

  void poke(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    auto& loop = loops_[uid];
    if (!loop) {
      loop = WorkflowLoop::make(
          context_, uid,
          {[this](const std::string& changed_uid, WorkflowLoop::Published now) { announce(changed_uid, now); },
           [this](WorkflowLoop& finished) { return forget(finished); }});
    }
    loop->poke();
  }

  void announce(const std::string& uid, WorkflowLoop::Published now) {
    std::shared_ptr<WaiterList> list;
    {
      const std::lock_guard lock(mutex_);
      const auto found = waiters_.find(uid);
      if (found == waiters_.end()) return;
      list = found->second;
    }
    list->fire_above(reach(now));
    drop_if_empty(uid);
  }

  /// Waiters are added under the same mutex.
  void drop_if_empty(const std::string& uid) {
    const std::lock_guard lock(mutex_);
    const auto found = waiters_.find(uid);
    if (found != waiters_.end() && found->second->empty()) waiters_.erase(found);
  }

  /// Pokes come under the same mutex: none is lost between the question and the end.
  bool forget(WorkflowLoop& loop) {
    const std::lock_guard lock(mutex_);
    if (loop.poked()) return false;
    loops_.erase(loop.uid());
    return true;
  }

  void resync() {
    if (auto listed = list_everything(); !listed) {
      log_warning("cannot list the workflows yet", {{"error", listed.error().message()}});
      resync_->after(resync_backoff_.next());
    }
  }

  Result<> list_everything() {
    LOGSTONE_ASSIGN(const std::vector<Workflow> workflows, context_.parts.cluster.list_workflows());
    for (const Workflow& workflow : workflows) poke(workflow.id.uid);
    // Also those that the cluster deleted while nobody looked.
    LOGSTONE_ASSIGN(const std::vector<std::string> unfinished, context_.parts.book.unfinished());
    for (const std::string& uid : unfinished) poke(uid);
    return {};
  }

  void expire() {
    if (const auto expired = context_.parts.keeper.expire_due()) {
      context_.counters.workflows_expired += *expired;
    } else {
      log_warning("cannot look for expired archives", {{"error", expired.error().message()}});
    }
    expiry_->after(context_.settings.expiry_interval);
  }

  AgentContext context_;
  Backoff resync_backoff_;
  std::shared_ptr<WorkQueue::Item> resync_;
  std::shared_ptr<WorkQueue::Item> expiry_;
  std::unique_ptr<Subscription> subscription_;
  bool stopped_ = false;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<WorkflowLoop>> loops_;
  std::map<std::string, std::shared_ptr<WaiterList>> waiters_;
};

Result<> check(const AgentSettings& settings) {
  const auto refuse = [](const char* setting, const char* reason) {
    return Error{ErrorKind::kInvalidInput, "start the agent with setting", setting, reason, ""};
  };
  if (settings.segment_bytes == 0) return refuse("segment_bytes", "it must be at least 1");
  if (settings.capture_threads == 0) return refuse("capture_threads", "it must be at least 1");
  if (settings.segment_age < Nanoseconds::zero()) return refuse("segment_age", "it must not be negative");
  if (settings.retry_first <= Nanoseconds::zero() || settings.retry_last < settings.retry_first) {
    return refuse("retry_first, retry_last", "0 < retry_first <= retry_last must hold");
  }
  if (settings.expiry_interval <= Nanoseconds::zero()) return refuse("expiry_interval", "it must be more than 0");
  return {};
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::start(AgentParts parts, AgentSettings settings) {
  LOGSTONE_TRY(check(settings));
  auto agent = std::make_unique<AgentImpl>(parts, settings);
  agent->start();
  return std::unique_ptr<Agent>(std::move(agent));
}

}  // namespace logstone
