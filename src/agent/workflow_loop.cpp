#include "agent/workflow_loop.h"

#include <algorithm>
#include <utility>

#include "archive/layout.h"
#include "archive/segment_reader.h"
#include "base/log.h"

namespace logstone {
namespace {

/// A running workflow's status changes often; its record need not follow each time.
constexpr Nanoseconds kDescribeInterval = std::chrono::seconds(1);
constexpr Nanoseconds kVerifyAgainLast = std::chrono::hours(1);

bool pod_is_over(const Pod& pod) {
  if (pod.phase == "Succeeded" || pod.phase == "Failed") return true;
  // A pod that is being deleted starts nothing any more.
  return pod.deletion_requested && std::none_of(pod.containers.begin(), pod.containers.end(),
                                                [](const auto& c) { return c.state == ContainerState::kRunning; });
}

void describe_workflow(WorkflowRecord& record, const Workflow& workflow) {
  record.phase = workflow.phase;
  record.message = workflow.message;
  record.labels = workflow.labels;
  record.annotations = workflow.annotations;
  record.started = workflow.started;
  if (workflow.finished) record.finished = workflow.finished;
  record.nodes = workflow.nodes;
  record.manifest_json = workflow.manifest_json;
}

bool is_described(const WorkflowRecord& record, const Workflow& workflow) {
  return record.phase == workflow.phase && record.message == workflow.message && record.labels == workflow.labels &&
         record.annotations == workflow.annotations && record.started == workflow.started &&
         (!workflow.finished || record.finished == workflow.finished) && record.nodes == workflow.nodes;
}

WorkflowRecord first_record(const Workflow& workflow) {
  WorkflowRecord record;
  record.id = workflow.id;
  record.created = workflow.created;
  describe_workflow(record, workflow);
  return record;
}

}  // namespace

std::optional<StreamRecord> WorkflowLoop::Entry::finished_record() const {
  auto record = capture->finished_record();
  if (record) record = described(*std::move(record));
  return record;
}

StreamRecord WorkflowLoop::Entry::described(StreamRecord record) const {
  record.exit_code = exit_code;
  record.end_reason = end_reason;
  if (record.end_reason.empty() && record.complete && !record.gaps.empty() &&
      record.gaps.back().offset == record.bytes) {
    record.end_reason = record.gaps.back().reason;
  }
  return record;
}

WorkflowLoop::WorkflowLoop(AgentContext& context, std::string uid, Hooks hooks)
    : context_(context),
      uid_(std::move(uid)),
      hooks_(std::move(hooks)),
      backoff_(context.settings.retry_first, context.settings.retry_last),
      verify_backoff_(context.settings.retry_last, kVerifyAgainLast),
      publish_backoff_(context.settings.retry_first, context.settings.retry_last) {}

std::shared_ptr<WorkflowLoop> WorkflowLoop::make(AgentContext& context, std::string uid, Hooks hooks) {
  std::shared_ptr<WorkflowLoop> loop(new WorkflowLoop(context, std::move(uid), std::move(hooks)));
  loop->item_ = context.loop_queue.make_item([weak = std::weak_ptr<WorkflowLoop>(loop)] {
    if (const auto self = weak.lock()) self->run();
  });
  return loop;
}

void WorkflowLoop::poke() {
  poked_ = true;
  item_->soon();
}

std::optional<WorkflowLoop::Published> WorkflowLoop::published() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

std::shared_ptr<LogView> WorkflowLoop::live_log(const StreamIdentity& stream) const {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : found->second.capture->log();
}

std::vector<StreamRecord> WorkflowLoop::live_streams() const {
  std::vector<StreamRecord> records;
  const std::lock_guard lock(mutex_);
  for (const auto& [stream, entry] : streams_) {
    auto record = entry.finished_record();
    if (!record) {
      // Complete means that the named segments are all of it: not before the last one is durable.
      record = entry.described(entry.capture->log()->record(std::nullopt));
      record->complete = false;
      record->segments.clear();
    }
    records.push_back(*std::move(record));
  }
  return records;
}

std::vector<std::shared_ptr<StreamCapture>> WorkflowLoop::captures() const {
  std::vector<std::shared_ptr<StreamCapture>> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [stream, entry] : streams_) all.push_back(entry.capture);
  return all;
}

void WorkflowLoop::wake_within(Nanoseconds delay) { wake_ = wake_ ? std::min(*wake_, delay) : delay; }

void WorkflowLoop::report(const char* what, const Error& error) {
  std::string message = error.message();
  if (message == reported_) return;
  reported_ = std::move(message);
  log_warning(what, {{"workflow", uid_}, {"error", reported_}});
}

void WorkflowLoop::run() {
  if (done_) return;
  if (const SteadyTime now = steady_now(); now < not_before_) return item_->after(not_before_ - now);
  poked_ = false;
  wake_.reset();
  if (auto stepped = step(); !stepped) {
    report("a workflow does not go on yet", stepped.error());
    const Nanoseconds delay = backoff_.next();
    not_before_ = steady_now() + delay;
    wake_within(delay);
  } else if (!wake_) {
    backoff_.reset();
    reported_.clear();
  }
  if (done_ && !hooks_.done(*this)) {
    done_ = false;
    record_.reset();
    wake_within(Nanoseconds::zero());
  }
  if (wake_) item_->after(*wake_);
}

Result<> WorkflowLoop::step() {
  const auto seen = context_.parts.cluster.get_workflow(uid_);
  if (!seen && seen.error().kind != ErrorKind::kNotFound) return seen.error();
  const Workflow* workflow = seen ? &*seen : nullptr;
  if (!record_) LOGSTONE_TRY(load(workflow));
  while (!done_) {
    const LifecycleState before = record_->state;
    if (workflow != nullptr && before < LifecycleState::kReleased) hold(*workflow);
    switch (before) {
      case LifecycleState::kRunning:
      case LifecycleState::kFinished:
        LOGSTONE_TRY(collect(workflow));
        break;
      case LifecycleState::kSealed:
        LOGSTONE_TRY(verify(workflow));
        break;
      case LifecycleState::kVerified:
      case LifecycleState::kReleased:
        LOGSTONE_TRY(release(workflow));
        break;
      case LifecycleState::kDeleted:
      case LifecycleState::kExpired:
        done_ = true;
        break;
    }
    if (!record_ || record_->state == before) break;
  }
  return {};
}

Result<> WorkflowLoop::load(const Workflow* workflow) {
  RecordBook& book = context_.parts.book;
  auto known = book.read(uid_);
  if (!known && known.error().kind != ErrorKind::kNotFound) return std::move(known).error();
  if (!known && workflow == nullptr) {
    done_ = true;
    return {};
  }
  // Held first: there is never a record of a workflow that could vanish unseen. A record that is there already is given
  // to the catalogue again, which a kill may have left behind.
  if (!known) hold(*workflow);
  LOGSTONE_ASSIGN(WorkflowRecord record, book.create(known ? *std::move(known) : first_record(*workflow)));
  prefix_ = workflow_prefix(record.id, record.created);
  record_ = std::move(record);
  publish();
  if (record_->state >= LifecycleState::kSealed) return {};
  if (auto adopted = adopt_stored_streams(); !adopted) {
    record_.reset();
    return adopted;
  }
  return {};
}

void WorkflowLoop::hold(const Workflow& workflow) {
  if (held_) return;
  auto held = context_.parts.cluster.hold_workflow(uid_);
  held_ = held.has_value();
  // One that is being deleted already takes no finalizer; its logs are captured all the same, as far as they last.
  if (held_ || workflow.deletion_requested) return;
  report("cannot hold a workflow", held.error());
  wake_within(backoff_.next());
}

/// Streams of an earlier process whose pods may be gone by now.
Result<> WorkflowLoop::adopt_stored_streams() {
  ObjectStore& store = context_.parts.store;
  const std::string folder = prefix_ + "segments/";
  LOGSTONE_ASSIGN(const std::vector<ObjectInfo> objects, list_all(store, folder));
  std::map<std::string, std::optional<StreamIdentity>> streams;
  for (const ObjectInfo& object : objects) {
    const std::size_t slash = object.key.rfind('/');
    auto& stream = streams[object.key.substr(0, slash)];
    if (stream || !parse_segment_key(object.key)) continue;
    const auto reader = SegmentReader::open(store, object.key, object.size);
    if (reader) {
      stream = (*reader)->place().stream;
    } else if (reader.error().kind != ErrorKind::kCorrupt && reader.error().kind != ErrorKind::kNotFound) {
      return reader.error();
    }
  }
  unreadable_.clear();
  for (const auto& [key, stream] : streams) {
    if (stream) {
      open_stream(*stream, nullptr);
    } else {
      unreadable_.push_back(key);
    }
  }
  return {};
}

Result<> WorkflowLoop::collect(const Workflow* workflow) {
  std::vector<Pod> pods;
  if (workflow != nullptr) {
    LOGSTONE_ASSIGN(pods, context_.parts.cluster.list_pods(uid_));
  }
  follow(pods);
  LOGSTONE_TRY(describe(workflow));
  LOGSTONE_TRY(release_collected_pods(pods));
  if (record_->state != LifecycleState::kFinished || !settled(pods)) return {};
  return seal(workflow);
}

void WorkflowLoop::follow(const std::vector<Pod>& pods) {
  std::set<std::string> present;
  for (const Pod& pod : pods) {
    present.insert(pod.uid);
    seen_nodes_.insert(pod.node_id);
    seen_nodes_.insert(pod.name);
    if (!pod.held && !pod.deletion_requested && !released_pods_.contains(pod.uid)) {
      const auto held = context_.parts.cluster.hold_pod(uid_, pod.uid);
      if (!held && held.error().kind != ErrorKind::kNotFound) {
        report("cannot hold a pod", held.error());
        wake_within(backoff_.next());
      }
    }
    for (const ContainerStatus& container : pod.containers) {
      const bool started = container.state != ContainerState::kWaiting;
      for (std::uint32_t attempt = 0; attempt < container.restart_count + (started ? 1 : 0); ++attempt) {
        const bool current = attempt == container.restart_count;
        open_stream({pod.node_id, pod.name, pod.uid, container.name, attempt}, current ? &container : nullptr);
      }
    }
  }
  const std::lock_guard lock(mutex_);
  for (const auto& [stream, entry] : streams_) {
    if (!present.contains(stream.pod_uid)) entry.capture->source_gone();
  }
}

void WorkflowLoop::open_stream(const StreamIdentity& stream, const ContainerStatus* status) {
  const bool recorded = std::any_of(record_->streams.begin(), record_->streams.end(),
                                    [&](const StreamRecord& known) { return known.id == stream; });
  if (recorded) return;
  const std::lock_guard lock(mutex_);
  Entry& entry = streams_[stream];
  if (!entry.capture) {
    entry.capture = StreamCapture::start(context_, uid_, prefix_, stream, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->poke();
    });
  }
  if (status != nullptr && status->state == ContainerState::kTerminated) {
    entry.exit_code = status->exit_code;
    entry.end_reason = status->reason;
  }
}

Result<> WorkflowLoop::describe(const Workflow* workflow) {
  const bool over = workflow == nullptr || is_final(workflow->phase);
  const bool finishes = over && record_->state == LifecycleState::kRunning;
  if (!finishes) {
    if (workflow == nullptr || is_described(*record_, *workflow)) return {};
    if (const Nanoseconds since = steady_now() - described_; since < kDescribeInterval) {
      wake_within(kDescribeInterval - since);
      return {};
    }
  }
  LOGSTONE_TRY(change([&](WorkflowRecord& record) {
    if (record.state > LifecycleState::kFinished) return;
    if (workflow != nullptr) describe_workflow(record, *workflow);
    if (!over || record.state != LifecycleState::kRunning) return;
    record.state = LifecycleState::kFinished;
    if (!record.finished) record.finished = context_.parts.clock.now();
    record.expires = context_.parts.keeper.expiry(record);
  }));
  described_ = steady_now();
  return {};
}

Result<> WorkflowLoop::release_collected_pods(const std::vector<Pod>& pods) {
  for (const Pod& pod : pods) {
    const bool wanted = pod.held && pod.deletion_requested && pod_is_over(pod) && !released_pods_.contains(pod.uid);
    if (wanted) LOGSTONE_TRY(release_collected_pod(pod));
  }
  return {};
}

bool WorkflowLoop::settled(const std::vector<Pod>& pods) const {
  if (!std::all_of(pods.begin(), pods.end(), pod_is_over)) return false;
  const std::lock_guard lock(mutex_);
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& item) { return item.second.capture->finished_record().has_value(); });
}

Result<> WorkflowLoop::change(const std::function<void(WorkflowRecord&)>& alter) {
  auto changed = context_.parts.book.update(uid_, [&](WorkflowRecord& record) -> Result<> {
    alter(record);
    return {};
  });
  if (!changed) {
    // The catalogue was dropped: the next step makes it known again.
    if (changed.error().kind == ErrorKind::kNotFound) record_.reset();
    return std::move(changed).error();
  }
  record_ = *std::move(changed);
  publish();
  return {};
}

void WorkflowLoop::publish() {
  const Published now{record_->state, !record_->problem.empty()};
  {
    const std::lock_guard lock(mutex_);
    published_ = now;
  }
  hooks_.changed(uid_, now);
}

void WorkflowLoop::add_audit(WorkflowRecord& record, const char* action, std::string detail) const {
  record.audit.push_back({context_.parts.clock.now(), "agent", action, std::move(detail)});
}

}  // namespace logstone
