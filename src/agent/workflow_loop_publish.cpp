// Writes a verified workflow's logs where others look for them, before it is released.
#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "agent/workflow_loop.h"
#include "base/log.h"

namespace logstone {

/// One try, on the publishing thread; the loop looks at its outcome when it is poked.
struct WorkflowLoop::Publication {
  std::shared_ptr<WorkQueue::Item> item;
  std::mutex mutex;
  std::optional<Result<std::string>> outcome;
};

namespace {

bool ended(const WorkflowRecord& record) {
  return std::any_of(record.audit.begin(), record.audit.end(), [](const AuditEvent& event) {
    return event.action == "published" || event.action == "publish_failed";
  });
}

/// Whether another try may go better, be it that a person mends a bucket or its keys meanwhile.
bool worth_a_try(const Error& error) {
  return error.kind != ErrorKind::kInvalidInput && error.kind != ErrorKind::kUnsupported &&
         error.kind != ErrorKind::kCorrupt;
}

}  // namespace

Result<bool> WorkflowLoop::publish_logs() {
  if (!context_.parts.publish || ended(*record_)) return true;
  if (!publication_) {
    if (const SteadyTime now = steady_now(); now < publish_not_before_) {
      wake_within(publish_not_before_ - now);
      return false;
    }
    publication_ = std::make_shared<Publication>();
    publication_->item = context_.publish_queue.make_item(
        [publish = context_.parts.publish, record = std::make_shared<const WorkflowRecord>(*record_),
         weak = std::weak_ptr<Publication>(publication_), self = weak_from_this()] {
          const auto publication = weak.lock();
          if (!publication) return;
          Result<std::string> outcome = publish(*record);
          {
            const std::lock_guard lock(publication->mutex);
            publication->outcome = std::move(outcome);
          }
          if (const auto loop = self.lock()) loop->poke();
        });
    publication_->item->soon();
    return false;
  }
  std::optional<Result<std::string>> outcome;
  {
    const std::lock_guard lock(publication_->mutex);
    outcome = std::move(publication_->outcome);
  }
  if (!outcome) return false;
  publication_.reset();
  const char* action = "published";
  std::string detail;
  if (*outcome) {
    detail = **std::move(outcome);
    ++context_.counters.workflows_published;
  } else {
    ++context_.counters.publish_failures;
    const Error& error = outcome->error();
    const Timestamp deadline =
        record_->verified.value_or(context_.parts.clock.now()) + context_.settings.publish_deadline;
    if (worth_a_try(error) && context_.parts.clock.now() < deadline) {
      report("its logs could not be published yet", error);
      const Nanoseconds delay = publish_backoff_.next();
      publish_not_before_ = steady_now() + delay;
      wake_within(delay);
      return false;
    }
    action = "publish_failed";
    detail = error.message();
    log_warning("a workflow is released without its logs being published",
                {{"workflow", uid_}, {"error", error.message()}});
  }
  LOGSTONE_TRY(change([&](WorkflowRecord& record) {
    if (!ended(record)) add_audit(record, action, detail);
  }));
  return true;
}

}  // namespace logstone
