// Takes the logs that Argo archived into the catalogue: by reference, or by copy into segments of our own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/archive_keeper.h"
#include "agent/record_book.h"
#include "archive/log_view.h"
#include "archive/segment_writer.h"
#include "catalog/catalog.h"
#include "model/key_format.h"
#include "store/object_store.h"

namespace logstone::adopt {

/// Argo's bucket. `open` reads an object as a log, whatever it is packed in; only copies need it.
struct AdoptionSource {
  std::shared_ptr<ObjectStore> store;
  std::vector<KeyFormat> key_formats;  ///< The first that fits a key tells whose it is.
  std::string default_namespace;       ///< Of keys that name none; empty: the one that is asked for.
  std::function<Result<std::shared_ptr<LogView>>(const ObjectInfo&, const std::string& container)> open;
};

/// All outlive the adoption.
struct AdoptionParts {
  ObjectStore& archive;
  RecordBook& book;
  Catalog& catalog;
  ArchiveKeeper& keeper;
  const Clock& clock;
};

/// Where a walk goes on: nothing but this is kept between two steps.
struct AdoptionCursor {
  std::size_t prefix = 0;
  std::string after;
};

struct AdoptionOrder {
  std::string name_space;          ///< Only this one; empty: all.
  std::optional<Timestamp> since;  ///< Only objects written at or after.
  bool dry_run = false;            ///< Changes nothing.
  bool copy = false;
  std::string actor;  ///< For the audit.
  AdoptionCursor from;
  std::size_t most = 1000;  ///< Keys that one step looks at: 1 to 1,000.
};

/// What one step did. A log is counted once.
struct AdoptionCounts {
  std::uint64_t objects = 0;     ///< Keys that were looked at.
  std::uint64_t adopted = 0;     ///< Logs taken (in a dry run: that would be).
  std::uint64_t updated = 0;     ///< Adopted before; the object has changed since.
  std::uint64_t unchanged = 0;   ///< Adopted before.
  std::uint64_t ours = 0;        ///< Our own archive has that container's log.
  std::uint64_t unfinished = 0;  ///< Their workflow still runs, or is being archived: they may be adopted after it.
  std::uint64_t removed = 0;     ///< Their workflow's archive expired or was removed here: it stays so.
  std::uint64_t filtered = 0;    ///< Of other namespaces, or too old.
  std::uint64_t foreign = 0;     ///< No logs, or keys that no format gives.
  std::uint64_t unclear = 0;     ///< Logs of which the key does not tell the workflow for certain.
  std::uint64_t failed = 0;      ///< See the problems.
  std::uint64_t bytes = 0;       ///< Of the logs that were taken.
};

struct AdoptedWorkflow {
  WorkflowIdentity id;
  std::uint64_t logs = 0;
};

struct AdoptionStep {
  AdoptionCounts counts;
  std::vector<AdoptedWorkflow> workflows;  ///< That got logs in this step.
  std::vector<std::string> problems;       ///< At most 20.
  std::optional<AdoptionCursor> next;      ///< None: the walk is at its end.
};

/// Thread-safe. Killed at any instant, a walk that begins again repeats nothing and misses nothing: what was adopted
/// stands in the records.
class Adoption {
 public:
  Adoption(AdoptionParts parts, AdoptionSource source) : parts_(parts), source_(std::move(source)) {}
  /// Looks at the next keys and writes the records of their workflows. Errors: the bucket cannot be listed, or our
  /// archive cannot be written; what was done until then stays.
  [[nodiscard]] Result<AdoptionStep> step(const AdoptionOrder& order);

 private:
  AdoptionParts parts_;
  AdoptionSource source_;
};

/// The uid of a workflow of which only logs are left: always the same for a place, namespace, name and creation time;
/// a UUID of version 8, which no cluster gives.
[[nodiscard]] std::string synthetic_uid(const std::string& store, const std::string& name_space,
                                        const std::string& workflow, const std::string& created_text);

}  // namespace logstone::adopt
