#include "adopt/adoption.h"

#include <algorithm>
#include <map>

#include "adopt/key_identity.h"
#include "adopt/log_copy.h"
#include "base/bytes.h"
#include "model/argo_names.h"

namespace logstone::adopt {
namespace {

constexpr std::size_t kMostProblems = 20;
constexpr const char* kCluster = "argo";
constexpr const char* kUnknownNamespace = "unknown";

/// An object and whose log it is.
struct FoundLogObject {
  ObjectInfo object;
  KeyIdentity identity;
};

/// A uid as it may stand in keys of ours.
bool is_plain_uid(std::string_view uid) {
  return !uid.empty() && uid.size() <= 64 && std::all_of(uid.begin(), uid.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

/// `told` is a day's begin where a key tells no more than the day.
bool may_be_created(Timestamp told, Timestamp created) {
  const auto day = std::chrono::floor<std::chrono::days>(told);
  if (told == day) return day == std::chrono::floor<std::chrono::days>(created);
  return std::chrono::floor<std::chrono::seconds>(created) == std::chrono::floor<std::chrono::seconds>(told);
}

class Step {
 public:
  Step(AdoptionParts& parts, AdoptionSource& source, const AdoptionOrder& order)
      : parts_(parts), source_(source), order_(order) {}

  Result<AdoptionStep> run() {
    if (source_.key_formats.empty()) {
      return Error{ErrorKind::kInvalidInput, "adopt", source_.store->description(), "no key format is set",
                   "Set key_formats to what Argo's keyFormat is."};
    }
    if (!order_.name_space.empty()) known_["workflow.namespace"] = order_.name_space;
    const auto prefixes = listing_prefixes(source_.key_formats, known_);
    if (order_.from.prefix >= prefixes.size()) return std::move(step_);
    LOGSTONE_ASSIGN(const ObjectPage page, source_.store->list(prefixes[order_.from.prefix], order_.from.after,
                                                               std::clamp<std::size_t>(order_.most, 1, 1000)));
    for (const ObjectInfo& object : page.objects) sort(object);
    for (auto& [group, logs] : groups_) LOGSTONE_TRY(take(logs));
    if (page.more && !page.objects.empty()) {
      step_.next = AdoptionCursor{order_.from.prefix, page.objects.back().key};
    } else if (order_.from.prefix + 1 < prefixes.size()) {
      step_.next = AdoptionCursor{order_.from.prefix + 1, ""};
    }
    return std::move(step_);
  }

 private:
  void problem(const std::string& text) {
    if (step_.problems.size() < kMostProblems) step_.problems.push_back(text);
  }

  /// Puts an object to those of its workflow.
  void sort(const ObjectInfo& object) {
    ++step_.counts.objects;
    auto identities = identities_of(object.key, source_.key_formats, known_);
    if (identities.empty()) {
      ++step_.counts.foreign;
      return;
    }
    if (order_.since && object.modified < *order_.since) {
      ++step_.counts.filtered;
      return;
    }
    auto identity = choose(std::move(identities));
    if (!identity) {
      ++step_.counts.unclear;
      return;
    }
    if (identity->name_space.empty()) {
      // Where all such keys are one namespace's, asking for another must not adopt them as that one's, too.
      identity->name_space = !source_.default_namespace.empty() ? source_.default_namespace
                             : !order_.name_space.empty()       ? order_.name_space
                                                                : kUnknownNamespace;
      if (!order_.name_space.empty() && identity->name_space != order_.name_space) {
        ++step_.counts.filtered;
        return;
      }
    }
    const std::string group = identity->name_space + '\n' + identity->workflow + '\n' + identity->workflow_uid + '\n' +
                              identity->created_text;
    groups_[group].push_back({object, *std::move(identity)});
  }

  /// Of several readings of a key, the one whose workflow is known; where the key names no workflow, the one that the
  /// catalogue has and the pod's name allows, else the likeliest.
  std::optional<KeyIdentity> choose(std::vector<KeyIdentity> identities) {
    std::vector<KeyIdentity> named;
    const bool guessed = identities.size() == 1 && identities.front().workflow.empty();
    for (KeyIdentity& identity : identities) {
      if (identity.pod.empty()) {
        named.push_back(identity);  // Not all readings were found.
      } else if (!identity.workflow.empty()) {
        named.push_back(std::move(identity));
      } else {
        for (const std::string& name : argo_workflow_candidates(identity.pod)) {
          KeyIdentity one = identity;
          one.workflow = name;
          named.push_back(std::move(one));
        }
      }
    }
    if (named.size() == 1 && !named.front().pod.empty()) return std::move(named.front());
    std::optional<KeyIdentity> only;
    for (KeyIdentity& identity : named) {
      if (identity.pod.empty() || workflows_named(identity).empty()) continue;
      if (only) return std::nullopt;
      only = std::move(identity);
    }
    // The key names the pod alone, and nobody knows its workflow: the log is the pod's whatever its workflow is called.
    if (!only && guessed && !named.front().pod.empty()) only = std::move(named.front());
    return only;
  }

  /// What the catalogue has of that name (and namespace, where it is known).
  const std::vector<WorkflowSummary>& workflows_named(const KeyIdentity& identity) {
    const std::string id = identity.name_space + '\n' + identity.workflow;
    if (const auto known = named_.find(id); known != named_.end()) return known->second;
    std::vector<WorkflowSummary>& found = named_[id];
    WorkflowQuery query;
    query.name_space = identity.name_space == kUnknownNamespace ? "" : identity.name_space;
    query.name_prefix = identity.workflow;
    query.include_expired = true;
    query.limit = 1000;
    do {
      auto page = parts_.catalog.list(query);
      if (!page) break;
      for (WorkflowSummary& summary : page->workflows) {
        if (summary.id.name == identity.workflow) found.push_back(std::move(summary));
      }
      query.page_token = page->next_page_token;
    } while (!query.page_token.empty() && found.size() < 100);
    return found;
  }

  /// The workflow of a key as the catalogue has it, else as only its logs tell.
  WorkflowIdentity workflow_of(const KeyIdentity& identity, Timestamp written) {
    const std::string uid = is_plain_uid(identity.workflow_uid)
                                ? identity.workflow_uid
                                : synthetic_uid(source_.store->description(), identity.name_space, identity.workflow,
                                                identity.created_text);
    const WorkflowSummary* best = nullptr;
    for (const WorkflowSummary& summary : workflows_named(identity)) {
      if (summary.id.uid == uid) return summary.id;
      if (is_plain_uid(identity.workflow_uid)) continue;
      // A log is written after its workflow was made; what the key tells of the day has to fit as well.
      const bool fits = identity.created
                            ? may_be_created(*identity.created, summary.created)
                            : summary.created <= written &&
                                  (!summary.finished || written <= *summary.finished + std::chrono::hours(1));
      if (fits && (best == nullptr || best->created < summary.created)) best = &summary;
    }
    if (best != nullptr) return best->id;
    return {kCluster, identity.name_space, identity.workflow, uid};
  }

  Result<> take(std::vector<FoundLogObject>& logs) {
    const auto by_time = [](const FoundLogObject& a, const FoundLogObject& b) {
      return a.object.modified < b.object.modified;
    };
    const Timestamp first = std::min_element(logs.begin(), logs.end(), by_time)->object.modified;
    const Timestamp last = std::max_element(logs.begin(), logs.end(), by_time)->object.modified;
    const KeyIdentity& identity = logs.front().identity;
    WorkflowRecord fresh;
    fresh.id = workflow_of(identity, last);
    fresh.created = identity.created.value_or(first);
    const bool is_known = parts_.catalog.get(fresh.id.uid).has_value();
    if (is_known) {
      auto record = parts_.book.read(fresh.id.uid);
      if (!record) {
        step_.counts.failed += logs.size();
        problem(record.error().message());
        return {};
      }
      return add_to(*record, logs, last);
    }
    fresh.state = LifecycleState::kDeleted;
    fresh.phase = Phase::kUnknown;
    fresh.message = "adopted from Argo's archive: only its logs are known";
    fresh.finished = last;
    fresh.deleted = parts_.clock.now();
    return add_to(fresh, logs, last);
  }

  Result<> add_to(const WorkflowRecord& known, std::vector<FoundLogObject>& logs, Timestamp last) {
    if (known.state == LifecycleState::kExpired) {
      step_.counts.removed += logs.size();
      return {};
    }
    if (known.state != LifecycleState::kDeleted) {
      step_.counts.unfinished += logs.size();
      return {};
    }
    std::vector<StreamRecord> taken;
    std::uint64_t bytes = 0;
    for (const FoundLogObject& log : logs) {
      if (auto stream = take_one(known, log)) {
        bytes += stream->bytes;
        taken.push_back(*std::move(stream));
      }
    }
    if (taken.empty()) return {};
    step_.counts.bytes += bytes;
    step_.workflows.push_back({known.id, taken.size()});
    if (order_.dry_run) return {};
    return write(known, std::move(taken), last);
  }

  /// The stream as the record shall have it; none where there is nothing to do.
  std::optional<StreamRecord> take_one(const WorkflowRecord& known, const FoundLogObject& log) {
    const std::string& store = source_.store->description();
    const StreamRecord* before = nullptr;
    for (const StreamRecord& stream : known.streams) {
      if (stream.id.pod_name != log.identity.pod || stream.id.container != log.identity.container) continue;
      if (!stream.external) {
        ++step_.counts.ours;
        return std::nullopt;
      }
      before = &stream;
    }
    ExternalObject external{store, log.object.key, log.object.size, log.object.modified};
    if (before != nullptr) {
      const bool same = *before->external == external;
      if (same && (!order_.copy || !before->by_reference())) {
        ++step_.counts.unchanged;
        return std::nullopt;
      }
      // One log under two keys (an older key format, the same log packed): the first that was taken stays.
      if (before->external->key != external.key || before->external->store != external.store) {
        ++step_.counts.unchanged;
        return std::nullopt;
      }
    }
    StreamRecord stream;
    stream.id = before != nullptr ? before->id
                                  : StreamIdentity{log.identity.pod, log.identity.pod, "", log.identity.container, 0};
    stream.complete = true;
    stream.bytes = log.object.size;
    if (order_.copy && !order_.dry_run) {
      auto copied = copy(known, log, stream.id);
      if (!copied) {
        ++step_.counts.failed;
        problem(log.object.key + ": " + copied.error().message());
        return std::nullopt;
      }
      stream = *std::move(copied);
    }
    stream.end_reason = "archived by Argo";
    stream.external = std::move(external);
    ++(before != nullptr ? step_.counts.updated : step_.counts.adopted);
    return stream;
  }

  Result<StreamRecord> copy(const WorkflowRecord& known, const FoundLogObject& log, const StreamIdentity& stream) {
    LOGSTONE_ASSIGN(const auto view, source_.open(log.object, log.identity.container));
    return copy_log(*view, {parts_.archive, {}, known.id, known.created}, stream, log.object.modified);
  }

  Result<> write(const WorkflowRecord& known, std::vector<StreamRecord> taken, Timestamp last) {
    std::uint64_t bytes = 0;
    for (const StreamRecord& stream : taken) bytes += stream.bytes;
    const AuditEvent event{parts_.clock.now(), order_.actor, "adopted",
                           std::to_string(taken.size()) + (taken.size() == 1 ? " log" : " logs") +
                               (order_.copy ? " copied from " : " by reference to ") + source_.store->description()};
    if (known.generation == 0) {
      WorkflowRecord first = known;
      first.streams = taken;
      first.expires = parts_.keeper.expiry(first);
      first.audit.push_back(event);
      LOGSTONE_ASSIGN(const WorkflowRecord made, parts_.book.create(std::move(first)));
      // It was there already: a process that was killed had written it, and the catalogue was not told.
      if (made.generation == 1 && made.streams == taken) return {};
    }
    return update(known.id.uid, std::move(taken), event, last);
  }

  Result<> update(const std::string& uid, std::vector<StreamRecord> taken, const AuditEvent& event, Timestamp last) {
    auto done = parts_.book.update(uid, [&](WorkflowRecord& record) -> Result<> {
      if (record.state != LifecycleState::kDeleted) return {};
      bool changed = false;
      for (StreamRecord& stream : taken) {
        const auto same = std::find_if(record.streams.begin(), record.streams.end(), [&](const StreamRecord& one) {
          return one.id.pod_name == stream.id.pod_name && one.id.container == stream.id.container;
        });
        if (same == record.streams.end()) {
          record.streams.push_back(stream);
        } else if (same->external && *same != stream) {
          *same = stream;
        } else {
          continue;
        }
        changed = true;
      }
      if (!changed) return {};
      // Of a workflow that only its logs tell of, the last log is the end.
      if (record.phase == Phase::kUnknown) record.finished = std::max(record.finished.value_or(last), last);
      record.expires = parts_.keeper.expiry(record);
      record.audit.push_back(event);
      return {};
    });
    if (!done) return std::move(done).error();
    return {};
  }

  AdoptionParts& parts_;
  AdoptionSource& source_;
  const AdoptionOrder& order_;
  TagValues known_;
  AdoptionStep step_;
  std::map<std::string, std::vector<FoundLogObject>> groups_;
  std::map<std::string, std::vector<WorkflowSummary>> named_;
};

}  // namespace

Result<AdoptionStep> Adoption::step(const AdoptionOrder& order) { return Step(parts_, source_, order).run(); }

std::string synthetic_uid(const std::string& store, const std::string& name_space, const std::string& workflow,
                          const std::string& created_text) {
  std::string hex = Digest::hex_of("adopted\n" + store + '\n' + name_space + '\n' + workflow + '\n' + created_text);
  hex[12] = '8';
  hex[16] = "89ab"[static_cast<unsigned char>(hex[16]) % 4];
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' + hex.substr(16, 4) + '-' +
         hex.substr(20);
}

}  // namespace logstone::adopt
