// What manifests become.
#include "cluster/local/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cluster/local/local_cluster.h"
#include "tests/local/manifest/manifest_text.h"

namespace logstone::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ParsedWorkflow only(const std::string& text, const ResolveOptions& options = {}) {
  auto read = read_text(text, options);
  EXPECT_TRUE(read.has_value()) << read.error().message();
  if (!read || read->size() != 1) return {};
  return std::move(read->front());
}

TEST(Manifest, ReadsAWorkflowWithAllItsParts) {
  const ParsedWorkflow workflow = only(R"yaml(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: train-
  namespace: team-a
  labels: {app: trainer}
  annotations: {note: "1"}
spec:
  entrypoint: main
  onExit: bye
  activeDeadlineSeconds: 600
  parallelism: 3
  priority: -2
  serviceAccountName: runner
  ttlStrategy: {secondsAfterCompletion: 30, secondsAfterSuccess: 10, secondsAfterFailure: 60}
  podGC:
    strategy: OnPodSuccess
    deleteDelayDuration: 30s
    labelSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [d, e]}]}
  podMetadata: {labels: {team: a}}
  workflowMetadata: {labels: {stage: dev}}
  arguments:
    parameters: [{name: epochs, value: 3}, {name: rate, value: 0.50}, {name: fast, value: true}, {name: config, value: {a: [1]}}]
  hooks:
    running: {expression: workflow.status == "Running", template: bye}
  retryStrategy: {limit: 2}
  templateDefaults:
    timeout: 30s
    container: {imagePullPolicy: Always}
  templates:
  - name: main
    steps:
    - - {name: one, template: work, arguments: {parameters: [{name: x, value: "{{workflow.parameters.epochs}}"}]}}
      - name: two
        template: work
        when: "{{workflow.parameters.fast}} == true"
        continueOn: {failed: true}
        withItems: [a, 1, true, {k: v}, [1, 2]]
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
        onExit: bye
    - - {name: three, template: work, arguments: {parameters: [{name: x, value: "{{steps.one.outputs.result}}"}]}}
  - name: work
    inputs:
      parameters: [{name: x}, {name: y, default: z, enum: [z, w]}]
      artifacts: [{name: data, path: /tmp/data, raw: {data: hello}, mode: 420, optional: true}]
    outputs:
      parameters: [{name: best, valueFrom: {path: /tmp/best, default: none}, globalName: best}]
      artifacts: [{name: model, path: /tmp/model, archive: {none: {}}}]
    metadata: {labels: {step: work}}
    activeDeadlineSeconds: "20"
    retryStrategy: {limit: "3", retryPolicy: OnError, backoff: {duration: 1s, factor: 2, maxDuration: 1m, cap: 10s}}
    container:
      image: python:3
      command: [python3]
      args: ["-c", "print({{inputs.parameters.x}})"]
      workingDir: /tmp
      env: [{name: A, value: b}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
      resources: {requests: {memory: 1Gi}}
  - name: bye
    script: {image: bash, command: [bash], source: "echo {{workflow.status}}"}
)yaml");
  EXPECT_EQ(workflow.generate_name, "train-");
  EXPECT_EQ(workflow.name_space, "team-a");
  EXPECT_EQ(workflow.metadata.labels, (Labels{{"app", "trainer"}, {"stage", "dev"}}));
  EXPECT_EQ(workflow.entrypoint, "main");
  EXPECT_EQ(workflow.on_exit, "bye");
  EXPECT_EQ(workflow.active_deadline_seconds, 600);
  EXPECT_EQ(workflow.parallelism, 3);
  EXPECT_EQ(workflow.priority, -2);
  EXPECT_EQ(workflow.ttl->after_success, 10);
  EXPECT_EQ(workflow.ttl->after_failure, 60);
  EXPECT_EQ(workflow.ttl->after_completion, 30);
  EXPECT_EQ(workflow.pod_gc.strategy, PodGcStrategy::kOnPodSuccess);
  EXPECT_EQ(workflow.pod_gc.delete_delay, std::chrono::seconds(30));
  EXPECT_EQ(workflow.pod_gc.label_selector, "a=b,c in (d,e)");
  EXPECT_EQ(workflow.arguments.parameter("epochs")->value, "3");
  EXPECT_EQ(workflow.arguments.parameter("rate")->value, "0.50");
  EXPECT_EQ(workflow.arguments.parameter("fast")->value, "true");
  EXPECT_EQ(workflow.arguments.parameter("config")->value, R"({"a":[1]})");
  EXPECT_EQ(workflow.hooks.at(0).name, "running");

  const Template* main = workflow.find_template("main");
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->type, TemplateType::kSteps);
  EXPECT_EQ(main->timeout, "30s");
  EXPECT_EQ(main->retry_strategy->limit, "2");
  ASSERT_EQ(main->steps.size(), 2U);
  ASSERT_EQ(main->steps[0].size(), 2U);
  const Step& two = main->steps[0][1];
  EXPECT_THAT(*two.loop.items, ElementsAre("\"a\"", "1", "true", R"({"k":"v"})", "[1,2]"));
  EXPECT_TRUE(two.continue_on.failed);
  EXPECT_FALSE(two.continue_on.error);
  ASSERT_EQ(two.hooks.size(), 1U);
  EXPECT_EQ(two.hooks[0].name, "exit");

  const Template* work = workflow.find_template(main->scope, two);
  ASSERT_NE(work, nullptr);
  EXPECT_EQ(work->name, "work");
  EXPECT_EQ(work->retry_strategy->policy, RetryPolicy::kOnError);
  EXPECT_EQ(work->retry_strategy->limit, "3");
  EXPECT_EQ(work->retry_strategy->backoff->factor, "2");
  EXPECT_EQ(work->active_deadline_seconds, "20");
  EXPECT_THAT(work->container->args, ElementsAre("-c", "print({{inputs.parameters.x}})"));
  EXPECT_EQ(work->container->env[1].field_path, "metadata.name");
  EXPECT_EQ(work->inputs.parameter("y")->default_value, "z");
  EXPECT_THAT(work->inputs.parameter("y")->enum_values, ElementsAre("z", "w"));
  EXPECT_EQ(work->inputs.artifact("data")->raw, "hello");
  EXPECT_EQ(work->inputs.artifact("data")->mode, 0644);
  EXPECT_EQ(work->outputs.parameter("best")->global_name, "best");
  EXPECT_EQ(work->outputs.artifact("model")->archive, ArtifactArchive::kNone);
  EXPECT_EQ(workflow.find_template("bye")->container->source, "echo {{workflow.status}}");
}

TEST(Manifest, ReadsDagSuspendAndContainerSet) {
  const ParsedWorkflow workflow = only(workflow_text(R"yaml(  entrypoint: main
  templates:
  - name: main
    dag:
      failFast: false
      target: c
      tasks:
      - {name: a, template: set}
      - {name: b, template: nap, dependencies: [a]}
      - {name: c, depends: "a && (b.Succeeded || b.Failed)", inline: {
container : {
image:
  x, command : [ sh, -c, "true" ]
}}}
  - {name: nap, suspend: {duration: 2}}
  - name: set
    containerSet:
      retryStrategy: {retries: "2", duration: 1s}
      containers:
      - {name: a, image: x, command: ["true"]}
      - {name: main, image: x, command: ["true"], dependencies: [a]}
)yaml"));
  const Template* main = workflow.find_template("main");
  ASSERT_TRUE(main != nullptr && main->dag);
  EXPECT_FALSE(main->dag->fail_fast);
  EXPECT_EQ(main->dag->target, "c");
  EXPECT_EQ(main->dag->tasks[1].dependencies, std::vector<std::string>{"a"});
  const Template* own = workflow.find_template(main->scope, main->dag->tasks[2]);
  ASSERT_NE(own, nullptr);
  EXPECT_THAT(own->container->command, ElementsAre("sh", "-c", "true"));
  EXPECT_EQ(workflow.find_template("nap")->suspend->duration, "2");
  const Template* set = workflow.find_template("set");
  EXPECT_EQ(set->container_set->retry->retries, "2");
  EXPECT_THAT(set->container_set->containers[1].dependencies, ElementsAre("a"));
}

TEST(Manifest, TakesJsonAnchorsMergesAndSeveralDocuments) {
  const auto read = read_text(R"({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "j"},
 "spec": {"entrypoint": "m", "templates": [{"name": "m", "container": {"image": "x", "command": ["true"]}}]}}
---
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: k-}
spec:
  entrypoint: m
  templates:
  - name: m
    container: &base {image: x, command: [echo], args: [a]}
  - name: n
    container: {<<: *base, args: [b]}
  - {name: o, container: *base}
)");
  ASSERT_TRUE(read.has_value()) << read.error().message();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[0].name, "j");
  const ParsedWorkflow& second = (*read)[1];
  EXPECT_THAT(second.find_template("n")->container->command, ElementsAre("echo"));
  EXPECT_THAT(second.find_template("n")->container->args, ElementsAre("b"));
  EXPECT_THAT(second.find_template("o")->container->args, ElementsAre("a"));
}

constexpr const char* kLibrary = R"(apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: lib}
spec:
  entrypoint: main
  ttlStrategy: {secondsAfterCompletion: 5, secondsAfterFailure: 9}
  arguments: {parameters: [{name: who, value: world}, {name: kept, value: k}]}
  templates:
  - name: main
    steps: [[{name: s, template: say, arguments: {parameters: [{name: who, value: "{{workflow.parameters.who}}"}]}}]]
  - name: say
    inputs: {parameters: [{name: who}]}
    container: {image: x, command: [echo, "{{inputs.parameters.who}}"]}
---
apiVersion: argoproj.io/v1alpha1
kind: ClusterWorkflowTemplate
metadata: {name: lib}
spec:
  templates:
  - name: outer
    steps: [[{name: s, templateRef: {name: lib, template: say}, arguments: {parameters: [{name: who, value: me}]}}],
            [{name: t, template: inner}]]
  - {name: inner, container: {image: x, command: ["true"]}}
)";

TEST(Manifest, MergesAWorkflowTemplateBeneathTheWorkflow) {
  const auto library = parse_manifests(kLibrary, "lib.yaml");
  ASSERT_TRUE(library.has_value()) << library.error().message();
  const auto manifests = parse_manifests(workflow_text(R"(  workflowTemplateRef: {name: lib}
  ttlStrategy: {secondsAfterCompletion: 7}
  arguments: {parameters: [{name: who, value: moon}]}
)"),
                                         "wf.yaml");
  ASSERT_TRUE(manifests.has_value());
  const auto read = resolve_manifests(*manifests, {}, {*library});
  ASSERT_TRUE(read.has_value()) << read.error().message();
  const ParsedWorkflow& workflow = read->front();
  EXPECT_EQ(workflow.entrypoint, "main");
  EXPECT_EQ(workflow.ttl->after_completion, 7);
  EXPECT_EQ(workflow.ttl->after_failure, 9);
  EXPECT_EQ(workflow.arguments.parameter("who")->value, "moon");
  EXPECT_EQ(workflow.arguments.parameter("kept")->value, "k");
  EXPECT_NE(workflow.find_template("say"), nullptr);

  const auto alone = resolve_manifests(*manifests, {});
  ASSERT_FALSE(alone.has_value());
  EXPECT_EQ(alone.error().reason,
            "spec.workflowTemplateRef.name (wf.yaml:5): no WorkflowTemplate lib was given; give its file too");
}

TEST(Manifest, FindsTemplatesOfOthersWithinTheirOwnScope) {
  std::vector<Submission> submissions(2);
  submissions[0] = {workflow_text(R"(  entrypoint: main
  templates:
  - name: main
    dag: {tasks: [{name: a, templateRef: {name: lib, template: outer, clusterScope: true}}]}
  - {name: inner, container: {image: x, command: ["false"]}}
)"),
                    "wf.yaml",
                    {},
                    "other"};
  submissions[1].yaml = kLibrary;
  submissions[1].source = "lib.yaml";
  const auto read = resolve_submissions(submissions);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  const ParsedWorkflow& workflow = read->front();
  EXPECT_EQ(workflow.name_space, "other");
  const Template* main = workflow.find_template("main");
  const Template* outer = workflow.find_template(main->scope, main->dag->tasks[0]);
  ASSERT_NE(outer, nullptr);
  EXPECT_EQ(outer->scope, "cluster/lib");
  const Template* inner = workflow.find_template(outer->scope, outer->steps[1][0]);
  ASSERT_NE(inner, nullptr);
  EXPECT_THAT(inner->container->command, ElementsAre("true"));
  EXPECT_EQ(workflow.find_template(outer->scope, outer->steps[0][0])->scope, "namespaced/lib");
}

TEST(Manifest, GivenParametersWinAndMustExist) {
  const std::string text = workflow_text(
      "  entrypoint: m\n  arguments: {parameters: [{name: epochs, value: 1}, {name: needed}]}\n  templates:\n" +
      echo_text("m"));
  EXPECT_EQ(fault_of(text),
            "spec.arguments.parameters.needed (wf.yaml:6): has no value; write one, or pass it with -p needed=VALUE");
  EXPECT_EQ(
      fault_of(text, {{{"needed", "x"}, {"epoch", "2"}}, ""}),
      "parameter epoch (wf.yaml): given by hand, but no workflow here has it in spec.arguments.parameters; did you "
      "mean epochs?");
  const ParsedWorkflow workflow = only(text, {{{"needed", "x"}, {"epochs", "9"}}, ""});
  EXPECT_EQ(workflow.arguments.parameter("epochs")->value, "9");
  const auto json = nlohmann::json::parse(workflow.manifest_json);
  EXPECT_EQ(json["spec"]["arguments"]["parameters"][0]["value"], "9");
  EXPECT_EQ(json["metadata"]["namespace"], "default");
  EXPECT_EQ(json["kind"], "Workflow");
}

TEST(Manifest, ReopensFromWhatItStored) {
  std::vector<Submission> submissions(2);
  submissions[0] = {
      workflow_text("  workflowTemplateRef: {name: lib}\n  arguments: {parameters: [{name: rate, value: 1.50}]}\n"),
      "wf.yaml",
      {{"who", "Zoë \"q\"\n"}},
      "ns"};
  submissions[1].yaml = kLibrary;
  const auto read = resolve_submissions(submissions);
  ASSERT_TRUE(read.has_value()) << read.error().message();
  const auto again = reopen_workflow(read->front().stored);
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(again->name_space, "ns");
  EXPECT_EQ(again->arguments.parameter("who")->value, "Zoë \"q\"\n");
  EXPECT_EQ(again->arguments.parameter("rate")->value, "1.50");
  EXPECT_EQ(again->manifest_json, read->front().manifest_json);
  EXPECT_EQ(again->stored, read->front().stored);
  EXPECT_EQ(again->templates.size(), read->front().templates.size());
  EXPECT_EQ(again->find_template("say")->at.text(), read->front().find_template("say")->at.text());

  for (const std::string& bad : {std::string("{}"), std::string("["), std::string(R"({"documents":[{}]})"),
                                 std::string(R"({"documents":[{"source":"a","tree":"[]"}]})")}) {
    const auto reopened = reopen_workflow(bad);
    ASSERT_FALSE(reopened.has_value());
    EXPECT_EQ(reopened.error().kind, ErrorKind::kCorrupt) << bad;
  }
}

TEST(Manifest, NotesWhatHasNoEffect) {
  const ParsedWorkflow workflow = only(workflow_text(
      "  entrypoint: m\n  metrics: {prometheus: []}\n  nodeSelector: {a: b}\n  templates:\n" + echo_text("m")));
  EXPECT_THAT(workflow.notes, ElementsAre("spec.metrics (wf.yaml:6): recorded; the local engine emits no metrics"));
}

TEST(Manifest, ReadsParameterFiles) {
  const auto yaml = parse_parameter_file("a: x\nb: 1.50\nc: true\nd: [1, {e: f}]\ng:\n", "p.yaml");
  ASSERT_TRUE(yaml.has_value());
  EXPECT_EQ(*yaml, (std::map<std::string, std::string>{
                       {"a", "x"}, {"b", "1.50"}, {"c", "true"}, {"d", R"([1,{"e":"f"}])"}, {"g", ""}}));
  EXPECT_EQ(parse_parameter_file(R"({"a": "b"})", "p.json")->at("a"), "b");
  EXPECT_TRUE(parse_parameter_file("", "p.yaml")->empty());
  const auto list = parse_parameter_file("- a\n", "p.yaml");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().message(),
            "read parameter file p.yaml:1: it is not a map of names to values. Write one `name: value` a line.");
}

}  // namespace
}  // namespace logstone::local
