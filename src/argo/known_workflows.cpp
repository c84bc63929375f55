#include "argo/known_workflows.h"

#include <algorithm>

#include "model/argo_names.h"
#include "model/key_values.h"

namespace logstone::argo {
namespace {

constexpr const char* kRunIdLabel = "pipeline/runid";
constexpr std::size_t kMostNames = 40;  ///< Of one pod's candidates: each costs a request a key format.

std::string full_name(const WorkflowIdentity& id) {
  return id.name_space + "/" + id.name + (id.uid.empty() ? "" : " (" + id.uid + ")");
}

bool has_pod(const KnownWorkflow& known, const std::string& pod) {
  const auto& record = known.record;
  return std::any_of(record.streams.begin(), record.streams.end(),
                     [&](const StreamRecord& stream) { return stream.id.pod_name == pod; }) ||
         std::any_of(record.nodes.begin(), record.nodes.end(),
                     [&](const Node& node) {
                       if (!node.pod_name.empty()) return node.pod_name == pod;
                       return node.type == "Pod" &&
                              (node.id == pod || argo_pod_name(record.id.name, node.name, node.template_name) == pod);
                     }) ||
         std::find(known.locations.pod_names.begin(), known.locations.pod_names.end(), pod) !=
             known.locations.pod_names.end();
}

enum class RunFit { kUnknown, kSame, kOther };
RunFit fit_run(const WorkflowRecord& record, const std::string& run_id) {
  if (run_id.empty()) return RunFit::kUnknown;
  if (record.id.uid == run_id) return RunFit::kSame;
  const auto label = record.labels.find(kRunIdLabel);
  if (label == record.labels.end()) return RunFit::kUnknown;
  return label->second == run_id ? RunFit::kSame : RunFit::kOther;
}

/// A run and its workflow may be made on two sides of midnight.
bool fits_day(const WorkflowRecord& record, const PodRequest& request) {
  if (!request.created || record.created == Timestamp{}) return true;
  const auto day = std::chrono::floor<std::chrono::days>(record.created);
  const auto apart = day - std::chrono::sys_days(*request.created);
  return apart >= std::chrono::days(-1) && apart <= std::chrono::days(1);
}

void set_request(TagValues& values, const PodRequest& request, const FinderSettings& settings) {
  values.insert_or_assign("pod.name", request.pod_name);
  const std::string& name_space = request.name_space.empty() ? settings.default_namespace : request.name_space;
  if (!name_space.empty()) values.emplace("workflow.namespace", name_space);
  if (!request.run_id.empty()) values.emplace(std::string("workflow.labels.") + kRunIdLabel, request.run_id);
  if (request.created && !values.contains("workflow.creationTimestamp.Y")) set_creation_day(values, *request.created);
}

}  // namespace

KnownWorkflows sort_workflows(WorkflowSource* source, const PodRequest& request, const FinderSettings& settings) {
  KnownWorkflows out;
  std::vector<std::string> names = argo_workflow_candidates(request.pod_name);
  if (names.size() > kMostNames) names.resize(kMostNames);
  std::vector<WorkflowRecord> records;
  const std::string catalogue = "the catalogue, for the workflow";
  if (source != nullptr) {
    auto found = source->find_workflows(request, names);
    if (found) {
      records = *std::move(found);
      if (records.empty()) out.remarks.push_back({catalogue, "no workflow of that run or name is known any more"});
    } else {
      out.remarks.push_back({catalogue, found.error().message()});
    }
  }
  for (WorkflowRecord& record : records) {
    KnownWorkflow known;
    known.record = std::move(record);
    const WorkflowIdentity& id = known.record.id;
    if (!may_be_pod_of(request.pod_name, id.name)) continue;
    if (!known.record.manifest_json.empty()) {
      auto locations = read_archived_locations(known.record.manifest_json);
      if (locations) known.locations = *std::move(locations);
      for (const auto& remark : known.locations.remarks) {
        out.remarks.push_back({"the status of workflow " + full_name(id), remark});
      }
      if (!locations) out.remarks.push_back({"the status of workflow " + full_name(id), locations.error().reason});
    }
    const bool holds_pod = has_pod(known, request.pod_name);
    const RunFit run = fit_run(known.record, request.run_id);
    if ((!request.name_space.empty() && id.name_space != request.name_space) || run == RunFit::kOther) {
      if (holds_pod) {
        out.remarks.push_back(
            {"workflow " + full_name(id),
             "it has a pod of that name, but is another " + std::string(run == RunFit::kOther ? "run" : "namespace")});
        out.strangers.push_back(std::move(known.record));
      }
      continue;
    }
    if (run != RunFit::kSame && !fits_day(known.record, request)) {
      if (holds_pod) out.strangers.push_back(std::move(known.record));
      continue;
    }
    known.certain = holds_pod || run == RunFit::kSame;
    out.own.push_back(std::move(known));
  }
  if (std::any_of(out.own.begin(), out.own.end(), [](const auto& known) { return known.certain; })) {
    std::erase_if(out.own, [](const auto& known) { return !known.certain; });
  }
  for (const auto& known : out.own) {
    KeyGuess guess{pod_key_values(known.record, request.pod_name), known.record.id, known.certain};
    set_request(guess.values, request, settings);
    out.guesses.push_back(std::move(guess));
  }
  if (!out.own.empty() && out.own.front().certain) return out;
  for (const std::string& name : names) {
    KeyGuess guess;
    guess.values.emplace("workflow.name", name);
    set_request(guess.values, request, settings);
    guess.workflow.name = name;
    if (const auto ns = guess.values.find("workflow.namespace"); ns != guess.values.end()) {
      guess.workflow.name_space = ns->second;
    }
    out.guesses.push_back(std::move(guess));
  }
  return out;
}

}  // namespace logstone::argo
