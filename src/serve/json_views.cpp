#include "serve/json_views.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/time.h"

namespace logstone::serve {
namespace {

using Json = nlohmann::ordered_json;

/// Messages and names may hold any bytes; what is no UTF-8 is replaced.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

void put(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}
void put(Json& json, const char* name, const std::optional<Timestamp>& time) {
  if (time) json[name] = format_rfc3339_nano(*time);
}
void put(Json& json, const char* name, const std::optional<int>& number) {
  if (number) json[name] = *number;
}

Json labels_json(const Labels& labels) {
  Json json = Json::object();
  for (const auto& [key, value] : labels) json[key] = value;
  return json;
}

Json identity_json(const WorkflowIdentity& id) {
  return {{"cluster", id.cluster}, {"namespace", id.name_space}, {"name", id.name}, {"uid", id.uid}};
}

Json summary_json(const WorkflowSummary& summary) {
  Json json = identity_json(summary.id);
  json["phase"] = to_string(summary.phase);
  json["state"] = to_string(summary.state);
  put(json, "message", summary.message);
  put(json, "problem", summary.problem);
  json["labels"] = labels_json(summary.labels);
  json["created"] = format_rfc3339_nano(summary.created);
  put(json, "started", summary.started);
  put(json, "finished", summary.finished);
  put(json, "expires", summary.expires);
  json["held"] = summary.held;
  json["streams"] = summary.streams;
  json["gaps"] = summary.gaps;
  json["bytes"] = summary.bytes;
  json["objectBytes"] = summary.object_bytes;
  return json;
}

Json node_json(const Node& node) {
  Json json = {{"id", node.id}, {"name", node.name}, {"displayName", node.display_name}, {"type", node.type}};
  put(json, "template", node.template_name);
  json["phase"] = to_string(node.phase);
  put(json, "message", node.message);
  put(json, "boundaryId", node.boundary_id);
  json["children"] = node.children;
  put(json, "podName", node.pod_name);
  put(json, "started", node.started);
  put(json, "finished", node.finished);
  put(json, "exitCode", node.exit_code);
  return json;
}

Json gap_json(const Gap& gap) {
  Json json = {{"offset", gap.offset}};
  if (gap.lost_bytes) json["lostBytes"] = *gap.lost_bytes;
  json["reason"] = gap.reason;
  json["noticed"] = format_rfc3339_nano(gap.noticed);
  return json;
}

Json stream_json(const StreamRecord& stream) {
  std::uint64_t archived = 0;
  std::uint64_t object_bytes = 0;
  for (const SegmentReference& segment : stream.segments) {
    archived = std::max(archived, segment.first_byte + segment.bytes);
    object_bytes += segment.object_bytes;
  }
  Json json = {{"key", stream.id.key()},      {"nodeId", stream.id.node_id},      {"podName", stream.id.pod_name},
               {"podUid", stream.id.pod_uid}, {"container", stream.id.container}, {"restart", stream.id.restart}};
  json["bytes"] = stream.bytes;
  json["lines"] = stream.lines;
  json["complete"] = stream.complete;
  json["place"] = stream.by_reference() ? "argo" : stream.complete && archived >= stream.bytes ? "archive" : "live";
  json["archivedBytes"] = archived;
  json["objectBytes"] = object_bytes;
  put(json, "digest", stream.digest);
  put(json, "endReason", stream.end_reason);
  put(json, "exitCode", stream.exit_code);
  if (stream.external) {
    json["external"] = {{"store", stream.external->store},
                        {"key", stream.external->key},
                        {"size", stream.external->size},
                        {"modified", format_rfc3339_nano(stream.external->modified)}};
  }
  json["gaps"] = Json::array();
  for (const Gap& gap : stream.gaps) json["gaps"].push_back(gap_json(gap));
  return json;
}

Json event_json(const AuditEvent& event) {
  Json json = {{"time", format_rfc3339_nano(event.time)}, {"actor", event.actor}, {"action", event.action}};
  put(json, "detail", event.detail);
  return json;
}

Error bad_body(std::string reason, const std::vector<std::string>& required) {
  std::string wanted;
  for (const std::string& name : required) wanted += (wanted.empty() ? "\"" : ", \"") + name + "\": \"...\"";
  return Error{ErrorKind::kInvalidInput, "read", "the request's body", std::move(reason),
               "Send a JSON object: {" + wanted + "}."};
}

}  // namespace

std::string workflow_page_json(const WorkflowPage& page) {
  Json json = {{"items", Json::array()}};
  for (const WorkflowSummary& summary : page.workflows) json["items"].push_back(summary_json(summary));
  put(json, "nextPage", page.next_page_token);
  return dump(json);
}

std::string workflow_json(const WorkflowRecord& record, bool with_manifest) {
  Json json = identity_json(record.id);
  json["phase"] = to_string(record.phase);
  json["state"] = to_string(record.state);
  json["generation"] = record.generation;
  put(json, "message", record.message);
  put(json, "problem", record.problem);
  json["labels"] = labels_json(record.labels);
  json["annotations"] = labels_json(record.annotations);
  json["created"] = format_rfc3339_nano(record.created);
  put(json, "started", record.started);
  put(json, "finished", record.finished);
  put(json, "verified", record.verified);
  put(json, "deleted", record.deleted);
  put(json, "expires", record.expires);
  if (record.hold) {
    json["hold"] = {{"reason", record.hold->reason},
                    {"actor", record.hold->actor},
                    {"since", format_rfc3339_nano(record.hold->since)}};
  }
  if (record.retention) {
    json["retention"] = {{"keep", record.retention->keep ? format_duration(*record.retention->keep) : "forever"},
                         {"reason", record.retention->reason}};
  }
  json["nodes"] = Json::array();
  for (const Node& node : record.nodes) json["nodes"].push_back(node_json(node));
  json["streams"] = Json::array();
  for (const StreamRecord& stream : record.streams) json["streams"].push_back(stream_json(stream));
  json["audit"] = Json::array();
  for (const AuditEvent& event : record.audit) json["audit"].push_back(event_json(event));
  if (with_manifest) {
    Json manifest = Json::parse(record.manifest_json, nullptr, false);
    json["manifest"] = manifest.is_object() ? std::move(manifest) : Json::object();
  }
  return dump(json);
}

std::string audit_page_json(const AuditPage& page) {
  Json json = {{"items", Json::array()}};
  for (const AuditEntry& entry : page.entries) {
    json["items"].push_back({{"workflow", identity_json(entry.workflow)}, {"event", event_json(entry.event)}});
  }
  put(json, "nextPage", page.next_page_token);
  return dump(json);
}

std::string verification_json(const std::vector<std::pair<std::string, std::string>>& damage) {
  Json json = {{"damage", Json::array()}};
  for (const auto& [key, what] : damage) json["damage"].push_back(Json{{"key", key}, {"what", what}});
  return dump(json);
}

std::string version_json(const std::string& version) { return dump({{"version", version}}); }

std::string kubernetes_pod_json(const WorkflowRecord& record, const StreamIdentity& stream) {
  Json metadata = {{"name", stream.pod_name},
                   {"namespace", record.id.name_space},
                   {"uid", stream.pod_uid},
                   {"labels", {{"workflows.argoproj.io/workflow", record.id.name}}}};
  Json status = Json::object();
  for (const Node& node : record.nodes) {
    if (node.id != stream.node_id) continue;
    metadata["annotations"] = {{"workflows.argoproj.io/node-id", node.id},
                               {"workflows.argoproj.io/node-name", node.name}};
    status["phase"] = node.phase == Phase::kError ? "Failed" : to_string(node.phase);
    put(status, "message", node.message);
    put(status, "startTime", node.started);
  }
  Json containers = Json::array();
  Json statuses = Json::array();
  for (const StreamRecord& other : record.streams) {
    if (other.id.pod_uid != stream.pod_uid || other.id.pod_name != stream.pod_name) continue;
    Json state = {{"running", Json::object()}};
    if (other.complete) {
      state = {{"terminated", {{"exitCode", other.exit_code.value_or(0)}, {"reason", other.end_reason}}}};
    }
    Json container = {{"name", other.id.container}, {"restartCount", other.id.restart}, {"state", std::move(state)}};
    if (!statuses.empty() && statuses.back()["name"] == other.id.container) {
      statuses.back() = std::move(container);  // A later attempt of the same one.
    } else {
      statuses.push_back(std::move(container));
      containers.push_back({{"name", other.id.container}});
    }
  }
  status["containerStatuses"] = std::move(statuses);
  return dump({{"apiVersion", "v1"},
               {"kind", "Pod"},
               {"metadata", std::move(metadata)},
               {"spec", {{"containers", std::move(containers)}}},
               {"status", std::move(status)}});
}

std::string kubernetes_events_json(const WorkflowRecord& record, const StreamIdentity& stream) {
  Json items = Json::array();
  std::size_t number = 0;
  for (const AuditEvent& event : record.audit) {
    const bool warning = event.action == "verification_failed" || event.action == "lost";
    items.push_back(
        {{"metadata",
          {{"name", stream.pod_name + ".logstone." + std::to_string(number++)}, {"namespace", record.id.name_space}}},
         {"involvedObject",
          {{"kind", "Pod"}, {"name", stream.pod_name}, {"namespace", record.id.name_space}, {"uid", stream.pod_uid}}},
         {"type", warning ? "Warning" : "Normal"},
         {"reason", event.action},
         {"message", event.detail},
         {"source", {{"component", "logstone"}}},
         {"firstTimestamp", format_rfc3339(event.time)},
         {"lastTimestamp", format_rfc3339(event.time)},
         {"count", 1}});
  }
  return dump({{"apiVersion", "v1"}, {"kind", "EventList"}, {"metadata", Json::object()}, {"items", std::move(items)}});
}

Result<std::vector<std::string>> read_texts(const std::string& body, const std::vector<std::string>& required) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return bad_body(body.empty() ? "it is empty" : "it is not JSON", required);
  if (!json.is_object()) return bad_body("it is no JSON object", required);
  for (const auto& item : json.items()) {
    if (std::find(required.begin(), required.end(), item.key()) == required.end()) {
      return bad_body("the member `" + item.key() + "` is not known", required);
    }
  }
  std::vector<std::string> out;
  for (const std::string& name : required) {
    const auto found = json.find(name);
    if (found == json.end()) return bad_body("the member `" + name + "` is missing", required);
    if (!found->is_string()) return bad_body("the member `" + name + "` is no text", required);
    const std::string text = found->get<std::string>();
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
      return bad_body("the member `" + name + "` is empty", required);
    }
    out.push_back(text);
  }
  return out;
}

}  // namespace logstone::serve
