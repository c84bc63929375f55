// Templates, and the steps and tasks that call them.
#include <algorithm>
#include <array>

#include "cluster/local/manifest_read.h"

namespace logstone::local {

namespace {

constexpr std::array<const char*, 6> kRunnableTypes = {"container", "script",  "steps",
                                                       "dag",       "suspend", "containerSet"};
constexpr std::array<const char*, 4> kOtherTypes = {"resource", "http", "plugin", "data"};

TemplateRef read_template_ref(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  TemplateRef out;
  out.name = fields.text("name");
  out.template_name = fields.text("template");
  out.cluster_scope = fields.boolean("clusterScope").value_or(false);
  fields.recorded({"runtimeResolution"});
  if (out.name.empty()) problems.invalid(path + ".name", fields.at(), "missing; name the WorkflowTemplate");
  if (out.template_name.empty()) problems.invalid(path + ".template", fields.at(), "missing; name the template in it");
  return out;
}

Loop read_loop(FieldReader& fields, Problems& problems) {
  Loop out;
  if (const YamlEntry* items = fields.find("withItems")) {
    out.items.emplace();
    if (items->value->is_list()) {
      for (const YamlRef& item : items->value->items) out.items->push_back(to_json(*item));
    } else {
      problems.invalid(fields.path_of("withItems"), items->value->at,
                       "must be a list; for a list from a parameter use withParam");
    }
  }
  if (const YamlEntry* param = fields.find("withParam")) {
    out.param = param->value->is_scalar() ? param->value->text : to_json(*param->value);
  }
  if (const YamlEntry* sequence = fields.find("withSequence")) {
    FieldReader inner(sequence->value, fields.path_of("withSequence"), problems);
    out.sequence.emplace();
    out.sequence->count = inner.text_or_integer("count");
    out.sequence->start = inner.text_or_integer("start");
    out.sequence->end = inner.text_or_integer("end");
    out.sequence->format = inner.text("format");
    const bool counted = !out.sequence->count.empty();
    if (counted == !out.sequence->end.empty()) {
      problems.invalid(fields.path_of("withSequence"), sequence->at, "needs either `count` or `end`");
    }
  }
  const int loops = (out.items ? 1 : 0) + (out.param ? 1 : 0) + (out.sequence ? 1 : 0);
  if (loops > 1) {
    problems.invalid(fields.path(), fields.at(), "only one of withItems, withParam and withSequence can be given");
  }
  return out;
}

Suspend read_suspend(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  Suspend out;
  out.duration = fields.text_or_integer("duration");
  fields.recorded({"event"});
  if (out.duration.empty()) {
    problems.unsupported(path, fields.at(),
                         "a suspend without `duration` waits for a person, which the local engine does not run; give a "
                         "duration");
  }
  return out;
}

ContainerSet read_container_set(const YamlRef& node, const std::string& path, Problems& problems) {
  FieldReader fields(node, path, problems);
  ContainerSet out;
  fields.each("containers", [&](const YamlRef& item, const std::string& item_path) {
    out.containers.push_back(read_container(item, item_path, false, true, problems));
  });
  if (const YamlEntry* retry = fields.find("retryStrategy")) {
    FieldReader inner(retry->value, fields.path_of("retryStrategy"), problems);
    out.retry = ContainerSetRetry{inner.text_or_integer("duration"), inner.text_or_integer("retries")};
  }
  fields.unsupported("volumeMounts", "hand files on as artifacts");
  if (out.containers.empty()) problems.invalid(path + ".containers", fields.at(), "needs at least one container");
  return out;
}

Dag read_dag(const YamlRef& node, const std::string& path, const std::string& scope, Problems& problems) {
  FieldReader fields(node, path, problems);
  Dag out;
  out.target = fields.text("target");
  out.fail_fast = fields.boolean("failFast").value_or(true);
  fields.each("tasks", [&](const YamlRef& item, const std::string& item_path) {
    out.tasks.push_back(read_step(item, item_path, true, scope, problems));
  });
  if (out.tasks.empty()) problems.invalid(path + ".tasks", fields.at(), "needs at least one task");
  return out;
}

std::vector<std::vector<Step>> read_steps(FieldReader& fields, const std::string& scope, Problems& problems) {
  std::vector<std::vector<Step>> out;
  fields.each("steps", [&](const YamlRef& group, const std::string& path) {
    std::vector<Step>& steps = out.emplace_back();
    if (group->is_map()) {  // Argo takes a single step in place of a list of one
      steps.push_back(read_step(group, path, false, scope, problems));
      return;
    }
    if (!group->is_list()) {
      problems.invalid(path, group->at, "must be a list of steps that run at the same time (two dashes: `- - name:`)");
      return;
    }
    std::size_t index = 0;
    for (const YamlRef& step : group->items) {
      steps.push_back(read_step(step, path + "[" + std::to_string(index++) + "]", false, scope, problems));
    }
  });
  return out;
}

void read_type(FieldReader& fields, const YamlRef& node, Template& out, TemplateForm form, Problems& problems) {
  std::vector<std::string> given;
  for (const char* type : kRunnableTypes) {
    // `suspend: {}` and a bare `suspend:` both choose the type.
    if (node->find(type) != nullptr) given.emplace_back(type);
  }
  bool other = false;
  for (const char* type : kOtherTypes) {
    other = other || node->find(type) != nullptr;
    fields.unsupported(type, "run this template on a cluster, or put a `container` or `script` in its place");
  }
  if (given.size() > 1) {
    problems.invalid(fields.path(), fields.at(),
                     "has both `" + given[0] + "` and `" + given[1] + "`; a template is one");
  } else if (given.empty() && !other && form != TemplateForm::kDefaults) {
    problems.invalid(fields.path(), fields.at(),
                     "says nothing to run; give one of container, script, steps, dag, suspend, containerSet");
  }
  if (form == TemplateForm::kDefaults) {
    fields.recorded({"container", "script", "steps", "dag", "suspend", "containerSet"});
    return;
  }
  if (const YamlEntry* entry = fields.find("container")) {
    out.type = TemplateType::kContainer;
    out.container = read_container(entry->value, fields.path_of("container"), false, false, problems);
  }
  if (const YamlEntry* entry = fields.find("script")) {
    out.type = TemplateType::kScript;
    out.container = read_container(entry->value, fields.path_of("script"), true, false, problems);
  }
  if (node->find("steps") != nullptr) {
    out.type = TemplateType::kSteps;
    out.steps = read_steps(fields, out.scope, problems);
  }
  if (const YamlEntry* entry = fields.find("dag")) {
    out.type = TemplateType::kDag;
    out.dag = read_dag(entry->value, fields.path_of("dag"), out.scope, problems);
  }
  fields.recorded({"steps", "suspend"});
  if (const YamlEntry* entry = node->find("suspend")) {
    out.type = TemplateType::kSuspend;
    out.suspend = read_suspend(entry->value, fields.path_of("suspend"), problems);
  }
  if (const YamlEntry* entry = fields.find("containerSet")) {
    out.type = TemplateType::kContainerSet;
    out.container_set = read_container_set(entry->value, fields.path_of("containerSet"), problems);
  }
}

}  // namespace

std::vector<LifecycleHook> read_hooks(const YamlRef& node, const std::string& path, Problems& problems) {
  std::vector<LifecycleHook> out;
  if (node->is_null()) return out;
  if (!node->is_map()) {
    problems.invalid(path, node->at, "must be a map of names to hooks");
    return out;
  }
  for (const YamlEntry& entry : node->entries) {
    const std::string hook_path = path + "." + entry.key.substr(0, 100);
    FieldReader fields(entry.value, hook_path, problems);
    LifecycleHook hook;
    hook.at = entry.at;
    hook.name = entry.key;
    hook.template_name = fields.text("template");
    hook.expression = fields.text("expression");
    if (const YamlEntry* ref = fields.find("templateRef")) {
      hook.template_ref = read_template_ref(ref->value, fields.path_of("templateRef"), problems);
    }
    if (const YamlEntry* arguments = fields.find("arguments")) {
      hook.arguments = read_values(arguments->value, fields.path_of("arguments"), ValuesOf::kArguments, problems);
    }
    if (hook.template_name.empty() == !hook.template_ref.has_value()) {
      problems.invalid(hook_path, hook.at, "needs either `template` or `templateRef`");
    }
    if (hook.expression.empty() && hook.name != "exit") {
      problems.invalid(hook_path + ".expression", hook.at, "missing; every hook but `exit` needs one");
    }
    out.push_back(std::move(hook));
  }
  return out;
}

Step read_step(const YamlRef& node, const std::string& path, bool task, const std::string& scope, Problems& problems) {
  FieldReader fields(node, path, problems);
  Step out;
  out.at = fields.at();
  out.name = fields.text("name");
  if (out.name.empty()) problems.invalid(path + ".name", out.at, task ? "a task needs a name" : "a step needs a name");
  out.template_name = fields.text("template");
  if (const YamlEntry* ref = fields.find("templateRef")) {
    out.template_ref = read_template_ref(ref->value, fields.path_of("templateRef"), problems);
  }
  if (const YamlEntry* own = fields.find("inline")) {
    out.inline_template = std::make_shared<const Template>(
        read_template(own->value, fields.path_of("inline"), scope, TemplateForm::kInline, problems));
  }
  const int callees = (out.template_name.empty() ? 0 : 1) + (out.template_ref ? 1 : 0) + (out.inline_template ? 1 : 0);
  if (callees != 1) {
    problems.invalid(path, out.at,
                     callees == 0 ? "calls nothing; give one of template, templateRef, inline"
                                  : "give only one of template, templateRef, inline");
  }
  if (const YamlEntry* arguments = fields.find("arguments")) {
    out.arguments = read_values(arguments->value, fields.path_of("arguments"), ValuesOf::kArguments, problems);
  }
  out.loop = read_loop(fields, problems);
  out.when = fields.text("when");
  if (const YamlEntry* go_on = fields.find("continueOn")) {
    FieldReader inner(go_on->value, fields.path_of("continueOn"), problems);
    out.continue_on.error = inner.boolean("error").value_or(false);
    out.continue_on.failed = inner.boolean("failed").value_or(false);
  }
  if (const YamlEntry* hooks = fields.find("hooks")) {
    out.hooks = read_hooks(hooks->value, fields.path_of("hooks"), problems);
  }
  if (const YamlEntry* on_exit = fields.find("onExit")) {
    const std::string name = fields.text("onExit");
    const bool doubled =
        std::any_of(out.hooks.begin(), out.hooks.end(), [](const auto& h) { return h.name == "exit"; });
    if (doubled) {
      problems.invalid(fields.path_of("onExit"), on_exit->at, "give either onExit or hooks.exit");
    } else {
      LifecycleHook hook;
      hook.name = "exit";
      hook.template_name = name;
      hook.at = on_exit->at;
      out.hooks.push_back(std::move(hook));
    }
  }
  if (task) {
    out.depends = fields.text("depends");
    out.dependencies = fields.texts("dependencies");
    if (!out.depends.empty() && !out.dependencies.empty()) {
      problems.invalid(path, out.at, "give either depends or dependencies");
    }
    if (!out.depends.empty() && (out.continue_on.error || out.continue_on.failed)) {
      problems.invalid(
          fields.path_of("continueOn"), out.at,
          "cannot stand beside depends; say it in the depends of those that follow: A.Failed || A.Errored");
    }
  }
  return out;
}

Template read_template(const YamlRef& node, const std::string& path, const std::string& scope, TemplateForm form,
                       Problems& problems) {
  FieldReader fields(node, path, problems);
  Template out;
  out.at = fields.at();
  out.scope = scope;
  out.name = fields.text("name");
  if (out.name.empty() && form == TemplateForm::kNamed) problems.invalid(path + ".name", out.at, "missing");
  read_type(fields, node, out, form, problems);
  if (const YamlEntry* inputs = fields.find("inputs")) {
    out.inputs = read_values(inputs->value, fields.path_of("inputs"), ValuesOf::kInputs, problems);
  }
  if (const YamlEntry* outputs = fields.find("outputs")) {
    out.outputs = read_values(outputs->value, fields.path_of("outputs"), ValuesOf::kOutputs, problems);
  }
  if (const YamlEntry* metadata = fields.find("metadata")) {
    out.metadata = read_metadata(metadata->value, fields.path_of("metadata"), problems);
  }
  for (auto& [key, value] : fields.text_map("annotations")) out.metadata.annotations.emplace(key, value);
  if (const YamlEntry* retry = fields.find("retryStrategy")) {
    out.retry_strategy = read_retry(retry->value, fields.path_of("retryStrategy"), problems);
  }
  out.timeout = fields.text_or_integer("timeout");
  out.active_deadline_seconds = fields.text_or_integer("activeDeadlineSeconds");
  out.parallelism = fields.integer("parallelism", 1);
  out.fail_fast = fields.boolean("failFast");
  if (const YamlEntry* daemon = fields.find("daemon")) {
    if (fields.boolean("daemon").value_or(false)) {
      problems.unsupported(fields.path_of("daemon"), daemon->at,
                           "the local engine does not run this; start the service beside the workflow, or within the "
                           "step that needs it");
    }
  }
  fields.recorded({"affinity", "archiveLocation", "automountServiceAccountToken", "executor", "hostAliases",
                   "nodeSelector", "pendingTimeout", "podResources", "podSpecPatch", "priority", "priorityClassName",
                   "resourceClaims", "schedulerName", "securityContext", "serviceAccountName", "tolerations"});
  fields.noted("metrics", "recorded; the local engine emits no metrics");
  fields.unsupported("volumes", "hand files on as artifacts");
  fields.unsupported("sidecars", "use a containerSet, or start it within the command");
  fields.unsupported("initContainers", "do its work in a step before");
  fields.unsupported("synchronization", "use `parallelism`");
  fields.unsupported("memoize", "leave it out: the step then simply runs again");
  return out;
}

YamlRef with_template_defaults(const YamlRef& tmpl, const YamlRef& defaults) {
  if (!tmpl->is_map() || !defaults->is_map()) return tmpl;
  YamlRef fitting = without_entry(defaults, "name");
  for (const char* type : kRunnableTypes) {
    if (tmpl->find(type) == nullptr) fitting = without_entry(fitting, type);
  }
  for (const char* type : kOtherTypes) {
    if (tmpl->find(type) == nullptr) fitting = without_entry(fitting, type);
  }
  return merge_yaml(fitting, tmpl);
}

}  // namespace logstone::local
