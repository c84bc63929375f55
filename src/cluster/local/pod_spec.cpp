#include "cluster/local/pod_spec.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"

namespace logstone::local {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// nlohmann throws on wrong types; a file of ours that has them is corrupt.
template <class T, class Read>
Result<T> read_json(std::string_view text, const char* what, Read read) {
  try {
    return read(Json::parse(text));
  } catch (const std::exception& e) {
    return Error{ErrorKind::kCorrupt, "read", what, e.what(), "Delete the pod: its files were changed or cut off."};
  }
}

template <class T>
void put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}
void put(Json& json, const char* key, const std::optional<Timestamp>& value) {
  if (value) json[key] = to_unix_nanoseconds(*value);
}
template <class T>
std::optional<T> get_optional(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::nullopt;
  return found->get<T>();
}
std::optional<Timestamp> get_time(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::nullopt;
  return from_unix_nanoseconds(found->get<std::int64_t>());
}

Json source_json(const ArtifactSource& source) {
  Json json{{"node", source.node_id}, {"artifact", source.artifact_name}, {"subPath", source.sub_path}};
  put(json, "raw", source.raw);
  return json;
}

ArtifactSource read_source(const Json& json) {
  return {get_optional<std::string>(json, "raw"), json.at("node"), json.at("artifact"), json.at("subPath")};
}

Json container_json(const PodContainer& container) {
  Json json{{"name", container.name},
            {"image", container.image},
            {"command", container.command},
            {"args", container.args},
            {"env", container.env},
            {"envPodUid", container.env_pod_uid},
            {"workingDir", container.working_dir},
            {"dependencies", container.dependencies},
            {"retries", container.retries},
            {"retryDelay", container.retry_delay.count()}};
  put(json, "script", container.script);
  return json;
}

PodContainer read_container(const Json& json) {
  PodContainer container;
  json.at("name").get_to(container.name);
  json.at("image").get_to(container.image);
  json.at("command").get_to(container.command);
  json.at("args").get_to(container.args);
  json.at("env").get_to(container.env);
  json.at("envPodUid").get_to(container.env_pod_uid);
  json.at("workingDir").get_to(container.working_dir);
  json.at("dependencies").get_to(container.dependencies);
  json.at("retries").get_to(container.retries);
  container.retry_delay = Nanoseconds(json.at("retryDelay").get<std::int64_t>());
  container.script = get_optional<std::string>(json, "script");
  return container;
}

Json request_json(const PodRequest& request) {
  Json json{{"nodeId", request.node_id},          {"nodeName", request.node_name},
            {"podName", request.pod_name},        {"labels", request.labels},
            {"annotations", request.annotations}, {"resultContainer", request.result_container}};
  auto& containers = json["containers"] = Json::array();
  for (const auto& container : request.containers) containers.push_back(container_json(container));
  auto& inputs = json["inputArtifacts"] = Json::array();
  for (const auto& input : request.input_artifacts) {
    Json one{{"name", input.name}, {"path", input.path}, {"source", source_json(input.source)}};
    put(one, "mode", input.mode);
    inputs.push_back(std::move(one));
  }
  auto& parameters = json["outputParameters"] = Json::array();
  for (const auto& parameter : request.output_parameters) {
    Json one{{"name", parameter.name}, {"path", parameter.path}};
    put(one, "default", parameter.default_value);
    parameters.push_back(std::move(one));
  }
  auto& artifacts = json["outputArtifacts"] = Json::array();
  for (const auto& artifact : request.output_artifacts)
    artifacts.push_back({{"name", artifact.name}, {"path", artifact.path}, {"optional", artifact.optional}});
  put(json, "deadline", request.deadline);
  return json;
}

PodRequest read_request(const Json& json) {
  PodRequest request;
  json.at("nodeId").get_to(request.node_id);
  json.at("nodeName").get_to(request.node_name);
  json.at("podName").get_to(request.pod_name);
  json.at("labels").get_to(request.labels);
  json.at("annotations").get_to(request.annotations);
  json.at("resultContainer").get_to(request.result_container);
  for (const auto& one : json.at("containers")) request.containers.push_back(read_container(one));
  for (const auto& one : json.at("inputArtifacts"))
    request.input_artifacts.push_back(
        {one.at("name"), one.at("path"), get_optional<std::uint32_t>(one, "mode"), read_source(one.at("source"))});
  for (const auto& one : json.at("outputParameters"))
    request.output_parameters.push_back({one.at("name"), one.at("path"), get_optional<std::string>(one, "default")});
  for (const auto& one : json.at("outputArtifacts"))
    request.output_artifacts.push_back({one.at("name"), one.at("path"), one.at("optional")});
  request.deadline = get_time(json, "deadline");
  return request;
}

Json outcome_json(const PodOutcome& outcome) {
  Json json{{"phase", to_string(outcome.phase)},
            {"message", outcome.message},
            {"parameters", outcome.parameters},
            {"artifacts", outcome.artifacts}};
  put(json, "started", outcome.started);
  put(json, "finished", outcome.finished);
  put(json, "result", outcome.result);
  auto& containers = json["containers"] = Json::object();
  for (const auto& [name, container] : outcome.containers) {
    Json one{{"reason", container.reason}, {"message", container.message}};
    put(one, "started", container.started);
    put(one, "finished", container.finished);
    put(one, "exitCode", container.exit_code);
    containers[name] = std::move(one);
  }
  return json;
}

PodOutcome read_outcome(const Json& json) {
  PodOutcome outcome;
  outcome.phase = parse_phase(json.at("phase").get<std::string>()).value_or(Phase::kError);
  json.at("message").get_to(outcome.message);
  json.at("parameters").get_to(outcome.parameters);
  json.at("artifacts").get_to(outcome.artifacts);
  outcome.started = get_time(json, "started");
  outcome.finished = get_time(json, "finished");
  outcome.result = get_optional<std::string>(json, "result");
  for (const auto& [name, one] : json.at("containers").items())
    outcome.containers[name] = {get_time(one, "started"), get_time(one, "finished"), get_optional<int>(one, "exitCode"),
                                one.at("reason"), one.at("message")};
  return outcome;
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos;
}

}  // namespace

std::filesystem::path PodSpec::log_folder() const {
  return std::filesystem::path("pods") / (name_space + "_" + request.pod_name + "_" + uid);
}

Result<std::filesystem::path> PodSpec::artifact_path(const std::string& workflow_uid, const std::string& node_id,
                                                     const std::string& artifact) {
  for (const auto& name : {workflow_uid, node_id, artifact})
    if (!is_file_name(name))
      return Error{ErrorKind::kInvalidInput, "find artifact", artifact, "\"" + name + "\" is not a file name",
                   "Give the artifact a name without slashes."};
  return std::filesystem::path("artifacts") / workflow_uid / node_id / artifact;
}

std::string to_json(const PodSpec& spec) {
  return dump({{"uid", spec.uid},
               {"namespace", spec.name_space},
               {"workflowName", spec.workflow_name},
               {"workflowUid", spec.workflow_uid},
               {"created", to_unix_nanoseconds(spec.created)},
               {"clusterFolder", spec.cluster_folder.string()},
               {"logFileBytes", spec.log_limits.file_bytes},
               {"logFiles", spec.log_limits.files},
               {"request", request_json(spec.request)}});
}

Result<PodSpec> pod_spec_from_json(std::string_view text) {
  return read_json<PodSpec>(text, kPodSpecFile, [](const Json& json) {
    PodSpec spec;
    json.at("uid").get_to(spec.uid);
    json.at("namespace").get_to(spec.name_space);
    json.at("workflowName").get_to(spec.workflow_name);
    json.at("workflowUid").get_to(spec.workflow_uid);
    spec.created = from_unix_nanoseconds(json.at("created").get<std::int64_t>());
    spec.cluster_folder = json.at("clusterFolder").get<std::string>();
    spec.log_limits = {json.at("logFileBytes"), json.at("logFiles")};
    spec.request = read_request(json.at("request"));
    return spec;
  });
}

std::string to_json(const PodStatus& status) {
  return dump(
      {{"shim", {{"pid", status.shim.pid}, {"startTicks", status.shim.start_ticks}, {"bootId", status.shim.boot_id}}},
       {"outcome", outcome_json(status.outcome)}});
}

Result<PodStatus> pod_status_from_json(std::string_view text) {
  return read_json<PodStatus>(text, kPodStatusFile, [](const Json& json) {
    const auto& shim = json.at("shim");
    return PodStatus{{shim.at("pid"), shim.at("startTicks"), shim.at("bootId")}, read_outcome(json.at("outcome"))};
  });
}

std::string to_json(const PodStop& stop) {
  return dump({{"graceMilliseconds", stop.grace.count()}, {"reason", stop.reason}});
}

Result<PodStop> pod_stop_from_json(std::string_view text) {
  return read_json<PodStop>(text, kPodStopFile, [](const Json& json) {
    return PodStop{std::chrono::milliseconds(json.at("graceMilliseconds").get<std::int64_t>()), json.at("reason")};
  });
}

ProcessIdentity ProcessIdentity::of(int pid) {
  ProcessIdentity process;
  process.pid = pid;
  const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  if (stat) {
    // Field 2 is the program's name in parentheses and may hold anything.
    auto at = stat->rfind(')');
    for (int field = 2; at != std::string::npos && field < 22; ++field) at = stat->find(' ', at + 1);
    if (at != std::string::npos) process.start_ticks = std::strtoull(stat->c_str() + at + 1, nullptr, 10);
  }
  if (const auto boot = read_file("/proc/sys/kernel/random/boot_id")) process.boot_id = boot->substr(0, 36);
  return process;
}

Result<> replace_file(const std::filesystem::path& path, std::string_view bytes) {
  auto unfinished = path;
  unfinished += ".tmp";
  UniqueFd fd(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.valid()) return system_error("write file", unfinished, errno);
  LOGSTONE_TRY(write_all(fd.get(), bytes, unfinished));
  fd.reset();
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return system_error("replace file", path, errno);
  return {};
}

}  // namespace logstone::local
