// Argo Workflow manifests as plain values: what the engine reads before it starts anything.
// Field names and meanings are Argo's. Texts may still hold `{{tags}}` (template_tags.h) unless said otherwise.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/workflow.h"

namespace logstone {
struct Submission;
}

namespace logstone::local {

struct Template;

/// Where a thing was written; line 0 where nobody wrote it. "pod.yaml:14".
struct SourceLine {
  std::string source;
  int line = 0;
  [[nodiscard]] std::string text() const { return line > 0 ? source + ":" + std::to_string(line) : source; }
};

struct ValueFrom {
  std::string path;        ///< A file that the main container writes.
  std::string parameter;   ///< A tag: `{{steps.a.outputs.parameters.x}}`.
  std::string expression;  ///< expr-lang, without braces.
  std::optional<std::string> default_value;
  bool supplied = false;  ///< Somebody gives it while the workflow is suspended: only its default is ever had here.
};

struct Parameter {
  std::string name;
  std::optional<std::string> value;  ///< Numbers and booleans as they were written; maps and lists as JSON.
  std::optional<std::string> default_value;
  std::optional<ValueFrom> value_from;
  std::string global_name;  ///< Outputs: becomes `workflow.outputs.parameters.<global_name>`.
  std::vector<std::string> enum_values;
  SourceLine at;
};

enum class ArtifactArchive { kTar, kNone, kZip };

struct Artifact {
  std::string name;
  std::string path;  ///< In the container.
  std::string from;  ///< A tag: `{{steps.a.outputs.artifacts.x}}`.
  std::string from_expression;
  std::optional<std::string> raw;
  std::string sub_path;
  bool optional = false;
  std::optional<int> mode;  ///< Permission bits, inputs only.
  std::string global_name;  ///< Outputs: becomes `workflow.outputs.artifacts.<global_name>`.
  ArtifactArchive archive = ArtifactArchive::kTar;
  SourceLine at;
};

/// `inputs`, `outputs` and `arguments` alike.
struct Values {
  std::vector<Parameter> parameters;
  std::vector<Artifact> artifacts;
  [[nodiscard]] const Parameter* parameter(std::string_view name) const;
  [[nodiscard]] const Artifact* artifact(std::string_view name) const;
};

struct EnvVar {
  std::string name;
  std::string value;
  std::string
      field_path;  ///< `valueFrom.fieldRef.fieldPath`: metadata.name, metadata.namespace, metadata.uid; or empty.
};

/// `container`, `script` (then `source` is set) or one of a `containerSet`.
struct Container {
  std::string name = "main";
  std::string image;  ///< Recorded, never pulled.
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::vector<EnvVar> env;
  std::string working_dir;
  std::optional<std::string> source;      ///< script: a file whose path is appended to the command.
  std::vector<std::string> dependencies;  ///< containerSet: names of the containers that must succeed before it.
  SourceLine at;
};

struct Backoff {
  std::string duration;  ///< parse_duration's forms ("10", "2m"); empty: none.
  std::string factor;    ///< A number; empty: 1.
  std::string max_duration;
  std::string cap;  ///< Longest single wait.
};

enum class RetryPolicy { kAlways, kOnFailure, kOnError, kOnTransientError };

struct RetryStrategy {
  std::optional<std::string> limit;  ///< A number (text, it may hold tags); none: without end.
  /// Argo's default: OnFailure, but Always where there is an expression; already applied here.
  RetryPolicy policy = RetryPolicy::kOnFailure;
  std::optional<Backoff> backoff;
  std::string expression;  ///< Retries only while it is true; sees lastRetry.exitCode, .status, .duration, .message.
  SourceLine at;
};

/// containerSet's own: within the pod.
struct ContainerSetRetry {
  std::string duration;
  std::string retries;
};

struct ContinueOn {
  bool error = false;
  bool failed = false;
};

struct TemplateRef {
  std::string name;
  std::string template_name;
  bool cluster_scope = false;
};

/// `withSequence`: numbers as text, since they may hold tags; empty where not given.
struct Sequence {
  std::string count;
  std::string start;
  std::string end;
  std::string format;  ///< printf: "testuser%02X".
};

struct Loop {
  /// `withItems`, each as compact JSON (a string "a" is `"a"`).
  std::optional<std::vector<std::string>> items;
  std::optional<std::string> param;  ///< `withParam`: JSON text, usually a tag.
  std::optional<Sequence> sequence;
  [[nodiscard]] bool present() const { return items || param || sequence; }
};

struct LifecycleHook {
  std::string name;  ///< "exit" runs at the end; others when `expression` first becomes true.
  std::string template_name;
  std::optional<TemplateRef> template_ref;
  Values arguments;
  std::string expression;
  SourceLine at;
};

/// A call of a template: a step, or (with `depends`, `dependencies`) a DAG's task.
struct Step {
  std::string name;
  std::string template_name;                        ///< One of these three is given.
  std::optional<TemplateRef> template_ref;          //
  std::shared_ptr<const Template> inline_template;  //
  Values arguments;
  Loop loop;
  std::string when;  ///< Empty: always.
  ContinueOn continue_on;
  std::vector<LifecycleHook> hooks;       ///< `onExit` is here too, as the hook "exit".
  std::string depends;                    ///< Tasks only.
  std::vector<std::string> dependencies;  ///< Tasks only.
  SourceLine at;
};
using Task = Step;

struct Dag {
  std::vector<Task> tasks;
  std::string target;     ///< Names of tasks, separated by blanks; empty: those on which none depends.
  bool fail_fast = true;  ///< After a failure start nothing new.
};

struct ContainerSet {
  std::vector<Container> containers;
  std::optional<ContainerSetRetry> retry;
};

struct Suspend {
  std::string duration;  ///< parse_duration's forms. Never empty: waiting for a person is refused.
};

struct Metadata {
  Labels labels;
  Labels annotations;
};

enum class TemplateType { kContainer, kScript, kSteps, kDag, kSuspend, kContainerSet };
[[nodiscard]] const char* to_string(TemplateType type);

struct Template {
  std::string name;
  /// Whose template it is, for the names within it: "local", "namespaced/<WorkflowTemplate>", "cluster/<name>".
  std::string scope = "local";
  TemplateType type = TemplateType::kContainer;
  std::optional<Container> container;  ///< kContainer, kScript.
  std::vector<std::vector<Step>> steps;
  std::optional<Dag> dag;
  std::optional<Suspend> suspend;
  std::optional<ContainerSet> container_set;
  Values inputs;
  Values outputs;
  Metadata metadata;  ///< Of the pod.
  std::optional<RetryStrategy> retry_strategy;
  std::string timeout;                  ///< Of the node, pending time included; empty: none.
  std::string active_deadline_seconds;  ///< Of the running pod; empty: none.
  std::optional<std::int64_t> parallelism;
  std::optional<bool> fail_fast;  ///< With `parallelism`: stop starting after a failure.
  SourceLine at;
  [[nodiscard]] bool is_pod() const {
    return type == TemplateType::kContainer || type == TemplateType::kScript || type == TemplateType::kContainerSet;
  }
};

struct TtlStrategy {
  std::optional<std::int64_t> after_completion;  ///< Seconds.
  std::optional<std::int64_t> after_success;
  std::optional<std::int64_t> after_failure;
};

enum class PodGcStrategy { kNone, kOnPodCompletion, kOnPodSuccess, kOnWorkflowCompletion, kOnWorkflowSuccess };

struct PodGc {
  PodGcStrategy strategy = PodGcStrategy::kNone;
  std::string label_selector;   ///< Kubernetes' text form: "a=b,c in (d,e)"; empty: all.
  Nanoseconds delete_delay{0};  ///< Argo's default is 5 s; already applied.
};

/// A Workflow, ready to run once `resolve_manifests` gave it: no tag in it lacks a source, every template is found.
struct ParsedWorkflow {
  std::string name;           ///< Empty where generateName is given.
  std::string generate_name;  ///< A prefix.
  std::string name_space;
  Metadata metadata;
  std::string entrypoint;
  Values arguments;  ///< Values given by hand are in already.
  std::string on_exit;
  std::vector<LifecycleHook> hooks;
  std::optional<TtlStrategy> ttl;
  PodGc pod_gc;
  std::optional<std::int64_t> active_deadline_seconds;
  std::optional<std::int64_t> parallelism;
  std::string service_account;
  std::optional<std::int64_t> priority;
  Metadata pod_metadata;
  /// All that can be called, by `<scope>/<name>`; templateDefaults and the spec's retryStrategy are merged in.
  std::map<std::string, Template> templates;

  /// What the step or hook of a template in `caller_scope` calls; null where there is none. Tags in names must have
  /// been substituted. The pointer lives as long as this object (or as the step, for an inline template).
  [[nodiscard]] const Template* find_template(std::string_view caller_scope, const Step& step) const;
  [[nodiscard]] const Template* find_template(std::string_view caller_scope, const LifecycleHook& hook) const;
  /// One of the workflow's own, for the entrypoint and onExit.
  [[nodiscard]] const Template* find_template(std::string_view name) const;

  std::string manifest_json;       ///< apiVersion, kind, metadata and spec as written, given parameters included.
  std::string stored;              ///< All that `reopen_workflow` needs to make this object again, in another process.
  std::vector<std::string> notes;  ///< What was accepted and has no effect here, for the person who submits.
  SourceLine at;
};

/// One source's documents after reading; each field was checked by itself, nothing across them yet.
class ParsedManifests {
 public:
  struct Content;
  explicit ParsedManifests(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  [[nodiscard]] const Content& content() const { return *content_; }

 private:
  std::shared_ptr<const Content> content_;
};

/// Reads YAML or JSON, one or many documents: Workflow, WorkflowTemplate, ClusterWorkflowTemplate. `source` names it in
/// errors. Never more than 4 MiB. All faults are told at once, one a line of the reason; kUnsupported where the
/// manifest is sound and only asks for what this engine does not do, else kInvalidInput.
[[nodiscard]] Result<ParsedManifests> parse_manifests(std::string_view yaml, const std::string& source);

struct ResolveOptions {
  std::map<std::string, std::string> parameters;  ///< Given by hand; each must be one that some workflow declares.
  std::string name_space;                         ///< For those that name none; empty: "default".
};

/// Joins the Workflows of `manifests` with their own and `alongside`'s templates, merges parameters, and checks
/// everything that can be known before a start. Workflows in the order in which they were given; none is fine.
[[nodiscard]] Result<std::vector<ParsedWorkflow>> resolve_manifests(const ParsedManifests& manifests,
                                                                    const ResolveOptions& options,
                                                                    const std::vector<ParsedManifests>& alongside = {});

/// Reads and resolves all; each may refer to the templates in any of them.
[[nodiscard]] Result<std::vector<ParsedWorkflow>> resolve_submissions(const std::vector<Submission>& submissions);

/// From `ParsedWorkflow::stored`.
[[nodiscard]] Result<ParsedWorkflow> reopen_workflow(const std::string& stored);

/// `--parameter-file`: a YAML or JSON map of names to values; maps and lists become JSON text.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_parameter_file(std::string_view text,
                                                                              const std::string& source);

}  // namespace logstone::local
