// Parameters, artifacts, containers: the leaves of a template.
#include <charconv>

#include "cluster/local/manifest_read.h"

namespace logstone::local {

namespace {

constexpr const char* kGiveByHand = "give the value itself, or pass it with -p name=value";
constexpr const char* kUseLocalArtifact = "use `raw`, `from`, or have a step fetch it";

ValueFrom read_value_from(const YamlRef& node, const std::string& path, ValuesOf of, Problems& problems) {
  FieldReader fields(node, path, problems);
  ValueFrom out;
  out.path = fields.text("path");
  out.parameter = fields.text("parameter");
  out.expression = fields.text("expression");
  out.default_value = fields.any_text("default");
  if (const YamlEntry* supplied = fields.find("supplied")) {
    out.supplied = true;
    FieldReader nothing(supplied->value, fields.path_of("supplied"), problems);
  }
  fields.unsupported("configMapKeyRef", kGiveByHand);
  fields.unsupported("event", kGiveByHand);
  fields.unsupported("jsonPath", "it reads a `resource`, which needs a cluster");
  fields.unsupported("jqFilter", "it reads a `resource`, which needs a cluster");
  if (!out.path.empty() && of != ValuesOf::kOutputs) {
    problems.invalid(fields.path_of("path"), fields.at(), "only an output can be read from a file");
  }
  return out;
}

Parameter read_parameter(const YamlRef& node, const std::string& path, ValuesOf of, Problems& problems) {
  FieldReader fields(node, path, problems);
  Parameter out;
  out.at = fields.at();
  out.name = fields.text("name");
  out.value = fields.any_text("value");
  out.default_value = fields.any_text("default");
  if (const YamlEntry* from = fields.find("valueFrom")) {
    out.value_from = read_value_from(from->value, fields.path_of("valueFrom"), of, problems);
  }
  out.global_name = fields.text("globalName");
  fields.each("enum", [&](const YamlRef& item, const std::string&) {
    out.enum_values.push_back(item->is_scalar() ? item->text : to_json(*item));
  });
  fields.recorded({"description"});
  if (out.name.empty()) problems.invalid(path + ".name", out.at, "a parameter needs a name");
  return out;
}

ArtifactArchive read_archive(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  ArtifactArchive out = ArtifactArchive::kTar;
  // `none: {}` and `zip: {}` have no fields of their own; an empty YAML value means the same.
  if (const YamlEntry* tar = fields.find("tar")) {
    FieldReader inner(tar->value, fields.path_of("tar"), problems);
    inner.recorded({"compressionLevel"});
  }
  if (node->find("none") != nullptr) out = ArtifactArchive::kNone;
  if (node->find("zip") != nullptr) out = ArtifactArchive::kZip;
  fields.recorded({"none", "zip"});
  return out;
}

Artifact read_artifact(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  Artifact out;
  out.at = fields.at();
  out.name = fields.text("name");
  out.path = fields.text("path");
  out.from = fields.text("from");
  out.from_expression = fields.text("fromExpression");
  out.sub_path = fields.text("subPath");
  out.optional = fields.boolean("optional").value_or(false);
  if (const auto mode = fields.integer("mode", 0)) {
    if (*mode > 07777) {
      problems.invalid(fields.path_of("mode"), out.at, "must be permission bits, at most 4095 (octal 7777)");
    } else {
      out.mode = static_cast<int>(*mode);
    }
  }
  out.global_name = fields.text("globalName");
  if (const YamlEntry* raw = fields.find("raw")) {
    FieldReader inner(raw->value, fields.path_of("raw"), problems);
    out.raw = inner.text("data");
  }
  if (const YamlEntry* archive = fields.find("archive")) {
    out.archive = read_archive(archive->value, fields.path_of("archive"), problems);
  }
  fields.recorded({"archiveLogs", "artifactGC", "recurseMode", "deleted"});
  for (const char* store : {"s3", "git", "http", "artifactory", "hdfs", "oss", "gcs", "azure", "plugin"}) {
    fields.unsupported(store, kUseLocalArtifact);
  }
  if (out.name.empty()) problems.invalid(path + ".name", out.at, "an artifact needs a name");
  return out;
}

EnvVar read_env(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  EnvVar out;
  out.name = fields.text("name");
  out.value = fields.text("value");
  if (out.name.empty() || out.name.find('=') != std::string::npos) {
    problems.invalid(fields.path_of("name"), fields.at(), "an environment variable needs a name without `=`");
  }
  if (const YamlEntry* from = fields.find("valueFrom")) {
    FieldReader inner(from->value, fields.path_of("valueFrom"), problems);
    for (const char* key : {"secretKeyRef", "configMapKeyRef", "resourceFieldRef", "fileKeyRef"}) {
      inner.unsupported(key, "set `value`");
    }
    if (const YamlEntry* ref = inner.find("fieldRef")) {
      FieldReader field(ref->value, inner.path_of("fieldRef"), problems);
      field.recorded({"apiVersion"});
      out.field_path = field.text("fieldPath");
      if (out.field_path != "metadata.name" && out.field_path != "metadata.namespace" &&
          out.field_path != "metadata.uid") {
        problems.unsupported(field.path_of("fieldPath"), field.at(),
                             "the local engine knows metadata.name, metadata.namespace and metadata.uid only");
      }
    }
  }
  return out;
}

}  // namespace

Values read_values(const YamlRef& node, const std::string& path, ValuesOf of, Problems& problems) {
  FieldReader fields(node, path, problems);
  Values out;
  fields.each("parameters", [&](const YamlRef& item, const std::string& item_path) {
    out.parameters.push_back(read_parameter(item, item_path, of, problems));
  });
  fields.each("artifacts", [&](const YamlRef& item, const std::string& item_path) {
    out.artifacts.push_back(read_artifact(item, item_path, problems));
  });
  if (of == ValuesOf::kOutputs) fields.recorded({"result", "exitCode"});
  return out;
}

Container read_container(const YamlRef& node, const std::string& path, bool script, bool in_set, Problems& problems) {
  FieldReader fields(node, path, problems);
  Container out;
  out.at = fields.at();
  const std::string name = fields.text("name");
  if (!name.empty()) out.name = name;
  if (in_set && name.empty()) problems.invalid(path + ".name", out.at, "a container of a set needs a name");
  out.image = fields.text("image");
  out.command = fields.texts("command");
  out.args = fields.texts("args");
  out.working_dir = fields.text("workingDir");
  fields.each("env", [&](const YamlRef& item, const std::string& item_path) {
    out.env.push_back(read_env(item, item_path, problems));
  });
  if (script) {
    out.source = fields.text("source");
    if (out.source->empty()) problems.invalid(path + ".source", out.at, "a script needs a source");
  }
  if (in_set) out.dependencies = fields.texts("dependencies");
  fields.recorded({"imagePullPolicy", "ports", "resources", "resizePolicy", "securityContext", "stdin", "stdinOnce",
                   "tty", "terminationMessagePath", "terminationMessagePolicy", "restartPolicy"});
  for (const char* probe : {"livenessProbe", "readinessProbe", "startupProbe"}) {
    fields.noted(probe, "recorded; the local engine does not probe");
  }
  fields.unsupported("lifecycle", "put it into the command");
  fields.unsupported("envFrom", "list the variables in `env`");
  fields.unsupported("volumeMounts", "hand files on as artifacts");
  fields.unsupported("volumeDevices", "hand files on as artifacts");
  if (out.command.empty() && !out.image.empty()) {
    problems.unsupported(path + ".command", out.at,
                         "missing; the local engine pulls no image, so it cannot know the image's own command: write "
                         "`command`");
  } else if (out.command.empty()) {
    problems.invalid(path + ".command", out.at, "missing; write the program to run");
  }
  return out;
}

RetryStrategy read_retry(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  RetryStrategy out;
  out.at = fields.at();
  if (std::string limit = fields.text_or_integer("limit"); !limit.empty()) out.limit = std::move(limit);
  out.expression = fields.text("expression");
  const std::string policy = fields.text("retryPolicy");
  if (policy == "Always" || (policy.empty() && !out.expression.empty())) {
    out.policy = RetryPolicy::kAlways;
  } else if (policy == "OnError") {
    out.policy = RetryPolicy::kOnError;
  } else if (policy == "OnTransientError") {
    out.policy = RetryPolicy::kOnTransientError;
  } else if (!policy.empty() && policy != "OnFailure") {
    problems.invalid(fields.path_of("retryPolicy"), out.at,
                     "must be Always, OnFailure, OnError or OnTransientError, but is " + policy);
  }
  if (const YamlEntry* backoff = fields.find("backoff")) {
    FieldReader inner(backoff->value, fields.path_of("backoff"), problems);
    out.backoff.emplace();
    out.backoff->duration = inner.text_or_integer("duration");
    out.backoff->factor = inner.any_text("factor").value_or("");
    out.backoff->max_duration = inner.text_or_integer("maxDuration");
    out.backoff->cap = inner.text_or_integer("cap");
  }
  fields.recorded({"affinity"});
  return out;
}

Metadata read_metadata(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  Metadata out;
  out.labels = fields.text_map("labels");
  out.annotations = fields.text_map("annotations");
  return out;
}

}  // namespace logstone::local
