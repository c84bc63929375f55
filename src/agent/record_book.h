// The one way by which records change: store first, catalogue after, changes of one workflow one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/catalog.h"
#include "model/record.h"
#include "store/object_store.h"

namespace logstone {

/// Thread-safe. `store` and `catalog` outlive it.
class RecordBook {
 public:
  RecordBook(ObjectStore& store, Catalog& catalog);
  ~RecordBook();
  /// The record as the store has it. kNotFound when the catalogue does not know the uid.
  [[nodiscard]] Result<WorkflowRecord> read(const std::string& uid);
  /// Makes the first record of a workflow, unless the store has it already (then that one is returned, unchanged).
  [[nodiscard]] Result<WorkflowRecord> create(WorkflowRecord first);
  /// Reads, lets `change` alter it, raises the generation, writes it durably, then tells the catalogue. Nothing is
  /// written where `change` returned an error (that is returned) or changed nothing.
  [[nodiscard]] Result<WorkflowRecord> update(const std::string& uid,
                                              const std::function<Result<>(WorkflowRecord&)>& change);
  /// Removes the workflow's objects from the store and leaves a tombstone record (state kExpired, audit kept, no
  /// streams). `action` and `actor` and `detail` go into the audit. kConflict while a legal hold is on it.
  [[nodiscard]] Result<> bury(const std::string& uid, const AuditEvent& event);
  /// uids of the workflows that the catalogue knows and that are neither deleted from their cluster nor expired: what
  /// an agent goes on with after a restart, whether the cluster still shows them or not.
  [[nodiscard]] Result<std::vector<std::string>> unfinished();
  /// Fills the catalogue from the store alone; returns how many records it took and how many were damaged.
  struct RebuildCounts {
    std::uint64_t taken = 0;
    std::uint64_t damaged = 0;
  };
  [[nodiscard]] Result<RebuildCounts> rebuild(const std::function<void(std::uint64_t)>& progress);

  /// Tells the catalogue of every record in the store, beside whatever else changes it; damaged ones are logged and
  /// left out. `goes_on` is asked between records: kCancelled when it says no.
  [[nodiscard]] Result<> take_all(const std::function<bool()>& goes_on = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace logstone
