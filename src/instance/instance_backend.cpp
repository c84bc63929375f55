#include "instance/instance_backend.h"

#include <algorithm>
#include <map>

#include "archive/layout.h"
#include "archive/record_store.h"
#include "base/log.h"

namespace logstone {
namespace {

constexpr const char* kRunIdLabel = "pipeline/runid";
constexpr std::size_t kMostCandidates = 11;  ///< Of an ambiguous name: ten are told, one more says that there are more.

/// Streams of a workflow that no record lists yet, found by their segments.
Result<std::vector<StreamRecord>> streams_in_store(ObjectStore& store, const std::string& prefix) {
  LOGSTONE_ASSIGN(const std::vector<ObjectInfo> objects, list_all(store, prefix + "segments/"));
  std::map<std::string, const ObjectInfo*> one_of_each;
  for (const auto& object : objects) {
    if (parse_segment_key(object.key)) one_of_each[object.key.substr(0, object.key.rfind('/'))] = &object;
  }
  std::vector<StreamRecord> streams;
  for (const auto& [folder, object] : one_of_each) {
    auto segment = SegmentReader::open(store, object->key, object->size);
    if (!segment) {
      log_warning("a segment cannot be read", {{"key", object->key}, {"reason", segment.error().message()}});
      continue;
    }
    LOGSTONE_ASSIGN(StreamRecord stream, read_stream_from_store(store, prefix, (*segment)->place().stream));
    streams.push_back(std::move(stream));
  }
  return streams;
}

void merge(std::vector<StreamRecord>& into, std::vector<StreamRecord> live) {
  for (auto& stream : live) {
    const auto same = std::find_if(into.begin(), into.end(), [&](const auto& known) { return known.id == stream.id; });
    if (same == into.end()) {
      into.push_back(std::move(stream));
    } else if (!same->complete) {
      *same = std::move(stream);
    }
  }
}

/// What the KFP UI means when it names no container.
const StreamRecord* choose_stream(const std::vector<const StreamRecord*>& of_pod, const PodLogQuery& query,
                                  const std::string& usual) {
  std::string container = query.container;
  if (container.empty()) {
    const bool has_usual = std::any_of(of_pod.begin(), of_pod.end(),
                                       [&](const StreamRecord* stream) { return stream->id.container == usual; });
    container = has_usual ? usual : of_pod.front()->id.container;
  }
  const StreamRecord* best = nullptr;
  for (const StreamRecord* stream : of_pod) {
    if (stream->id.container != container) continue;
    if (query.restart && stream->id.restart != *query.restart) continue;
    if (best == nullptr || stream->id.restart > best->id.restart) best = stream;
  }
  return best;
}

bool may_be_run(const Labels& labels, const WorkflowIdentity& id, const std::string& run_id) {
  if (run_id.empty()) return true;
  const auto label = labels.find(kRunIdLabel);
  // Plain Argo workflows carry no run id; their pod's name, which is unique enough, has to do.
  return label == labels.end() || label->second == run_id || id.uid == run_id;
}

std::string candidates_text(const std::vector<WorkflowSummary>& workflows) {
  std::string text;
  for (std::size_t i = 0; i < workflows.size() && i + 1 < kMostCandidates; ++i) {
    const auto& id = workflows[i].id;
    text += (text.empty() ? "" : ", ") + id.name_space + "/" + id.name + " (" + id.uid + ")";
  }
  return text + (workflows.size() >= kMostCandidates ? ", ..." : "");
}

}  // namespace

Result<WorkflowPage> InstanceBackend::list(const WorkflowQuery& query) { return parts_.catalog.list(query); }

Result<WorkflowRecord> InstanceBackend::record(const std::string& uid) {
  // The agent is asked first: a stream that is sealed before the record is read is in the record, none is in neither.
  std::vector<StreamRecord> live;
  if (parts_.agent != nullptr) live = parts_.agent->live_streams(uid);
  LOGSTONE_ASSIGN(WorkflowRecord record, parts_.book.read(uid));
  if (record.state != LifecycleState::kRunning && record.state != LifecycleState::kFinished) return record;
  if (parts_.agent == nullptr) {
    LOGSTONE_ASSIGN(live, streams_in_store(parts_.store, workflow_prefix(record.id, record.created)));
  }
  merge(record.streams, std::move(live));
  return record;
}

Result<WorkflowSummary> InstanceBackend::resolve(const std::string& workflow) {
  const Error not_found{ErrorKind::kNotFound, "find workflow", workflow, "no workflow has that name or uid",
                        "`logstone ls` lists what there is"};
  // An empty part would be a prefix of everything: a script's unset variable must not name somebody's only workflow.
  if (workflow.empty() || workflow.front() == '/' || workflow.back() == '/') {
    return Error{ErrorKind::kInvalidInput, "find workflow", "\"" + workflow + "\"", "a part of its name is empty",
                 "give a name, namespace/name, a uid, a unique prefix or @latest"};
  }
  WorkflowQuery query;
  query.include_expired = true;
  if (workflow == "@latest") {
    query.include_expired = false;
    query.limit = 1;
    LOGSTONE_ASSIGN(WorkflowPage page, parts_.catalog.list(query));
    if (page.workflows.empty()) return not_found;
    return std::move(page.workflows.front());
  }
  if (auto by_uid = parts_.catalog.get(workflow); by_uid || by_uid.error().kind != ErrorKind::kNotFound) return by_uid;
  const std::size_t slash = workflow.find('/');
  if (slash != std::string::npos) query.name_space = workflow.substr(0, slash);
  const std::string name = slash == std::string::npos ? workflow : workflow.substr(slash + 1);
  query.name_prefix = name;
  query.limit = 1000;
  std::vector<WorkflowSummary> found;
  do {
    LOGSTONE_ASSIGN(WorkflowPage page, parts_.catalog.list(query));
    // Newest first: of several with exactly this name, the last run is meant.
    for (auto& summary : page.workflows) {
      if (summary.id.name == name) return std::move(summary);
      if (found.size() < kMostCandidates) found.push_back(std::move(summary));
    }
    query.page_token = page.next_page_token;
  } while (!query.page_token.empty());
  if (slash == std::string::npos) {
    query.name_prefix.clear();
    query.limit = kMostCandidates;
    query.uid_prefix = name;
    LOGSTONE_ASSIGN(WorkflowPage by_uid_prefix, parts_.catalog.list(query));
    for (auto& summary : by_uid_prefix.workflows) found.push_back(std::move(summary));
  }
  if (found.empty()) return not_found;
  if (found.size() > 1) {
    return Error{ErrorKind::kInvalidInput, "find workflow", workflow, "several fit: " + candidates_text(found),
                 "give more of the name, or the uid"};
  }
  return std::move(found.front());
}

Result<std::shared_ptr<LogView>> InstanceBackend::open_stream(const WorkflowIdentity& workflow,
                                                              const StreamRecord& stream) {
  if (stream.by_reference()) {
    if (parts_.adopted != nullptr) return parts_.adopted->open(stream);
    return Error{ErrorKind::kNotFound, "open adopted log", stream.external->store + '/' + stream.external->key,
                 "Argo's bucket is not configured here", "Set argo_store to it."};
  }
  if (parts_.agent != nullptr) {
    // Until its workflow is sealed a stream is with the agent, complete or not.
    if (auto live = parts_.agent->live_log(workflow.uid, stream.id)) return live;
    if (!stream.complete || stream.segments.empty()) {
      // It was sealed between the two looks: the record has it whole now.
      LOGSTONE_ASSIGN(const WorkflowRecord record, parts_.book.read(workflow.uid));
      for (const auto& known : record.streams) {
        if (known.id == stream.id) return open_archived_log(parts_.store, parts_.cache, known);
      }
    }
  }
  return open_archived_log(parts_.store, parts_.cache, stream);
}

Result<std::shared_ptr<LogView>> InstanceBackend::open_log(const std::string& uid, const std::string& stream_key) {
  LOGSTONE_ASSIGN(const WorkflowRecord workflow, record(uid));
  for (const auto& stream : workflow.streams) {
    if (stream.id.key() == stream_key) return open_stream(workflow.id, stream);
  }
  const bool removed = workflow.state == LifecycleState::kExpired;
  return Error{ErrorKind::kNotFound, "open log", workflow.id.name + "/" + stream_key,
               removed ? "the workflow's archive has expired or was removed" : "the workflow has no such stream",
               "`logstone get " + workflow.id.name + "` lists its streams and what happened to it"};
}

Result<FoundLog> InstanceBackend::find_pod_log(const PodLogQuery& query) {
  std::vector<std::string> uids;
  LOGSTONE_ASSIGN(const auto archived, parts_.catalog.find_pod(query.name_space, query.pod_name));
  for (const auto& place : archived) {
    if (std::find(uids.begin(), uids.end(), place.workflow.uid) == uids.end()) uids.push_back(place.workflow.uid);
  }
  // Workflows that run have their streams in no record yet.
  for (const auto state : {LifecycleState::kRunning, LifecycleState::kFinished}) {
    WorkflowQuery running;
    running.name_space = query.name_space;
    running.state = state;
    running.limit = 1000;
    do {
      LOGSTONE_ASSIGN(const WorkflowPage page, parts_.catalog.list(running));
      for (const auto& summary : page.workflows) uids.push_back(summary.id.uid);
      running.page_token = page.next_page_token;
    } while (!running.page_token.empty());
  }
  const std::string tried = parts_.agent != nullptr ? "our archive: the catalogue, the running workflows"
                                                    : "our archive: the catalogue, the unfinished workflows' segments";
  std::string almost;
  for (const auto& uid : uids) {
    auto found = record(uid);
    if (!found) {
      // Removed meanwhile, or damaged: the others may still have it.
      if (found.error().kind == ErrorKind::kCorrupt) almost = "; " + found.error().message();
      continue;
    }
    const WorkflowRecord& workflow = *found;
    std::vector<const StreamRecord*> of_pod;
    for (const auto& stream : workflow.streams) {
      if (stream.id.pod_name == query.pod_name || stream.id.pod_uid == query.pod_name) of_pod.push_back(&stream);
    }
    if (of_pod.empty()) continue;
    if (!may_be_run(workflow.labels, workflow.id, query.run_id)) {
      almost = "; a pod of that name belongs to another run";
      continue;
    }
    // Two lives of a pod have one name: the later one is meant.
    const std::string newest_uid = of_pod.back()->id.pod_uid;
    std::erase_if(of_pod, [&](const StreamRecord* stream) { return stream->id.pod_uid != newest_uid; });
    const StreamRecord* stream = choose_stream(of_pod, query, parts_.default_container);
    if (stream == nullptr) {
      almost = "; the pod has no container \"" + query.container + "\" in that attempt, it has";
      for (const auto* other : of_pod) almost += " " + other->id.container + ":" + std::to_string(other->id.restart);
      continue;
    }
    LOGSTONE_ASSIGN(auto log, open_stream(workflow.id, *stream));
    return FoundLog{std::move(log), workflow.id, stream->id, stream->complete ? "archive" : "live"};
  }
  return find_argo_log(query, tried + ": no such pod" + almost);
}

Result<FoundLog> InstanceBackend::find_argo_log(const PodLogQuery& query, std::string tried) {
  Error not_found{ErrorKind::kNotFound, "find log of pod",
                  (query.name_space.empty() ? "" : query.name_space + "/") + query.pod_name,
                  "not found; tried:\n" + std::move(tried),
                  "check the pod's name, its namespace and, where it is given, the day of its workflow"};
  if (!query.everywhere) return not_found;
  if (parts_.argo == nullptr || !parts_.argo->configured()) {
    not_found.reason += "\nwhere Argo archived logs: not configured";
    not_found.advice += "; set argo_store to the bucket where Argo archives logs (docs/argo-logs.md)";
    return not_found;
  }
  argo::FinderAnswer answer =
      parts_.argo->find({query.name_space, query.pod_name, query.run_id, query.container, query.created});
  if (answer.found) {
    FoundLog found;
    found.log = std::move(answer.found->log);
    found.workflow = std::move(answer.found->workflow);
    found.stream.pod_name = query.pod_name;
    found.stream.container = std::move(answer.found->container);
    found.place = std::move(answer.found->how);
    found.object = std::move(answer.found->object);
    return found;
  }
  for (auto& place : answer.tried) {
    std::string line = place.place + ": " + place.outcome;
    std::replace(line.begin(), line.end(), '\n', ' ');
    not_found.reason += "\n" + line;
  }
  if (answer.refused) {
    const std::size_t places = not_found.reason.find('\n');
    not_found.kind = answer.refused->kind;
    not_found.reason = answer.refused->reason + not_found.reason.substr(places);
    not_found.advice = answer.refused->advice;
  }
  return not_found;
}

Result<std::vector<std::pair<std::string, std::string>>> InstanceBackend::verify(const std::string& uid) {
  LOGSTONE_ASSIGN(const WorkflowRecord record, parts_.book.read(uid));
  LOGSTONE_ASSIGN(const std::vector<Damage> damage, verify_record(parts_.store, record));
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& one : damage) out.emplace_back(one.key, one.what);
  for (const StreamRecord& stream : record.streams) {
    if (!stream.by_reference() || parts_.adopted == nullptr) continue;
    LOGSTONE_ASSIGN(auto wrong, parts_.adopted->check(*stream.external));
    if (wrong) out.emplace_back(stream.external->store + '/' + stream.external->key, *std::move(wrong));
  }
  return out;
}

Result<AdoptionAnswer> InstanceBackend::adopt(const AdoptionQuery& query) {
  if (parts_.adopted != nullptr) return parts_.adopted->adopt(query);
  return Error{ErrorKind::kInvalidInput, "adopt", "", "Argo's bucket is not configured",
               "Set argo_store and key_formats (docs/argo-logs.md)."};
}

Result<WorkflowRecord> InstanceBackend::hold(const std::string& uid, const std::string& reason,
                                             const std::string& actor) {
  return parts_.keeper.hold(uid, reason, actor);
}

Result<WorkflowRecord> InstanceBackend::unhold(const std::string& uid, const std::string& reason,
                                               const std::string& actor) {
  return parts_.keeper.unhold(uid, reason, actor);
}

Result<WorkflowRecord> InstanceBackend::retain(const std::string& uid, std::optional<Nanoseconds> keep,
                                               const std::string& reason, const std::string& actor) {
  return parts_.keeper.retain(uid, keep, reason, actor);
}

Result<> InstanceBackend::remove(const std::string& uid, const std::string& reason, const std::string& actor) {
  return parts_.keeper.remove(uid, reason, actor);
}

Result<AuditPage> InstanceBackend::audit(const AuditQuery& query) { return parts_.catalog.audit(query); }

std::vector<Metric> InstanceBackend::metrics() {
  const auto number = [](auto n) { return static_cast<double>(n); };
  std::vector<Metric> all;
  if (parts_.s3_metrics != nullptr) {
    const S3Metrics& s3 = *parts_.s3_metrics;
    all = {
        {"logstone_s3_requests_total", "Requests to the S3 store, repetitions included.", true,
         number(s3.requests.load())},
        {"logstone_s3_retries_total", "Requests that were sent again because one before failed.", true,
         number(s3.retries.load())},
        {"logstone_s3_failures_total", "Calls to the S3 store that failed for good.", true, number(s3.failures.load())},
        {"logstone_s3_corrupt_answers_total", "Answers whose bytes were not what the store says they are.", true,
         number(s3.corrupt_answers.load())},
        {"logstone_s3_sent_bytes_total", "Bytes of objects sent to the S3 store.", true, number(s3.bytes_sent.load())},
        {"logstone_s3_received_bytes_total", "Bytes received from the S3 store.", true,
         number(s3.bytes_received.load())},
        {"logstone_s3_up", "Whether the last call to the S3 store was answered.", false, s3.away ? 0.0 : 1.0},
    };
  }
  if (parts_.agent == nullptr) return all;
  const AgentMetrics m = parts_.agent->metrics();
  const std::vector<Metric> of_agent = {
      {"logstone_captured_bytes_total", "Raw log bytes captured.", true, number(m.bytes_captured)},
      {"logstone_captured_lines_total", "Log lines captured.", true, number(m.lines_captured)},
      {"logstone_segments_written_total", "Segments made durable.", true, number(m.segments_written)},
      {"logstone_segment_bytes_written_total", "Bytes of segments made durable.", true,
       number(m.segment_bytes_written)},
      {"logstone_store_failures_total", "Calls to the store that failed.", true, number(m.store_failures)},
      {"logstone_workflows_sealed_total", "Workflows whose streams are complete and durable.", true,
       number(m.workflows_sealed)},
      {"logstone_workflows_verified_total", "Workflows whose archive was read back and compared.", true,
       number(m.workflows_verified)},
      {"logstone_verification_failures_total", "Verifications that found a difference.", true,
       number(m.verification_failures)},
      {"logstone_workflows_released_total", "Workflows that the cluster may delete.", true,
       number(m.workflows_released)},
      {"logstone_workflows_expired_total", "Archives removed because their retention was over.", true,
       number(m.workflows_expired)},
      {"logstone_workflows_published_total", "Workflows whose logs were also written at Argo's keys.", true,
       number(m.workflows_published)},
      {"logstone_publish_failures_total", "Tries to write logs at Argo's keys that failed.", true,
       number(m.publish_failures)},
      {"logstone_gaps_total", "Places where log bytes were lost before they could be read.", true, number(m.gaps)},
      {"logstone_streams_capturing", "Streams being captured now.", false, number(m.streams_now)},
      {"logstone_pending_bytes", "Bytes captured that are not durable yet.", false, number(m.pending_bytes_now)},
      {"logstone_oldest_pending_seconds", "Age of the oldest byte that is not durable yet.", false,
       number(m.oldest_pending_now.count()) / 1e9},
  };
  all.insert(all.end(), of_agent.begin(), of_agent.end());
  return all;
}

Result<> InstanceBackend::ready() {
  WorkflowQuery query;
  query.limit = 1;
  if (auto page = parts_.catalog.list(query); !page) return std::move(page).error();
  ObjectStore& store = parts_.probe != nullptr ? *parts_.probe : parts_.store;
  if (auto objects = store.list(std::string(kWorkflowsPrefix), {}, 1); !objects) {
    return std::move(objects).error();
  }
  return {};
}

}  // namespace logstone
