// A store in memory, and wrappers that make store, catalogue and cluster fail when a test wants them to.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "cluster/cluster.h"
#include "store/object_store.h"

namespace logstone::testing {

enum class Fault {
  kNone,
  kFail,        ///< Nothing is done.
  kLostAnswer,  ///< It is done, but the caller is told that it failed.
};

inline Error unavailable(const std::string& attempted, const std::string& subject) {
  return Error{ErrorKind::kUnavailable, attempted, subject, "the test wants it so", ""};
}

class MemoryStore final : public ObjectStore {
 public:
  Result<> put(const std::string& key, std::string_view bytes) override {
    LOGSTONE_TRY(check_key(key));
    const std::lock_guard lock(mutex_);
    objects_[key] = std::string(bytes);
    return {};
  }
  Result<> put_if_absent(const std::string& key, std::string_view bytes) override {
    const std::lock_guard lock(mutex_);
    if (!objects_.emplace(key, bytes).second) return Error{ErrorKind::kConflict, "put", key, "it exists", ""};
    return {};
  }
  Result<std::string> get(const std::string& key) override {
    return get_range(key, 0, std::numeric_limits<std::uint64_t>::max());
  }
  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(key);
    if (found == objects_.end()) return Error{ErrorKind::kNotFound, "get", key, "no such object", ""};
    if (offset >= found->second.size()) return std::string();
    return found->second.substr(offset, length);
  }
  Result<ObjectInfo> head(const std::string& key) override {
    LOGSTONE_ASSIGN(const std::string bytes, get(key));
    return ObjectInfo{key, bytes.size(), {}};
  }
  Result<ObjectPage> list(const std::string& prefix, const std::string& start_after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    ObjectPage page;
    for (auto it = objects_.lower_bound(std::max(prefix, start_after)); it != objects_.end(); ++it) {
      if (!it->first.starts_with(prefix)) break;
      if (it->first == start_after) continue;
      if (page.objects.size() == limit) {
        page.more = true;
        break;
      }
      page.objects.push_back({it->first, it->second.size(), {}});
    }
    return page;
  }
  Result<> remove(const std::string& key) override {
    const std::lock_guard lock(mutex_);
    objects_.erase(key);
    return {};
  }
  std::string description() const override { return "memory://"; }

  [[nodiscard]] std::vector<std::string> keys(const std::string& containing = "") const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [key, bytes] : objects_) {
      if (key.find(containing) != std::string::npos) all.push_back(key);
    }
    return all;
  }
  /// Flips one bit in the middle of an object.
  void damage(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::string& bytes = objects_.at(key);
    bytes[bytes.size() / 3] ^= 0x10;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::string> objects_;
};

/// Asks `fault` before every call: "put", "get", "list", "remove"; "read" stands for head and ranges too.
class FaultyStore final : public ObjectStore {
 public:
  explicit FaultyStore(ObjectStore& base) : base_(base) {}
  std::function<Fault(const std::string& act, const std::string& key)> fault;

  Result<> put(const std::string& key, std::string_view bytes) override {
    return change("put", key, [&] { return base_.put(key, bytes); });
  }
  Result<> put_if_absent(const std::string& key, std::string_view bytes) override {
    return change("put", key, [&] { return base_.put_if_absent(key, bytes); });
  }
  Result<std::string> get(const std::string& key) override {
    if (ask("get", key) != Fault::kNone) return unavailable("get", key);
    return base_.get(key);
  }
  Result<std::string> get_range(const std::string& key, std::uint64_t offset, std::uint64_t length) override {
    if (ask("get", key) != Fault::kNone) return unavailable("get", key);
    return base_.get_range(key, offset, length);
  }
  Result<ObjectInfo> head(const std::string& key) override {
    if (ask("get", key) != Fault::kNone) return unavailable("head", key);
    return base_.head(key);
  }
  Result<ObjectPage> list(const std::string& prefix, const std::string& start_after, std::size_t limit) override {
    if (ask("list", prefix) != Fault::kNone) return unavailable("list", prefix);
    return base_.list(prefix, start_after, limit);
  }
  Result<> remove(const std::string& key) override {
    return change("remove", key, [&] { return base_.remove(key); });
  }
  std::string description() const override { return base_.description(); }

 private:
  Fault ask(const std::string& act, const std::string& key) { return fault ? fault(act, key) : Fault::kNone; }
  template <class Do>
  Result<> change(const std::string& act, const std::string& key, const Do& perform) {
    const Fault asked = ask(act, key);
    if (asked == Fault::kFail) return unavailable(act, key);
    auto done = perform();
    if (asked == Fault::kLostAnswer) return unavailable(act, key);
    return done;
  }
  ObjectStore& base_;
};

class FaultyCatalog final : public Catalog {
 public:
  explicit FaultyCatalog(Catalog& base) : base_(base) {}
  std::function<Fault(const std::string& act)> fault;

  Result<> upsert(const WorkflowRecord& record, const std::string& key) override {
    const Fault asked = ask("upsert");
    if (asked == Fault::kFail) return unavailable("upsert", key);
    auto done = base_.upsert(record, key);
    if (asked == Fault::kLostAnswer) return unavailable("upsert", key);
    return done;
  }
  Result<> remove(const std::string& uid) override { return base_.remove(uid); }
  Result<WorkflowPage> list(const WorkflowQuery& query) override {
    if (ask("read") != Fault::kNone) return unavailable("list", "workflows");
    return base_.list(query);
  }
  Result<WorkflowSummary> get(const std::string& uid) override {
    if (ask("read") != Fault::kNone) return unavailable("get", uid);
    return base_.get(uid);
  }
  Result<std::vector<PodLocation>> find_pod(const std::string& name_space, const std::string& pod) override {
    return base_.find_pod(name_space, pod);
  }
  Result<AuditPage> audit(const AuditQuery& query) override { return base_.audit(query); }
  Result<std::vector<std::string>> expiring(Timestamp now, std::size_t limit) override {
    if (ask("read") != Fault::kNone) return unavailable("list", "expiring workflows");
    return base_.expiring(now, limit);
  }
  Result<> clear() override { return base_.clear(); }

 private:
  Fault ask(const std::string& act) { return fault ? fault(act) : Fault::kNone; }
  Catalog& base_;
};

/// What one process sees of a cluster: fails once the process counts as dead.
class FaultyCluster final : public Cluster {
 public:
  explicit FaultyCluster(Cluster& base) : base_(base) {}
  /// "hold", "release", "delete", "read".
  std::function<Fault(const std::string& act)> fault;

  std::string name() const override { return base_.name(); }
  Result<std::vector<Workflow>> list_workflows() override {
    if (ask("read") != Fault::kNone) return unavailable("list", "workflows");
    return base_.list_workflows();
  }
  Result<Workflow> get_workflow(const std::string& uid) override {
    if (ask("read") != Fault::kNone) return unavailable("get workflow", uid);
    return base_.get_workflow(uid);
  }
  Result<std::vector<Pod>> list_pods(const std::string& uid) override {
    if (ask("read") != Fault::kNone) return unavailable("list pods", uid);
    return base_.list_pods(uid);
  }
  std::unique_ptr<Subscription> subscribe(std::function<void(const std::string&)> changed) override {
    return base_.subscribe(std::move(changed));
  }
  Result<> hold_workflow(const std::string& uid) override {
    return change("hold", uid, [&] { return base_.hold_workflow(uid); });
  }
  Result<> release_workflow(const std::string& uid) override {
    return change("release", uid, [&] { return base_.release_workflow(uid); });
  }
  Result<> hold_pod(const std::string& uid, const std::string& pod) override {
    return change("hold", pod, [&] { return base_.hold_pod(uid, pod); });
  }
  Result<> release_pod(const std::string& uid, const std::string& pod) override {
    return change("release", pod, [&] { return base_.release_pod(uid, pod); });
  }
  Result<> delete_workflow(const std::string& uid) override {
    return change("delete", uid, [&] { return base_.delete_workflow(uid); });
  }
  Result<std::unique_ptr<LogReader>> open_log(const std::string& uid, const StreamIdentity& stream, const Cursor& from,
                                              std::function<void()> more) override {
    if (ask("read") != Fault::kNone) return unavailable("open log", stream.key());
    LOGSTONE_ASSIGN(auto reader, base_.open_log(uid, stream, from, std::move(more)));
    return std::make_unique<Reader>(*this, std::move(reader));
  }

 private:
  class Reader final : public LogReader {
   public:
    Reader(FaultyCluster& cluster, std::unique_ptr<LogReader> base) : cluster_(cluster), base_(std::move(base)) {}
    Result<LogBatch> read(std::size_t max_bytes) override {
      if (cluster_.ask("read") != Fault::kNone) return unavailable("read", "a log");
      return base_->read(max_bytes);
    }

   private:
    FaultyCluster& cluster_;
    std::unique_ptr<LogReader> base_;
  };

  Fault ask(const std::string& act) { return fault ? fault(act) : Fault::kNone; }
  template <class Do>
  Result<> change(const std::string& act, const std::string& uid, const Do& perform) {
    const Fault asked = ask(act);
    if (asked == Fault::kFail) return unavailable(act, uid);
    auto done = perform();
    if (asked == Fault::kLostAnswer) return unavailable(act, uid);
    return done;
  }
  Cluster& base_;
};

}  // namespace logstone::testing
