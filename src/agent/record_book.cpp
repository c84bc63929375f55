#include "agent/record_book.h"

#include <array>
#include <mutex>
#include <unordered_set>

#include "archive/layout.h"
#include "archive/record_store.h"
#include "base/bytes.h"
#include "base/log.h"
#include "model/record_json.h"

namespace logstone {
namespace {

constexpr std::size_t kStripes = 64;
constexpr std::string_view kRecordName = "record.json";

std::string folder_of(const std::string& record_key) {
  return record_key.substr(0, record_key.size() - kRecordName.size());
}

Error held_error(const std::string& uid, const LegalHold& hold) {
  return Error{ErrorKind::kConflict, "remove the archive of workflow", uid,
               "a legal hold is on it (" + hold.reason + ", by " + hold.actor + ")", "Take the hold away first."};
}

}  // namespace

struct RecordBook::Impl {
  ObjectStore& store;
  Catalog& catalog;
  std::array<std::mutex, kStripes> stripes;
  std::mutex lagging_mutex;
  std::unordered_set<std::string> lagging;  ///< uids whose last change the catalogue could not be told.

  std::mutex& stripe(const std::string& uid) { return stripes[hash64(uid) % kStripes]; }

  Result<std::string> key_of(const std::string& uid) {
    LOGSTONE_ASSIGN(WorkflowSummary known, catalog.get(uid));
    return std::move(known.record_key);
  }

  Result<> tell_catalog(const WorkflowRecord& record, const std::string& key) {
    auto told = catalog.upsert(record, key);
    const std::lock_guard lock(lagging_mutex);
    if (told) {
      lagging.erase(record.id.uid);
    } else {
      lagging.insert(record.id.uid);
    }
    return told;
  }

  Result<> catch_up(const WorkflowRecord& record, const std::string& key) {
    {
      const std::lock_guard lock(lagging_mutex);
      if (!lagging.contains(record.id.uid)) return {};
    }
    return tell_catalog(record, key);
  }
};

RecordBook::RecordBook(ObjectStore& store, Catalog& catalog) : impl_(new Impl{store, catalog, {}, {}, {}}) {}
RecordBook::~RecordBook() = default;

Result<WorkflowRecord> RecordBook::read(const std::string& uid) {
  LOGSTONE_ASSIGN(const std::string key, impl_->key_of(uid));
  return read_record(impl_->store, key);
}

Result<WorkflowRecord> RecordBook::create(WorkflowRecord first) {
  const std::lock_guard lock(impl_->stripe(first.id.uid));
  const std::string key = record_key(first.id, first.created);
  auto stored = read_record(impl_->store, key);
  if (!stored) {
    if (stored.error().kind != ErrorKind::kNotFound) return stored;
    first.generation = 1;
    LOGSTONE_TRY(write_record(impl_->store, first));
    stored = std::move(first);
  }
  // Also when it was there: a process that was killed between the two writes left the catalogue behind.
  LOGSTONE_TRY(impl_->tell_catalog(*stored, key));
  return stored;
}

Result<WorkflowRecord> RecordBook::update(const std::string& uid,
                                          const std::function<Result<>(WorkflowRecord&)>& change) {
  const std::lock_guard lock(impl_->stripe(uid));
  LOGSTONE_ASSIGN(const std::string key, impl_->key_of(uid));
  LOGSTONE_ASSIGN(WorkflowRecord record, read_record(impl_->store, key));
  const std::string before = to_json(record);
  LOGSTONE_TRY(change(record));
  if (to_json(record) == before) {
    LOGSTONE_TRY(impl_->catch_up(record, key));
    return record;
  }
  ++record.generation;
  LOGSTONE_TRY(write_record(impl_->store, record));
  LOGSTONE_TRY(impl_->tell_catalog(record, key));
  return record;
}

Result<> RecordBook::bury(const std::string& uid, const AuditEvent& event) {
  const std::lock_guard lock(impl_->stripe(uid));
  LOGSTONE_ASSIGN(const std::string key, impl_->key_of(uid));
  LOGSTONE_ASSIGN(WorkflowRecord record, read_record(impl_->store, key));
  if (record.hold) return held_error(uid, *record.hold);
  if (record.state != LifecycleState::kExpired) {
    record.state = LifecycleState::kExpired;
    record.streams.clear();
    record.nodes.clear();
    record.annotations.clear();
    record.manifest_json.clear();
    record.message.clear();
    record.problem.clear();
    record.expires.reset();
    record.audit.push_back(event);
    ++record.generation;
    LOGSTONE_TRY(write_record(impl_->store, record));
  }
  // The catalogue is told last: until then whoever asked finds the workflow again and finishes what a kill cut short.
  const std::string folder = folder_of(key);
  LOGSTONE_ASSIGN(const std::vector<ObjectInfo> objects, list_all(impl_->store, folder));
  std::vector<std::string> going;
  for (const ObjectInfo& object : objects) {
    if (object.key != key) going.push_back(object.key);
  }
  LOGSTONE_TRY(impl_->store.remove_many(going));
  return impl_->tell_catalog(record, key);
}

Result<std::vector<std::string>> RecordBook::unfinished() {
  std::vector<std::string> uids;
  for (const LifecycleState state : {LifecycleState::kRunning, LifecycleState::kFinished, LifecycleState::kSealed,
                                     LifecycleState::kVerified, LifecycleState::kReleased}) {
    WorkflowQuery query;
    query.state = state;
    query.limit = 1000;
    do {
      LOGSTONE_ASSIGN(const WorkflowPage page, impl_->catalog.list(query));
      for (const WorkflowSummary& workflow : page.workflows) uids.push_back(workflow.id.uid);
      query.page_token = page.next_page_token;
    } while (!query.page_token.empty());
  }
  return uids;
}

Result<RecordBook::RebuildCounts> RecordBook::rebuild(const std::function<void(std::uint64_t)>& progress) {
  RebuildCounts counts;
  LOGSTONE_TRY(impl_->catalog.clear());
  const auto take = [&](const WorkflowRecord& record, const std::string& key) -> Result<> {
    LOGSTONE_TRY(impl_->tell_catalog(record, key));
    ++counts.taken;
    if (progress) progress(counts.taken);
    return {};
  };
  LOGSTONE_TRY(for_each_record(impl_->store, take, [&](const std::string&, const Error&) { ++counts.damaged; }));
  return counts;
}

Result<> RecordBook::take_all(const std::function<bool()>& goes_on) {
  const auto take = [&](const WorkflowRecord& record, const std::string& key) -> Result<> {
    if (goes_on && !goes_on()) {
      return Error{ErrorKind::kCancelled, "fill the catalogue", "from the store", "the program ends", ""};
    }
    // An older generation than the catalogue has is left by it.
    return impl_->catalog.upsert(record, key);
  };
  return for_each_record(impl_->store, take, [&](const std::string& key, const Error& error) {
    log_warning("a record is damaged and not in the catalogue", {{"key", key}, {"error", error.message()}});
  });
}

}  // namespace logstone
