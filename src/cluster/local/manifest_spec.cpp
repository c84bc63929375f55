// The spec of a Workflow or WorkflowTemplate.
#include "base/time.h"
#include "cluster/local/manifest_read.h"

namespace logstone::local {

namespace {

constexpr std::size_t kMaxTemplates = 10'000;

TtlStrategy read_ttl(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  TtlStrategy out;
  out.after_completion = fields.integer("secondsAfterCompletion", 0);
  out.after_success = fields.integer("secondsAfterSuccess", 0);
  out.after_failure = fields.integer("secondsAfterFailure", 0);
  return out;
}

/// Kubernetes' matchLabels and matchExpressions as one text.
std::string read_selector(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ",") + part; };
  for (const auto& [key, value] : fields.text_map("matchLabels")) add(key + "=" + value);
  fields.each("matchExpressions", [&](const YamlRef& item, const std::string& item_path) {
    FieldReader inner(item, item_path, problems);
    const std::string key = inner.text("key");
    const std::string op = inner.text("operator");
    std::string values;
    for (const std::string& value : inner.texts("values")) values += (values.empty() ? "" : ",") + value;
    if (op == "In" || op == "NotIn") {
      add(key + (op == "In" ? " in (" : " notin (") + values + ")");
    } else if (op == "Exists" || op == "DoesNotExist") {
      add((op == "Exists" ? "" : "!") + key);
    } else {
      problems.invalid(inner.path_of("operator"), inner.at(), "must be In, NotIn, Exists or DoesNotExist");
    }
  });
  return out;
}

PodGc read_pod_gc(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  PodGc out;
  const std::string strategy = fields.text("strategy");
  if (strategy == "OnPodCompletion") {
    out.strategy = PodGcStrategy::kOnPodCompletion;
  } else if (strategy == "OnPodSuccess") {
    out.strategy = PodGcStrategy::kOnPodSuccess;
  } else if (strategy == "OnWorkflowCompletion") {
    out.strategy = PodGcStrategy::kOnWorkflowCompletion;
  } else if (strategy == "OnWorkflowSuccess") {
    out.strategy = PodGcStrategy::kOnWorkflowSuccess;
  } else if (!strategy.empty()) {
    problems.invalid(
        fields.path_of("strategy"), fields.at(),
        "must be OnPodCompletion, OnPodSuccess, OnWorkflowCompletion or OnWorkflowSuccess, but is " + strategy);
  }
  if (const YamlEntry* selector = fields.find("labelSelector")) {
    out.label_selector = read_selector(selector->value, fields.path_of("labelSelector"), problems);
  }
  out.delete_delay = std::chrono::seconds(5);
  const std::string delay = fields.text_or_integer("deleteDelayDuration");
  if (!delay.empty()) {
    if (auto parsed = parse_duration(delay)) {
      out.delete_delay = *parsed;
    } else {
      problems.invalid(fields.path_of("deleteDelayDuration"), fields.at(),
                       "\"" + delay + "\" is no duration such as 30s, 5m or 1h");
    }
  }
  return out;
}

void read_workflow_metadata(FieldReader& fields, ParsedWorkflow& out, Problems& problems) {
  const YamlEntry* entry = fields.find("workflowMetadata");
  if (entry == nullptr) return;
  FieldReader inner(entry->value, fields.path_of("workflowMetadata"), problems);
  out.metadata.labels = inner.text_map("labels");
  out.metadata.annotations = inner.text_map("annotations");
  inner.unsupported("labelsFrom", "write the labels' values in workflowMetadata.labels");
}

}  // namespace

ReadSpec read_spec(const YamlRef& node, const std::string& path, const std::string& scope, Problems& problems) {
  FieldReader fields(node, path, problems);
  ReadSpec out;
  ParsedWorkflow& workflow = out.workflow;
  workflow.at = fields.at();
  workflow.entrypoint = fields.text("entrypoint");
  if (const YamlEntry* arguments = fields.find("arguments")) {
    workflow.arguments = read_values(arguments->value, fields.path_of("arguments"), ValuesOf::kArguments, problems);
  }
  workflow.on_exit = fields.text("onExit");
  if (const YamlEntry* hooks = fields.find("hooks")) {
    workflow.hooks = read_hooks(hooks->value, fields.path_of("hooks"), problems);
    for (const LifecycleHook& hook : workflow.hooks) {
      if (hook.name == "exit" && !workflow.on_exit.empty()) {
        problems.invalid(fields.path_of("onExit"), hook.at, "give either onExit or hooks.exit");
      }
    }
  }
  if (const YamlEntry* ttl = fields.find("ttlStrategy")) {
    workflow.ttl = read_ttl(ttl->value, fields.path_of("ttlStrategy"), problems);
  }
  if (const YamlEntry* gc = fields.find("podGC")) {
    workflow.pod_gc = read_pod_gc(gc->value, fields.path_of("podGC"), problems);
  }
  workflow.active_deadline_seconds = fields.integer("activeDeadlineSeconds", 0);
  workflow.parallelism = fields.integer("parallelism", 1);
  workflow.service_account = fields.text("serviceAccountName");
  workflow.priority = fields.integer("priority", INT64_MIN);
  if (const YamlEntry* metadata = fields.find("podMetadata")) {
    workflow.pod_metadata = read_metadata(metadata->value, fields.path_of("podMetadata"), problems);
  }
  read_workflow_metadata(fields, workflow, problems);
  if (const YamlEntry* retry = fields.find("retryStrategy")) {
    out.retry_strategy = read_retry(retry->value, fields.path_of("retryStrategy"), problems);
  }
  if (const YamlEntry* ref = fields.find("workflowTemplateRef")) {
    FieldReader inner(ref->value, fields.path_of("workflowTemplateRef"), problems);
    out.workflow_template_ref = TemplateRef{inner.text("name"), "", inner.boolean("clusterScope").value_or(false)};
    if (out.workflow_template_ref->name.empty()) {
      problems.invalid(inner.path_of("name"), inner.at(), "missing; name the WorkflowTemplate");
    }
  }
  const YamlEntry* defaults = fields.find("templateDefaults");
  if (defaults != nullptr) {
    static_cast<void>(
        read_template(defaults->value, fields.path_of("templateDefaults"), scope, TemplateForm::kDefaults, problems));
  }
  fields.each("templates", [&](const YamlRef& item, const std::string& item_path) {
    if (out.templates.size() >= kMaxTemplates) {
      problems.invalid(fields.path_of("templates"), item->at, "more than 10,000 templates");
      return;
    }
    const YamlRef whole = defaults != nullptr ? with_template_defaults(item, defaults->value) : item;
    out.templates.push_back(read_template(whole, item_path, scope, TemplateForm::kNamed, problems));
  });
  if (fields.boolean("suspend").value_or(false)) {
    problems.unsupported(fields.path_of("suspend"), fields.at(),
                         "the local engine has no way to resume it; leave it out");
  }
  fields.recorded({"affinity",
                   "archiveLogs",
                   "artifactGC",
                   "artifactRepositoryRef",
                   "automountServiceAccountToken",
                   "dnsConfig",
                   "dnsPolicy",
                   "executor",
                   "hostAliases",
                   "hostNetwork",
                   "imagePullSecrets",
                   "nodeSelector",
                   "podDisruptionBudget",
                   "podPriority",
                   "podPriorityClassName",
                   "podResources",
                   "podSpecPatch",
                   "resourceClaims",
                   "schedulerName",
                   "securityContext",
                   "shutdown",
                   "tolerations",
                   "volumeClaimGC"});
  fields.noted("metrics", "recorded; the local engine emits no metrics");
  fields.unsupported("volumes", "hand files on as artifacts");
  fields.unsupported("volumeClaimTemplates", "hand files on as artifacts");
  fields.unsupported("synchronization", "use `parallelism`");
  fields.unsupported("executorPlugins", "do its work in a step");
  return out;
}

}  // namespace logstone::local
