#include "cluster/local/manifest.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "cluster/local/local_cluster.h"
#include "cluster/local/manifest_fields.h"
#include "cluster/local/manifest_read.h"
#include "cluster/local/manifest_yaml.h"
#include "cluster/local/validation.h"

namespace logstone::local {

enum class DocumentKind { kWorkflow, kWorkflowTemplate, kClusterWorkflowTemplate };

struct Document {
  DocumentKind kind;
  YamlRef root;
  std::string name;
};

struct ParsedManifests::Content {
  std::string source;
  std::vector<Document> documents;
  std::vector<std::string> notes;
};

namespace {

constexpr const char* kApiVersion = "argoproj.io/v1alpha1";

const YamlRef& null_node() {
  static const YamlRef node = std::make_shared<const YamlNode>();
  return node;
}

YamlRef part(const YamlRef& map, std::string_view key) {
  const YamlEntry* entry = map->is_map() ? map->find(key) : nullptr;
  return entry != nullptr ? entry->value : null_node();
}

struct ObjectMeta {
  std::string name;
  std::string generate_name;
  std::string name_space;
  Metadata metadata;
};

ObjectMeta read_object_meta(const YamlRef& node, Problems& problems) {
  FieldReader fields(node, "metadata", problems);
  ObjectMeta out;
  out.name = fields.text("name");
  out.generate_name = fields.text("generateName");
  out.name_space = fields.text("namespace");
  out.metadata.labels = fields.text_map("labels");
  out.metadata.annotations = fields.text_map("annotations");
  fields.recorded({"creationTimestamp", "finalizers", "generation", "managedFields", "ownerReferences",
                   "resourceVersion", "selfLink", "uid"});
  return out;
}

std::optional<DocumentKind> read_kind(FieldReader& fields, Problems& problems) {
  const std::string kind = fields.text("kind");
  const std::string version = fields.text("apiVersion");
  if (kind.empty() || version.empty()) {
    problems.invalid(kind.empty() ? "kind" : "apiVersion", fields.at(),
                     kind.empty()
                         ? "missing; a manifest begins with apiVersion: argoproj.io/v1alpha1 and kind: Workflow"
                         : "missing; write apiVersion: argoproj.io/v1alpha1");
    return std::nullopt;
  }
  if (version == kApiVersion && kind == "Workflow") return DocumentKind::kWorkflow;
  if (version == kApiVersion && kind == "WorkflowTemplate") return DocumentKind::kWorkflowTemplate;
  if (version == kApiVersion && kind == "ClusterWorkflowTemplate") return DocumentKind::kClusterWorkflowTemplate;
  if (version == kApiVersion && kind == "CronWorkflow") {
    problems.unsupported("kind", fields.at(),
                         "the local engine keeps no schedules (CronWorkflow); submit its workflowSpec as a Workflow");
  } else {
    const std::string meant = nearest(kind, {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"});
    if (!meant.empty() && meant != kind) {
      problems.invalid("kind", fields.at(), "unknown kind " + kind.substr(0, 100) + "; did you mean " + meant + "?");
    } else {
      problems.unsupported("kind", fields.at(),
                           "the local engine takes Workflow, WorkflowTemplate and ClusterWorkflowTemplate of " +
                               std::string(kApiVersion) + " only, not " + kind.substr(0, 100) + " of " +
                               version.substr(0, 100) + "; leave this document out");
    }
  }
  return std::nullopt;
}

void read_document(const YamlRef& root, ParsedManifests::Content& content, Problems& problems) {
  if (!root->is_map()) {
    problems.invalid("manifest", root->at, "must be a map with apiVersion, kind, metadata and spec");
    return;
  }
  // Of an object that this engine does not know, the kind is told and no field.
  std::optional<DocumentKind> kind;
  {
    Problems of_fields;
    FieldReader fields(root, "", of_fields);
    kind = read_kind(fields, problems);
  }
  if (!kind) return;
  FieldReader fields(root, "", problems);
  fields.recorded({"apiVersion", "kind", "metadata", "status"});
  const ObjectMeta meta = read_object_meta(part(root, "metadata"), problems);
  const bool workflow = *kind == DocumentKind::kWorkflow;
  if (meta.name.empty() && (!workflow || meta.generate_name.empty())) {
    problems.invalid("metadata.name", root->at, workflow ? "missing; give name or generateName" : "missing");
  }
  const YamlEntry* spec = fields.find("spec");
  if (spec == nullptr) {
    problems.invalid("spec", root->at, "missing");
    return;
  }
  static_cast<void>(read_spec(spec->value, "spec", "local", problems));
  content.documents.push_back({*kind, root, meta.name});
}

/// Finds the templates that a workflow may refer to, among all documents given.
class Library {
 public:
  void add(const ParsedManifests::Content& content) {
    for (const Document& document : content.documents) {
      if (document.kind == DocumentKind::kWorkflow) continue;
      documents_.emplace(key(document.kind == DocumentKind::kClusterWorkflowTemplate, document.name), &document);
    }
  }
  [[nodiscard]] const Document* find(bool cluster_scope, const std::string& name) const {
    const auto it = documents_.find(key(cluster_scope, name));
    return it == documents_.end() ? nullptr : it->second;
  }
  [[nodiscard]] std::string missing(bool cluster_scope, const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [known, document] : documents_) {
      if ((document->kind == DocumentKind::kClusterWorkflowTemplate) == cluster_scope) names.push_back(document->name);
    }
    const std::string meant = nearest(name, names);
    return std::string("no ") + (cluster_scope ? "ClusterWorkflowTemplate " : "WorkflowTemplate ") + name +
           " was given; " + (meant.empty() ? "give its file too" : "did you mean " + meant + "?");
  }

 private:
  static std::string key(bool cluster_scope, const std::string& name) {
    return (cluster_scope ? "cluster/" : "namespaced/") + name;
  }
  std::map<std::string, const Document*> documents_;
};

void collect_refs(const Template& tmpl, std::vector<std::pair<TemplateRef, SourceLine>>& refs) {
  const auto of_step = [&](const Step& step) {
    if (step.template_ref) refs.emplace_back(*step.template_ref, step.at);
    if (step.inline_template) collect_refs(*step.inline_template, refs);
    for (const LifecycleHook& hook : step.hooks) {
      if (hook.template_ref) refs.emplace_back(*hook.template_ref, hook.at);
    }
  };
  for (const auto& group : tmpl.steps) std::for_each(group.begin(), group.end(), of_step);
  if (tmpl.dag) std::for_each(tmpl.dag->tasks.begin(), tmpl.dag->tasks.end(), of_step);
}

/// Makes one ParsedWorkflow.
class Resolver {
 public:
  Resolver(const Library& library, const ResolveOptions& options, Problems& problems)
      : library_(library), options_(options), problems_(problems) {}

  ParsedWorkflow resolve(const Document& document) {
    const ObjectMeta meta = read_object_meta(part(document.root, "metadata"), problems_);
    const YamlRef spec_tree = whole_spec(part(document.root, "spec"));
    ReadSpec spec = read_spec(spec_tree, "spec", "local", problems_);
    ParsedWorkflow out = std::move(spec.workflow);
    out.name = meta.name;
    out.generate_name = meta.generate_name;
    out.name_space = !meta.name_space.empty()       ? meta.name_space
                     : !options_.name_space.empty() ? options_.name_space
                                                    : "default";
    out.metadata.labels.insert(meta.metadata.labels.begin(), meta.metadata.labels.end());
    out.metadata.annotations.insert(meta.metadata.annotations.begin(), meta.metadata.annotations.end());
    const YamlRef defaults = part(spec_tree, "templateDefaults");
    add_templates(out, std::move(spec.templates), spec.retry_strategy);
    follow_refs(out, defaults, spec.retry_strategy);
    give_parameters(out);
    out.manifest_json = manifest_json(document.root, out);
    out.stored = stored(document);
    return out;
  }

  [[nodiscard]] const std::set<std::string>& used_parameters() const { return used_parameters_; }

 private:
  /// The spec with that of its workflowTemplateRef beneath it.
  YamlRef whole_spec(const YamlRef& spec) {
    const YamlRef ref = part(spec, "workflowTemplateRef");
    if (ref->is_null()) return spec;
    const std::string name = part(ref, "name")->text;
    const YamlRef cluster = part(ref, "clusterScope");
    const bool cluster_scope = cluster->is_scalar() && cluster->text == "true";
    const Document* found = library_.find(cluster_scope, name);
    if (found == nullptr) {
      problems_.invalid("spec.workflowTemplateRef.name", ref->at, library_.missing(cluster_scope, name));
      return spec;
    }
    if (!part(spec, "templates")->is_null()) {
      problems_.invalid("spec.templates", part(spec, "templates")->at, "cannot stand beside workflowTemplateRef");
    }
    needed_.push_back(found);
    return merge_yaml(without_entry(part(found->root, "spec"), "workflowTemplateRef"), spec);
  }

  void add_templates(ParsedWorkflow& out, std::vector<Template> templates, const std::optional<RetryStrategy>& retry) {
    for (Template& tmpl : templates) {
      if (!tmpl.retry_strategy) tmpl.retry_strategy = retry;
      const std::string key = tmpl.scope + "/" + tmpl.name;
      const SourceLine at = tmpl.at;
      if (!out.templates.emplace(key, std::move(tmpl)).second) {
        problems_.invalid("template " + key.substr(key.rfind('/') + 1), at, "stands twice");
      }
    }
  }

  void follow_refs(ParsedWorkflow& out, const YamlRef& defaults, const std::optional<RetryStrategy>& retry) {
    std::vector<std::pair<TemplateRef, SourceLine>> refs;
    for (const auto& [key, tmpl] : out.templates) collect_refs(tmpl, refs);
    for (const LifecycleHook& hook : out.hooks) {
      if (hook.template_ref) refs.emplace_back(*hook.template_ref, hook.at);
    }
    std::set<std::string> done;
    while (!refs.empty()) {
      const auto [ref, at] = refs.back();
      refs.pop_back();
      if (ref.name.find("{{") != std::string::npos) {
        problems_.unsupported("templateRef.name", at, "the local engine needs a name without tags");
        continue;
      }
      const std::string scope = (ref.cluster_scope ? "cluster/" : "namespaced/") + ref.name;
      if (!done.insert(scope).second) continue;
      const Document* found = library_.find(ref.cluster_scope, ref.name);
      if (found == nullptr) {
        problems_.invalid("templateRef.name", at, library_.missing(ref.cluster_scope, ref.name));
        continue;
      }
      needed_.push_back(found);
      YamlRef spec_tree = part(found->root, "spec");
      if (!defaults->is_null()) spec_tree = with_entry(spec_tree, "templateDefaults", defaults);
      ReadSpec spec = read_spec(spec_tree, found->name + ": spec", scope, problems_);
      for (const Template& tmpl : spec.templates) collect_refs(tmpl, refs);
      add_templates(out, std::move(spec.templates), retry);
    }
  }

  void give_parameters(ParsedWorkflow& out) {
    for (Parameter& parameter : out.arguments.parameters) {
      const auto given = options_.parameters.find(parameter.name);
      if (given == options_.parameters.end()) {
        if (!parameter.value) parameter.value = parameter.default_value;
        if (!parameter.value && parameter.value_from) parameter.value = parameter.value_from->default_value;
        continue;
      }
      used_parameters_.insert(parameter.name);
      parameter.value = given->second;
      parameter.value_from.reset();
    }
  }

  static std::string manifest_json(const YamlRef& root, const ParsedWorkflow& workflow) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(to_json(*root), nullptr, false);
    json["metadata"]["namespace"] = workflow.name_space;
    for (const auto& [key, value] : workflow.metadata.labels) json["metadata"]["labels"][key] = value;
    for (const auto& [key, value] : workflow.metadata.annotations) json["metadata"]["annotations"][key] = value;
    json.erase("status");
    if (!workflow.arguments.parameters.empty()) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const Parameter& parameter : workflow.arguments.parameters) {
        nlohmann::ordered_json item{{"name", parameter.name}};
        if (parameter.value) item["value"] = *parameter.value;
        list.push_back(std::move(item));
      }
      json["spec"]["arguments"]["parameters"] = std::move(list);
    }
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  }

  [[nodiscard]] std::string stored(const Document& document) const {
    nlohmann::json json;
    std::vector<const Document*> all{&document};
    all.insert(all.end(), needed_.begin(), needed_.end());
    for (const Document* one : all) {
      json["documents"].push_back({{"source", one->root->at.source}, {"tree", encode_tree(*one->root)}});
    }
    json["parameters"] = nlohmann::json::object();
    for (const std::string& name : used_parameters_) json["parameters"][name] = options_.parameters.at(name);
    json["namespace"] = options_.name_space;
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  const Library& library_;
  const ResolveOptions& options_;
  Problems& problems_;
  std::vector<const Document*> needed_;
  std::set<std::string> used_parameters_;
};

/// Resolves the workflows of `content`; adds to `problems` and `out`.
void resolve_into(const ParsedManifests::Content& content, const ResolveOptions& options, const Library& library,
                  Problems& problems, std::vector<ParsedWorkflow>& out) {
  std::set<std::string> used;
  std::vector<std::string> declared;
  for (const Document& document : content.documents) {
    if (document.kind != DocumentKind::kWorkflow) continue;
    Problems of_this;
    Resolver resolver(library, options, of_this);
    ParsedWorkflow workflow = resolver.resolve(document);
    if (of_this.empty()) validate_workflow(workflow, of_this);
    workflow.notes = of_this.notes();
    used.insert(resolver.used_parameters().begin(), resolver.used_parameters().end());
    for (const Parameter& parameter : workflow.arguments.parameters) declared.push_back(parameter.name);
    problems.merge(of_this);
    out.push_back(std::move(workflow));
  }
  for (const auto& [name, value] : options.parameters) {
    if (used.contains(name)) continue;
    const std::string meant = nearest(name, declared);
    problems.invalid("parameter " + name.substr(0, 100), {content.source, 0},
                     "given by hand, but no workflow here has it in spec.arguments.parameters" +
                         (meant.empty() ? "" : "; did you mean " + meant + "?"));
  }
}

Error check_failed(const Problems& problems, const std::string& source) {
  return problems.error("check manifest", source);
}

}  // namespace

const Parameter* Values::parameter(std::string_view name) const {
  const auto it = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == name; });
  return it == parameters.end() ? nullptr : &*it;
}

const Artifact* Values::artifact(std::string_view name) const {
  const auto it = std::find_if(artifacts.begin(), artifacts.end(), [&](const auto& a) { return a.name == name; });
  return it == artifacts.end() ? nullptr : &*it;
}

const char* to_string(TemplateType type) {
  switch (type) {
    case TemplateType::kContainer:
      return "container";
    case TemplateType::kScript:
      return "script";
    case TemplateType::kSteps:
      return "steps";
    case TemplateType::kDag:
      return "dag";
    case TemplateType::kSuspend:
      return "suspend";
    case TemplateType::kContainerSet:
      return "containerSet";
  }
  return "?";
}

namespace {
const Template* find_callee(const ParsedWorkflow& workflow, std::string_view caller_scope, const std::string& name,
                            const std::optional<TemplateRef>& ref) {
  std::string key;
  if (ref) {
    key = (ref->cluster_scope ? "cluster/" : "namespaced/") + ref->name + "/" + ref->template_name;
  } else {
    key = std::string(caller_scope) + "/" + name;
  }
  const auto it = workflow.templates.find(key);
  return it == workflow.templates.end() ? nullptr : &it->second;
}
}  // namespace

const Template* ParsedWorkflow::find_template(std::string_view caller_scope, const Step& step) const {
  if (step.inline_template) return step.inline_template.get();
  return find_callee(*this, caller_scope, step.template_name, step.template_ref);
}

const Template* ParsedWorkflow::find_template(std::string_view caller_scope, const LifecycleHook& hook) const {
  return find_callee(*this, caller_scope, hook.template_name, hook.template_ref);
}

const Template* ParsedWorkflow::find_template(std::string_view template_name) const {
  return find_callee(*this, "local", std::string(template_name), std::nullopt);
}

Result<ParsedManifests> parse_manifests(std::string_view yaml, const std::string& source) {
  LOGSTONE_ASSIGN(const std::vector<YamlRef> roots, read_yaml(yaml, source));
  auto content = std::make_shared<ParsedManifests::Content>();
  content->source = source;
  Problems problems;
  if (roots.empty()) problems.invalid("manifest", {source, 0}, "holds no document");
  for (const YamlRef& root : roots) read_document(root, *content, problems);
  if (!problems.empty()) return problems.error("read manifest", source);
  return ParsedManifests(std::move(content));
}

Result<std::vector<ParsedWorkflow>> resolve_manifests(const ParsedManifests& manifests, const ResolveOptions& options,
                                                      const std::vector<ParsedManifests>& alongside) {
  Library library;
  library.add(manifests.content());
  for (const ParsedManifests& other : alongside) library.add(other.content());
  Problems problems;
  std::vector<ParsedWorkflow> out;
  resolve_into(manifests.content(), options, library, problems, out);
  if (!problems.empty()) return check_failed(problems, manifests.content().source);
  return out;
}

Result<std::vector<ParsedWorkflow>> resolve_submissions(const std::vector<Submission>& submissions) {
  std::vector<ParsedManifests> all;
  Library library;
  std::string sources;
  for (const Submission& submission : submissions) {
    LOGSTONE_ASSIGN(ParsedManifests parsed, parse_manifests(submission.yaml, submission.source));
    sources += (sources.empty() ? "" : ", ") + submission.source;
    all.push_back(std::move(parsed));
  }
  for (const ParsedManifests& parsed : all) library.add(parsed.content());
  Problems problems;
  std::vector<ParsedWorkflow> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    resolve_into(all[i].content(), {submissions[i].parameters, submissions[i].name_space}, library, problems, out);
  }
  if (!problems.empty()) return check_failed(problems, sources);
  return out;
}

Result<ParsedWorkflow> reopen_workflow(const std::string& stored) {
  const Error corrupt{ErrorKind::kCorrupt, "read stored manifest", "of a workflow", "it is not what was stored", ""};
  const nlohmann::json json = nlohmann::json::parse(stored, nullptr, false);
  if (!json.is_object() || !json.contains("documents") || !json["documents"].is_array()) return corrupt;
  ResolveOptions options;
  auto content = std::make_shared<ParsedManifests::Content>();
  Problems problems;
  for (const auto& document : json["documents"]) {
    if (!document.is_object() || !document.contains("source") || !document.contains("tree") ||
        !document["source"].is_string() || !document["tree"].is_string()) {
      return corrupt;
    }
    content->source = content->documents.empty() ? document["source"].get<std::string>() : content->source;
    LOGSTONE_ASSIGN(const YamlRef root, decode_tree(document["tree"], document["source"]));
    read_document(root, *content, problems);
  }
  if (!problems.empty()) return problems.error("read stored manifest", content->source);
  if (json.contains("parameters") && json["parameters"].is_object()) {
    for (const auto& [name, value] : json["parameters"].items()) {
      if (value.is_string()) options.parameters[name] = value;
    }
  }
  if (json.contains("namespace") && json["namespace"].is_string()) options.name_space = json["namespace"];
  LOGSTONE_ASSIGN(std::vector<ParsedWorkflow> workflows, resolve_manifests(ParsedManifests(content), options));
  if (workflows.size() != 1) return corrupt;
  return std::move(workflows.front());
}

Result<std::map<std::string, std::string>> parse_parameter_file(std::string_view text, const std::string& source) {
  LOGSTONE_ASSIGN(const std::vector<YamlRef> roots, read_yaml(text, source));
  std::map<std::string, std::string> out;
  if (roots.empty()) return out;
  const auto refuse = [&](const SourceLine& at, std::string reason) {
    return Error{ErrorKind::kInvalidInput, "read parameter file", at.text(), std::move(reason),
                 "Write one `name: value` a line."};
  };
  if (roots.size() > 1) return refuse(roots[1]->at, "it holds more than one document");
  if (!roots[0]->is_map()) return refuse(roots[0]->at, "it is not a map of names to values");
  for (const YamlEntry& entry : roots[0]->entries) {
    const YamlNode& value = *entry.value;
    out[entry.key] = value.is_scalar() ? value.text : value.is_null() ? "" : to_json(value);
  }
  return out;
}

}  // namespace logstone::local
