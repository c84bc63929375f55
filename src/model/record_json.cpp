#include "model/record_json.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

namespace logstone {
namespace {

// Members stay in the order in which they are written here: people read these files.
using Json = nlohmann::ordered_json;

constexpr char kFormat[] = "logstone.record";

// ---- writing ----

void put_text(Json& to, const char* key, const std::string& text) {
  if (!text.empty()) to[key] = text;
}
void put_time(Json& to, const char* key, const std::optional<Timestamp>& time) {
  if (time) to[key] = format_rfc3339_nano(*time);
}
template <class T>
void put_number(Json& to, const char* key, const std::optional<T>& number) {
  if (number) to[key] = *number;
}
template <class T, class Write>
void put_list(Json& to, const char* key, const std::vector<T>& values, Write write) {
  if (values.empty()) return;
  Json& list = to[key] = Json::array();
  for (const T& value : values) list.push_back(write(value));
}
void put_labels(Json& to, const char* key, const Labels& labels) {
  if (labels.empty()) return;
  Json& object = to[key] = Json::object();
  for (const auto& [name, value] : labels) object[name] = value;
}

Json node_json(const Node& node) {
  Json out = Json::object();
  out["id"] = node.id;
  put_text(out, "name", node.name);
  put_text(out, "displayName", node.display_name);
  put_text(out, "type", node.type);
  put_text(out, "template", node.template_name);
  out["phase"] = to_string(node.phase);
  put_text(out, "message", node.message);
  put_text(out, "boundaryId", node.boundary_id);
  put_list(out, "children", node.children, [](const std::string& id) { return Json(id); });
  put_text(out, "pod", node.pod_name);
  put_time(out, "started", node.started);
  put_time(out, "finished", node.finished);
  put_number(out, "exitCode", node.exit_code);
  return out;
}

Json segment_json(const SegmentReference& segment) {
  Json out = Json::object();
  out["key"] = segment.key;
  out["firstByte"] = segment.first_byte;
  out["bytes"] = segment.bytes;
  out["firstLine"] = segment.first_line;
  out["lines"] = segment.lines;
  out["objectBytes"] = segment.object_bytes;
  out["objectDigest"] = segment.object_digest;
  put_time(out, "firstTime", segment.first_time);
  put_time(out, "lastTime", segment.last_time);
  return out;
}

Json gap_json(const Gap& gap) {
  Json out = Json::object();
  out["offset"] = gap.offset;
  put_number(out, "lostBytes", gap.lost_bytes);
  out["reason"] = gap.reason;
  out["noticed"] = format_rfc3339_nano(gap.noticed);
  return out;
}

Json stream_json(const StreamRecord& stream) {
  Json out = Json::object();
  out["node"] = stream.id.node_id;
  out["pod"] = stream.id.pod_name;
  out["podUid"] = stream.id.pod_uid;
  out["container"] = stream.id.container;
  out["restart"] = stream.id.restart;
  out["complete"] = stream.complete;
  out["bytes"] = stream.bytes;
  out["lines"] = stream.lines;
  put_text(out, "digest", stream.digest);
  put_text(out, "endReason", stream.end_reason);
  put_number(out, "exitCode", stream.exit_code);
  put_list(out, "segments", stream.segments, segment_json);
  put_list(out, "gaps", stream.gaps, gap_json);
  if (stream.external) {
    Json& external = out["external"] = Json::object();
    external["store"] = stream.external->store;
    external["key"] = stream.external->key;
    external["size"] = stream.external->size;
    external["modified"] = format_rfc3339_nano(stream.external->modified);
  }
  return out;
}

Json audit_json(const AuditEvent& event) {
  Json out = Json::object();
  out["time"] = format_rfc3339_nano(event.time);
  out["actor"] = event.actor;
  out["action"] = event.action;
  put_text(out, "detail", event.detail);
  return out;
}

// ---- reading ----

// Finds members in logarithmic time, so that absurd input costs no absurd time.
using Parsed = nlohmann::json;

/// Reads members of one JSON object; remembers the first one that is not as it must be.
class Members {
 public:
  Members(const Parsed& object, std::string path, std::string& problem)
      : object_(object), path_(std::move(path)), problem_(problem) {
    if (!object_.is_object()) fail("", "is not an object");
  }

  void text(const char* key, std::string& out, bool required = false) {
    const Parsed* value = find(key, required);
    if (value == nullptr) return;
    if (!value->is_string()) return fail(key, "is not a text");
    out = value->get_ref<const std::string&>();
  }

  void time(const char* key, Timestamp& out) {
    std::optional<Timestamp> value;
    time(key, value, true);
    if (value) out = *value;
  }
  void time(const char* key, std::optional<Timestamp>& out, bool required = false) {
    std::string written;
    text(key, written, required);
    if (written.empty()) {
      if (required) fail(key, "is not a time");
      return;
    }
    const auto value = parse_rfc3339(written);
    if (!value) return fail(key, "is not a time");
    out = *value;
  }

  template <class T>
  void number(const char* key, T& out, bool required = false) {
    std::optional<T> value;
    number(key, value, required);
    if (value) out = *value;
  }
  template <class T>
  void number(const char* key, std::optional<T>& out, bool required = false) {
    const Parsed* value = find(key, required);
    if (value == nullptr) return;
    if (value->is_number_unsigned()) {
      const auto wide = value->get<std::uint64_t>();
      if (wide > static_cast<std::uint64_t>(std::numeric_limits<T>::max())) return fail(key, "is out of range");
      out = static_cast<T>(wide);
    } else if (value->is_number_integer()) {
      const auto wide = value->get<std::int64_t>();
      if (!std::is_signed_v<T> || wide < static_cast<std::int64_t>(std::numeric_limits<T>::min())) {
        return fail(key, "is out of range");
      }
      out = static_cast<T>(wide);
    } else {
      fail(key, "is not a whole number");
    }
  }

  void flag(const char* key, bool& out) {
    const Parsed* value = find(key, false);
    if (value == nullptr) return;
    if (!value->is_boolean()) return fail(key, "is neither true nor false");
    out = value->get<bool>();
  }

  template <class T, class Parse>
  void word(const char* key, T& out, Parse parse) {
    std::string written;
    text(key, written, true);
    const auto value = parse(written);
    if (!value) return fail(key, "is not a known word");
    out = *value;
  }

  void labels(const char* key, Labels& out) {
    const Parsed* value = find(key, false);
    if (value == nullptr) return;
    if (!value->is_object()) return fail(key, "is not an object");
    for (const auto& [name, label] : value->items()) {
      if (!label.is_string()) return fail(key, "has a value that is not a text");
      out[name] = label.template get_ref<const std::string&>();
    }
  }

  void texts(const char* key, std::vector<std::string>& out) {
    each(key, [&](const Parsed& item, const std::string&) {
      if (!item.is_string()) return fail(key, "has an item that is not a text");
      out.push_back(item.get_ref<const std::string&>());
    });
  }

  template <class T>
  void list(const char* key, std::vector<T>& out, const std::function<T(Members)>& read) {
    each(key, [&](const Parsed& item, const std::string& path) { out.push_back(read(Members(item, path, problem_))); });
  }

  template <class T>
  void object(const char* key, std::optional<T>& out, const std::function<T(Members)>& read) {
    const Parsed* value = find(key, false);
    if (value != nullptr) out = read(Members(*value, path_of(key), problem_));
  }

  [[nodiscard]] bool failed() const { return !problem_.empty(); }
  void fail(const char* key, const std::string& what) {
    if (problem_.empty()) problem_ = path_of(key) + ' ' + what;
  }

 private:
  const Parsed* find(const char* key, bool required) {
    if (failed()) return nullptr;
    const auto found = object_.find(key);
    if (found != object_.end() && !found->is_null()) return &*found;
    if (required) fail(key, "is missing");
    return nullptr;
  }

  template <class Take>
  void each(const char* key, Take take) {
    const Parsed* value = find(key, false);
    if (value == nullptr) return;
    if (!value->is_array()) return fail(key, "is not a list");
    std::size_t index = 0;
    for (const Parsed& item : *value) {
      take(item, path_of(key) + '[' + std::to_string(index++) + ']');
      if (failed()) return;
    }
  }

  [[nodiscard]] std::string path_of(const char* key) const {
    if (*key == '\0') return path_.empty() ? "it" : path_;
    return path_.empty() ? key : path_ + '.' + key;
  }

  const Parsed& object_;
  std::string path_;
  std::string& problem_;
};

Node read_node(Members in) {
  Node node;
  in.text("id", node.id, true);
  in.text("name", node.name);
  in.text("displayName", node.display_name);
  in.text("type", node.type);
  in.text("template", node.template_name);
  in.word("phase", node.phase, parse_phase);
  in.text("message", node.message);
  in.text("boundaryId", node.boundary_id);
  in.texts("children", node.children);
  in.text("pod", node.pod_name);
  in.time("started", node.started);
  in.time("finished", node.finished);
  in.number("exitCode", node.exit_code);
  return node;
}

SegmentReference read_segment(Members in) {
  SegmentReference segment;
  in.text("key", segment.key, true);
  in.number("firstByte", segment.first_byte, true);
  in.number("bytes", segment.bytes, true);
  in.number("firstLine", segment.first_line, true);
  in.number("lines", segment.lines, true);
  in.number("objectBytes", segment.object_bytes, true);
  in.text("objectDigest", segment.object_digest, true);
  in.time("firstTime", segment.first_time);
  in.time("lastTime", segment.last_time);
  return segment;
}

Gap read_gap(Members in) {
  Gap gap;
  in.number("offset", gap.offset, true);
  in.number("lostBytes", gap.lost_bytes);
  in.text("reason", gap.reason);
  in.time("noticed", gap.noticed);
  return gap;
}

ExternalObject read_external(Members in) {
  ExternalObject external;
  in.text("store", external.store, true);
  in.text("key", external.key, true);
  in.number("size", external.size, true);
  in.time("modified", external.modified);
  return external;
}

StreamRecord read_stream(Members in) {
  StreamRecord stream;
  in.text("node", stream.id.node_id);
  in.text("pod", stream.id.pod_name, true);
  in.text("podUid", stream.id.pod_uid, true);
  in.text("container", stream.id.container, true);
  in.number("restart", stream.id.restart, true);
  in.flag("complete", stream.complete);
  in.number("bytes", stream.bytes, true);
  in.number("lines", stream.lines, true);
  in.text("digest", stream.digest);
  in.text("endReason", stream.end_reason);
  in.number("exitCode", stream.exit_code);
  in.list<SegmentReference>("segments", stream.segments, read_segment);
  in.list<Gap>("gaps", stream.gaps, read_gap);
  in.object<ExternalObject>("external", stream.external, read_external);
  return stream;
}

AuditEvent read_audit(Members in) {
  AuditEvent event;
  in.time("time", event.time);
  in.text("actor", event.actor);
  in.text("action", event.action, true);
  in.text("detail", event.detail);
  return event;
}

LegalHold read_hold(Members in) {
  LegalHold hold;
  in.text("reason", hold.reason);
  in.text("actor", hold.actor);
  in.time("since", hold.since);
  return hold;
}

RetentionOverride read_retention(Members in) {
  RetentionOverride retention;
  std::string keep;
  in.text("keep", keep, true);
  in.text("reason", retention.reason);
  if (in.failed() || keep == "forever") return retention;
  const auto duration = parse_duration(keep);
  if (!duration) {
    in.fail("keep", "is not a duration");
  } else {
    retention.keep = *duration;
  }
  return retention;
}

WorkflowRecord read_record_members(Members in) {
  WorkflowRecord record;
  in.text("cluster", record.id.cluster, true);
  in.text("namespace", record.id.name_space, true);
  in.text("name", record.id.name, true);
  in.text("uid", record.id.uid, true);
  in.word("state", record.state, parse_lifecycle_state);
  in.number("generation", record.generation, true);
  in.word("phase", record.phase, parse_phase);
  in.text("message", record.message);
  in.text("problem", record.problem);
  in.time("created", record.created);
  in.time("started", record.started);
  in.time("finished", record.finished);
  in.time("verified", record.verified);
  in.time("deleted", record.deleted);
  in.time("expires", record.expires);
  in.object<LegalHold>("hold", record.hold, read_hold);
  in.object<RetentionOverride>("retention", record.retention, read_retention);
  in.labels("labels", record.labels);
  in.labels("annotations", record.annotations);
  in.list<StreamRecord>("streams", record.streams, read_stream);
  in.list<Node>("nodes", record.nodes, read_node);
  in.list<AuditEvent>("audit", record.audit, read_audit);
  in.text("manifest", record.manifest_json);
  return record;
}

Error not_a_record(ErrorKind kind, std::string reason, std::string advice) {
  return Error{kind, "read", "workflow record", std::move(reason), std::move(advice)};
}

Error damaged(std::string reason) {
  return not_a_record(ErrorKind::kCorrupt, std::move(reason), "Restore the object from a copy of the store.");
}

}  // namespace

std::string to_json(const WorkflowRecord& record) {
  Json out = Json::object();
  out["format"] = kFormat;
  out["version"] = WorkflowRecord::kVersion;
  out["cluster"] = record.id.cluster;
  out["namespace"] = record.id.name_space;
  out["name"] = record.id.name;
  out["uid"] = record.id.uid;
  out["state"] = to_string(record.state);
  out["generation"] = record.generation;
  out["phase"] = to_string(record.phase);
  put_text(out, "message", record.message);
  put_text(out, "problem", record.problem);
  out["created"] = format_rfc3339_nano(record.created);
  put_time(out, "started", record.started);
  put_time(out, "finished", record.finished);
  put_time(out, "verified", record.verified);
  put_time(out, "deleted", record.deleted);
  put_time(out, "expires", record.expires);
  if (record.hold) {
    Json& hold = out["hold"] = Json::object();
    hold["reason"] = record.hold->reason;
    hold["actor"] = record.hold->actor;
    hold["since"] = format_rfc3339_nano(record.hold->since);
  }
  if (record.retention) {
    Json& retention = out["retention"] = Json::object();
    retention["keep"] =
        record.retention->keep ? format_duration(std::max(*record.retention->keep, Nanoseconds{})) : "forever";
    put_text(retention, "reason", record.retention->reason);
  }
  put_labels(out, "labels", record.labels);
  put_labels(out, "annotations", record.annotations);
  put_list(out, "streams", record.streams, stream_json);
  put_list(out, "nodes", record.nodes, node_json);
  put_list(out, "audit", record.audit, audit_json);
  // A text, not an object: so it comes back byte by byte, whatever numbers or order of members it has.
  put_text(out, "manifest", record.manifest_json);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<WorkflowRecord> record_from_json(std::string_view text) {
  const Parsed root = Parsed::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded()) return damaged("it is not JSON");
  std::string problem;
  Members in(root, "", problem);
  std::string format;
  std::uint64_t version = 0;
  in.text("format", format, true);
  in.number("version", version, true);
  if (!problem.empty()) return damaged(problem);
  if (format != kFormat) return damaged("format is not \"" + std::string(kFormat) + '"');
  if (version == 0) return damaged("version is 0");
  if (version > WorkflowRecord::kVersion) {
    return not_a_record(ErrorKind::kUnsupported,
                        "its version is " + std::to_string(version) + ", this program reads up to " +
                            std::to_string(WorkflowRecord::kVersion),
                        "Use the release that wrote it, or a later one.");
  }
  WorkflowRecord record = read_record_members(in);
  if (!problem.empty()) return damaged(problem);
  return record;
}

}  // namespace logstone
