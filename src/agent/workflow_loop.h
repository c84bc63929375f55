// One workflow's way from running to deleted: looks at what is, does the next thing, is safe to repeat.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/agent_context.h"
#include "agent/stream_capture.h"

namespace logstone {

/// Steps are taken on the context's loop queue, one at a time; everything public is thread-safe.
class WorkflowLoop : public std::enable_shared_from_this<WorkflowLoop> {
 public:
  /// What others may know of it.
  struct Published {
    LifecycleState state = LifecycleState::kRunning;
    bool problem = false;
  };
  struct Hooks {
    std::function<void(const std::string& uid, Published now)> changed;
    /// There is nothing left to do. Returns false when it must go on, as it was poked meanwhile.
    std::function<bool(WorkflowLoop& loop)> done;
  };
  static std::shared_ptr<WorkflowLoop> make(AgentContext& context, std::string uid, Hooks hooks);

  /// Something of the workflow changed.
  void poke();
  [[nodiscard]] bool poked() const { return poked_; }
  [[nodiscard]] const std::string& uid() const { return uid_; }
  /// None before its record was read.
  [[nodiscard]] std::optional<Published> published() const;
  [[nodiscard]] std::shared_ptr<LogView> live_log(const StreamIdentity& stream) const;
  [[nodiscard]] std::vector<StreamRecord> live_streams() const;
  [[nodiscard]] std::vector<std::shared_ptr<StreamCapture>> captures() const;

 private:
  struct Entry {
    std::shared_ptr<StreamCapture> capture;
    std::optional<int> exit_code;
    std::string end_reason;
    [[nodiscard]] std::optional<StreamRecord> finished_record() const;
    [[nodiscard]] StreamRecord described(StreamRecord record) const;
  };

  WorkflowLoop(AgentContext& context, std::string uid, Hooks hooks);
  void run();
  Result<> step();
  Result<> load(const Workflow* workflow);
  void hold(const Workflow& workflow);
  Result<> adopt_stored_streams();
  Result<> collect(const Workflow* workflow);
  void follow(const std::vector<Pod>& pods);
  void open_stream(const StreamIdentity& stream, const ContainerStatus* status);
  Result<> describe(const Workflow* workflow);
  Result<> release_collected_pods(const std::vector<Pod>& pods);
  Result<> release_collected_pod(const Pod& pod);
  [[nodiscard]] bool settled(const std::vector<Pod>& pods) const;
  Result<> seal(const Workflow* workflow);
  [[nodiscard]] std::vector<StreamRecord> lost_streams(const WorkflowRecord& record) const;
  Result<> verify(const Workflow* workflow);
  Result<> sweep(const WorkflowRecord& record);
  /// Reads `part` back and mends in it what is damaged, if `mendable`. Returns what stays damaged, in words; empty:
  /// none.
  Result<std::string> prove(WorkflowRecord& part, bool mendable);
  Result<> note_failed_verification(const std::string& what);
  Result<> release(const Workflow* workflow);
  /// True: its logs are published, or nobody wants or can have it; false: that goes on, and will poke.
  Result<bool> publish_logs();
  Result<> note_deleted();
  Result<> change(const std::function<void(WorkflowRecord&)>& alter);
  void publish();
  void add_audit(WorkflowRecord& record, const char* action, std::string detail) const;
  void wake_within(Nanoseconds delay);
  void report(const char* what, const Error& error);

  AgentContext& context_;
  const std::string uid_;
  const Hooks hooks_;
  std::shared_ptr<WorkQueue::Item> item_;
  std::atomic<bool> poked_{false};

  // Used by the step that runs.
  std::optional<WorkflowRecord> record_;
  std::string prefix_;
  bool held_ = false;
  bool released_ = false;
  bool done_ = false;
  std::set<std::string> seen_nodes_;  ///< Node ids and pod names of pods that were seen.
  std::set<std::string> released_pods_;
  std::vector<std::string> unreadable_;  ///< Folders of streams that nobody can name any more.
  Backoff backoff_;
  Backoff verify_backoff_;
  struct Publication;
  std::shared_ptr<Publication> publication_;  ///< Goes on.
  Backoff publish_backoff_;
  SteadyTime publish_not_before_{};
  SteadyTime not_before_{};
  SteadyTime verify_not_before_{};
  SteadyTime described_{};
  std::optional<Nanoseconds> wake_;
  std::string reported_;

  mutable std::mutex mutex_;
  std::map<StreamIdentity, Entry> streams_;
  std::optional<Published> published_;
};

}  // namespace logstone
