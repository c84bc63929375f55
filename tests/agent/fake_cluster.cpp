#include "tests/agent/fake_cluster.h"

namespace logstone::testing {

class FakeCluster::Reader final : public LogReader {
 public:
  Reader(FakeCluster& cluster, std::shared_ptr<FakeLog> log, std::size_t at, int id)
      : cluster_(cluster), log_(std::move(log)), at_(at), id_(id) {}
  ~Reader() override {
    const std::lock_guard lock(cluster_.mutex_);
    log_->readers.erase(id_);
  }

  Result<LogBatch> read(std::size_t max_bytes) override {
    const std::lock_guard lock(cluster_.mutex_);
    if (log_->failing_reads > 0) {
      --log_->failing_reads;
      return Error{ErrorKind::kUnavailable, "read", "a log", "the test wants it so", ""};
    }
    if (log_->lost) return gone("read", "a log");
    LogBatch batch;
    if (at_ < log_->first_kept) {
      std::uint64_t lost = 0;
      for (; at_ < log_->first_kept; ++at_)
        lost += log_->pieces[at_].text.size() + (log_->pieces[at_].ends_line ? 1 : 0);
      batch.gap = Gap{0, lost, "rotated away before it was read", {}};
    }
    const std::size_t first = at_;
    for (std::size_t taken = 0; at_ < log_->pieces.size() && taken < max_bytes; ++at_) {
      batch.buffer += log_->pieces[at_].text;
      taken += log_->pieces[at_].text.size() + 1;
    }
    std::size_t begin = 0;
    for (std::size_t i = first; i < at_; ++i) {
      const FakeLog::Piece& piece = log_->pieces[i];
      batch.pieces.push_back(
          {piece.time, piece.output, piece.ends_line, std::string_view(batch.buffer).substr(begin, piece.text.size())});
      begin += piece.text.size();
    }
    batch.end = log_->terminated && at_ == log_->pieces.size();
    batch.after.value = std::to_string(at_);
    // The views must survive the move of the batch, also where the buffer is short: a string of its own on the heap.
    repoint(batch);
    return batch;
  }

 private:
  void repoint(LogBatch& batch) {
    texts_ = std::make_shared<std::string>(batch.buffer);
    std::size_t begin = 0;
    for (LogPiece& piece : batch.pieces) {
      piece.text = std::string_view(*texts_).substr(begin, piece.text.size());
      begin += piece.text.size();
    }
  }

  FakeCluster& cluster_;
  std::shared_ptr<FakeLog> log_;
  std::size_t at_;
  int id_;
  std::shared_ptr<std::string> texts_;
};

class FakeCluster::Subscribed final : public Subscription {
 public:
  Subscribed(FakeCluster& cluster, int id) : cluster_(cluster), id_(id) {}
  ~Subscribed() override {
    const std::lock_guard lock(cluster_.mutex_);
    cluster_.subscribers_.erase(id_);
  }

 private:
  FakeCluster& cluster_;
  int id_;
};

Result<std::vector<Workflow>> FakeCluster::list_workflows() {
  const std::lock_guard lock(mutex_);
  std::vector<Workflow> all;
  for (const auto& [uid, entry] : workflows_) all.push_back(entry.object);
  return all;
}

Result<Workflow> FakeCluster::get_workflow(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  const auto found = workflows_.find(uid);
  if (found == workflows_.end()) return gone("get workflow", uid);
  return found->second.object;
}

Result<std::vector<Pod>> FakeCluster::list_pods(const std::string& workflow_uid) {
  const std::lock_guard lock(mutex_);
  std::vector<Pod> all;
  for (const auto& [uid, pod] : pods_) {
    if (pod.workflow_uid == workflow_uid) all.push_back(pod);
  }
  return all;
}

std::unique_ptr<Subscription> FakeCluster::subscribe(std::function<void(const std::string& uid)> call) {
  const std::lock_guard lock(mutex_);
  subscribers_[++next_id_] = std::move(call);
  return std::make_unique<Subscribed>(*this, next_id_);
}

Result<> FakeCluster::hold_workflow(const std::string& uid) {
  LOGSTONE_TRY(ask("hold_workflow", uid));
  const std::lock_guard lock(mutex_);
  const auto found = workflows_.find(uid);
  if (found == workflows_.end()) return gone("hold workflow", uid);
  if (found->second.object.deletion_requested && !found->second.held) {
    return Error{ErrorKind::kConflict, "hold workflow", uid, "it is being deleted", ""};
  }
  found->second.held = true;
  return {};
}

Result<> FakeCluster::release_workflow(const std::string& uid) {
  LOGSTONE_TRY(ask("release_workflow", uid));
  const std::lock_guard lock(mutex_);
  const auto found = workflows_.find(uid);
  if (found == workflows_.end()) return gone("release workflow", uid);
  found->second.held = false;
  collect_garbage_locked();
  changed(uid);
  return {};
}

Result<> FakeCluster::hold_pod(const std::string&, const std::string& pod_uid) {
  LOGSTONE_TRY(ask("hold_pod", pod_uid));
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(pod_uid);
  if (found == pods_.end()) return gone("hold pod", pod_uid);
  if (found->second.deletion_requested && !found->second.held) {
    return Error{ErrorKind::kConflict, "hold pod", pod_uid, "it is being deleted", ""};
  }
  found->second.held = true;
  return {};
}

Result<> FakeCluster::release_pod(const std::string& workflow_uid, const std::string& pod_uid) {
  LOGSTONE_TRY(ask("release_pod", pod_uid));
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(pod_uid);
  if (found == pods_.end()) return gone("release pod", pod_uid);
  found->second.held = false;
  collect_garbage_locked();
  changed(workflow_uid);
  return {};
}

Result<> FakeCluster::delete_workflow(const std::string& uid) {
  LOGSTONE_TRY(ask("delete_workflow", uid));
  request_workflow_deletion(uid);
  return {};
}

Result<std::unique_ptr<LogReader>> FakeCluster::open_log(const std::string&, const StreamIdentity& stream,
                                                         const Cursor& from, std::function<void()> more) {
  LOGSTONE_TRY(ask("open_log", stream.pod_uid));
  const std::lock_guard lock(mutex_);
  const auto found = logs_.find({stream.pod_uid, stream.container, stream.restart});
  if (found == logs_.end() || found->second->lost) return gone("open log", stream.key());
  const int id = ++next_id_;
  found->second->readers[id] = std::move(more);
  const std::size_t at = from.value.empty() ? 0 : std::stoull(from.value);
  return std::make_unique<Reader>(*this, found->second, at, id);
}

}  // namespace logstone::testing
