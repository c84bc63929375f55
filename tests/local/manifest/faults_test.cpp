// What people are told of manifests that cannot run: word for word.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "cluster/local/manifest.h"
#include "tests/local/manifest/manifest_text.h"

namespace logstone::local {
namespace {

struct Case {
  std::string name;
  std::string text;
  std::string fault;
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::string spec(const std::string& templates) {
  return workflow_text("  entrypoint: main\n  templates:\n" + templates);
}
std::string container(const std::string& fields) {
  return spec("  - name: main\n    container:\n      image: x\n      command: [a]\n" + fields);
}
std::string step(const std::string& fields) {
  return spec("  - name: main\n    steps:\n    - - name: a\n        template: echo\n" + fields + echo_text());
}
std::string dag(const std::string& tasks) {
  return spec("  - name: main\n    dag:\n      tasks:\n" + tasks + echo_text());
}

const std::vector<Case>& cases() {
  static const auto* const made = new std::vector<Case>{
      {"UnknownField", container("      imagee: y\n"),
       "spec.templates[0].container.imagee (wf.yaml:11): unknown field; did you mean image?"},
      {"UnknownFieldWithoutGuess", container("      zebra: y\n"),
       "spec.templates[0].container.zebra (wf.yaml:11): unknown field"},
      {"UnknownTopField",
       "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\nspeck: {}\nspec: {entrypoint: m, "
       "templates: [{name: m, container: {image: x, command: [a]}}]}\n",
       "speck (wf.yaml:4): unknown field; did you mean spec?"},
      {"NotYaml", "a: [1\nb: 2\n", "not valid YAML: end of sequence flow not found"},
      {"Tab", "a:\n\tb: 1\n", "not valid YAML: illegal map value"},
      {"Empty", "# nothing\n", "manifest (wf.yaml): holds no document"},
      {"List", "- a\n", "manifest (wf.yaml:1): must be a map with apiVersion, kind, metadata and spec"},
      {"NotUtf8", "a: b\nc: \xff\n", "a byte that is no text in UTF-8"},
      {"KeyTwice", "a: 1\na: 2\n", "the key a stands twice in the same map"},
      {"NoKind", "apiVersion: argoproj.io/v1alpha1\n",
       "kind (wf.yaml:1): missing; a manifest begins with apiVersion: argoproj.io/v1alpha1 and kind: Workflow"},
      {"KindMistyped", "apiVersion: argoproj.io/v1alpha1\nkind: Workflo\n",
       "kind (wf.yaml:1): unknown kind Workflo; did you mean Workflow?"},
      {"NoName",
       "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypoint: m, templates: [{name: m, container: "
       "{image: x, command: [a]}}]}\n",
       "metadata.name (wf.yaml:1): missing; give name or generateName"},
      {"NoSpec", "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: a}\n",
       "spec (wf.yaml:1): missing"},
      {"NumberForText", container("      workingDir: 3\n"),
       "spec.templates[0].container.workingDir (wf.yaml:11): must be text, but is a number; put it in quotes: \"3\""},
      {"MapForList", container("      args: {a: b}\n"),
       "spec.templates[0].container.args (wf.yaml:11): must be a list, but is a map"},
      {"TextForNumber", workflow_text("  entrypoint: main\n  parallelism: many\n  templates:\n" + echo_text("main")),
       "spec.parallelism (wf.yaml:6): must be a whole number, but is \"many\""},
      {"NegativeDeadline",
       workflow_text("  entrypoint: main\n  activeDeadlineSeconds: -1\n  templates:\n" + echo_text("main")),
       "spec.activeDeadlineSeconds (wf.yaml:6): must be 0 or more, but is -1"},
      {"TextForBoolean", step("        continueOn: {failed: \"yes\"}\n"),
       "spec.templates[0].steps[0][0].continueOn.failed (wf.yaml:11): must be true or false, but is text"},
      {"NoEntrypoint", workflow_text("  templates:\n" + echo_text("main")),
       "spec.entrypoint (wf.yaml:5): missing; name the template to begin with"},
      {"EntrypointMissing", workflow_text("  entrypoint: mian\n  templates:\n" + echo_text("main")),
       "spec.entrypoint (wf.yaml:5): there is no template mian; did you mean main?"},
      {"OnExitMissing", workflow_text("  entrypoint: main\n  onExit: bye\n  templates:\n" + echo_text("main")),
       "spec.onExit (wf.yaml:5): there is no template bye"},
      {"TemplateTwice", spec(echo_text("main") + echo_text("main")), "template main (wf.yaml:8): stands twice"},
      {"TwoTypes",
       spec("  - {name: main, container: {image: x, command: [a]}, script: {image: x, command: [a], source: b}}\n"),
       "spec.templates[0] (wf.yaml:7): has both `container` and `script`; a template is one"},
      {"NoType", spec("  - {name: main}\n"),
       "spec.templates[0] (wf.yaml:7): says nothing to run; give one of container, script, steps, dag, suspend, "
       "containerSet"},
      {"BadName",
       "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: My_Flow}\nspec: {entrypoint: m, templates: "
       "[{name: m, container: {image: x, command: [a]}}]}\n",
       "metadata.name (wf.yaml:4): \"My_Flow\" must be lower-case letters, digits and -, beginning and ending with a "
       "letter or digit"},
      {"BadStepName", spec("  - {name: main, steps: [[{name: a_b, template: echo}]]}\n" + echo_text()),
       "template main, step a_b (wf.yaml:7): the name of a step has letters, digits and - only, begins with a letter "
       "or digit, and has at most 128 characters"},
      {"StepTwice", step("      - {name: a, template: echo}\n"),
       "template main, step a (wf.yaml:11): stands twice; names of steps are unique in a template"},
      {"CalleeMissing", spec("  - {name: main, steps: [[{name: a, template: ehco}]]}\n" + echo_text()),
       "template main, step a (wf.yaml:7): there is no template ehco; did you mean echo?"},
      {"CallsNothing", spec("  - {name: main, steps: [[{name: a}]]}\n"),
       "spec.templates[0].steps[0][0] (wf.yaml:7): calls nothing; give one of template, templateRef, inline"},
      {"FlatSteps", spec("  - {name: main, steps: [a]}\n"),
       "spec.templates[0].steps[0] (wf.yaml:7): must be a list of steps that run at the same time (two dashes: `- - "
       "name:`)"},
      {"ArgumentMissing",
       spec("  - {name: main, steps: [[{name: a, template: t}]]}\n  - {name: t, inputs: {parameters: [{name: x}]}, "
            "container: {image: x, command: [a]}}\n"),
       "template main, step a (wf.yaml:7): template t needs the input parameter x; give it in arguments"},
      {"ArtifactMissing",
       spec("  - {name: main, steps: [[{name: a, template: t}]]}\n  - {name: t, inputs: {artifacts: [{name: x, path: "
            "/x}]}, container: {image: x, command: [a]}}\n"),
       "template main, step a (wf.yaml:7): template t needs the input artifact x; give it in arguments"},
      {"EntrypointNeedsInput",
       spec("  - {name: main, inputs: {parameters: [{name: x}]}, container: {image: x, command: [a]}}\n"),
       "spec.entrypoint (wf.yaml:5): template main needs the input parameter x; give it in spec.arguments"},
      {"InputMissing", container("      args: [\"{{inputs.parameters.missing}}\"]\n"),
       "template main (wf.yaml:9): {{inputs.parameters.missing}} has no value: template main has no input parameter "
       "missing"},
      {"InputMistyped",
       spec("  - name: main\n    inputs: {parameters: [{name: message, value: a}]}\n    container: {image: x, command: "
            "[\"{{inputs.parameters.mesage}}\"]}\n"),
       "template main (wf.yaml:9): {{inputs.parameters.mesage}} has no value: template main has no input parameter "
       "mesage; did you mean message?"},
      {"StepUnknown", step("        when: \"{{steps.unknown.outputs.result}} == a\"\n"),
       "template main, step a (wf.yaml:9): {{steps.unknown.outputs.result}} has no value: template main has no step "
       "unknown"},
      {"StepLater", step("        when: \"{{steps.b.outputs.result}} == a\"\n    - - {name: b, template: echo}\n"),
       "template main, step a (wf.yaml:9): {{steps.b.outputs.result}} has no value: step b does not run before it"},
      {"TaskNotBefore",
       dag("      - {name: a, template: echo}\n      - {name: b, template: echo, when: \"{{tasks.a.status}} == x\"}\n"),
       "template main, task b (wf.yaml:11): {{tasks.a.status}} has no value: task a does not run before it; name it in "
       "depends"},
      {"OutputUnknown", step("    - - {name: b, template: echo, when: \"{{steps.a.outputs.parameters.x}} == 1\"}\n"),
       "template main, step b (wf.yaml:11): {{steps.a.outputs.parameters.x}} has no value: template echo has no output "
       "parameter x"},
      {"NoResult",
       spec("  - {name: main, steps: [[{name: a, template: s}], [{name: b, template: echo, when: "
            "\"{{steps.a.outputs.result}} == 1\"}]]}\n  - {name: s, steps: [[{name: x, template: echo}]]}\n" +
            echo_text()),
       "template main, step b (wf.yaml:7): {{steps.a.outputs.result}} has no value: template s is of type steps, which "
       "has no result"},
      {"StepsInPod", container("      args: [\"{{steps.a.outputs.result}}\"]\n"),
       "template main (wf.yaml:9): {{steps.a.outputs.result}} has no value: template main has no steps; hand the value "
       "on as an argument"},
      {"ItemWithoutLoop", step("        when: \"{{item}} == a\"\n"),
       "template main, step a (wf.yaml:9): {{item}} has no value: an item exists only in a step or task with "
       "withItems, withParam or withSequence"},
      {"ItemKeyMissing", step("        withItems: [{os: debian}]\n        when: \"{{item.so}} == a\"\n"),
       "template main, step a (wf.yaml:9): {{item.so}} has no value: the item {\"os\":\"debian\"} has no so"},
      {"WorkflowParameter", container("      args: [\"{{workflow.parameters.x}}\"]\n"),
       "template main (wf.yaml:9): {{workflow.parameters.x}} has no value: spec.arguments has no parameter x"},
      {"WorkflowField", container("      args: [\"{{workflow.nam}}\"]\n"),
       "template main (wf.yaml:9): {{workflow.nam}} has no value: workflow has no nam; did you mean name?"},
      {"GlobalOutput", container("      args: [\"{{workflow.outputs.parameters.x}}\"]\n"),
       "template main (wf.yaml:9): {{workflow.outputs.parameters.x}} has no value: no output parameter has globalName "
       "x"},
      {"Cycle",
       dag("      - {name: a, template: echo, depends: b}\n      - {name: b, template: echo, dependencies: [c]}\n      "
           "- {name: c, template: echo, depends: a.Failed}\n"),
       "template main (wf.yaml:10): its tasks wait for each other: a -> b -> c -> a"},
      {"OwnCycle", dag("      - {name: a, template: echo, depends: a}\n"),
       "template main (wf.yaml:10): its tasks wait for each other: a -> a"},
      {"DependsUnknown",
       dag("      - {name: train, template: echo}\n      - {name: b, template: echo, depends: tarin}\n"),
       "template main, task b (wf.yaml:11): depends on tarin, which is no task here; did you mean train?"},
      {"DependsGrammar",
       dag("      - {name: a, template: echo}\n      - {name: b, template: echo, depends: \"a &&\"}\n"),
       "template main, task b, depends (wf.yaml:11): evaluate depends a &&: it ends too early. Write tasks and "
       "outcomes such as: A && (B.Succeeded || C.Failed)."},
      {"DependsOutcome", dag("      - {name: a, template: echo}\n      - {name: b, template: echo, depends: a.Won}\n"),
       "template main, task b, depends (wf.yaml:11): evaluate depends a.Won: `Won` of a is none of Succeeded, Failed, "
       "Errored, Skipped, Omitted, Daemoned, AnySucceeded, AllFailed. Write tasks and outcomes such as: A && "
       "(B.Succeeded || C.Failed)."},
      {"DependsTwice",
       dag("      - {name: a, template: echo}\n      - {name: b, template: echo, depends: a, dependencies: [a]}\n"),
       "spec.templates[0].dag.tasks[1] (wf.yaml:11): give either depends or dependencies"},
      {"DependsAndContinueOn", dag("      - {name: a, template: echo, depends: b, continueOn: {failed: true}}\n"),
       "spec.templates[0].dag.tasks[0].continueOn (wf.yaml:10): cannot stand beside depends; say it in the depends of "
       "those that follow: A.Failed || A.Errored"},
      {"TwoLoops", step("        withItems: [a]\n        withParam: \"[1]\"\n"),
       "spec.templates[0].steps[0][0] (wf.yaml:9): only one of withItems, withParam and withSequence can be given"},
      {"BadParam", step("        withParam: \"{]\"\n"),
       "template main, step a (wf.yaml:9): expand withParam {]: it is not JSON. Give a JSON list such as [\"a\", "
       "\"b\"]."},
      {"EmptySequence", step("        withSequence: {start: 1}\n"),
       "spec.templates[0].steps[0][0].withSequence (wf.yaml:11): needs either `count` or `end`"},
      {"BadSequence", step("        withSequence: {count: \"3\", format: \"%s\"}\n"),
       "template main, step a (wf.yaml:9): expand withSequence.format %s: it needs exactly one verb of %d, %x, %X, %o, "
       "with a width at most"},
      {"BadWhen", step("        when: \"a ==\"\n"),
       "template main, step a, when (wf.yaml:9): evaluate when a ==: a value is missing at its end. Put tags and words "
       "with blanks or signs in quotes: '{{inputs.parameters.x}}' == 'a b'."},
      {"BadExpression", step("        when: \"{{=asInt(}}\"\n"),
       "template main, step a (wf.yaml:9): evaluate expression asInt(: at character 7: it ends too early\n"
       "template main, step a, when (wf.yaml:9): evaluate expression asInt(: at character 7: it ends too early"},
      {"UnknownFunction", container("      args: [\"{{=sprig.genPrivateKey('rsa')}}\"]\n"),
       "template main (wf.yaml:9): evaluate expression sprig.genPrivateKey('rsa'): at character 20: the function "
       "sprig.genPrivateKey is not supported by the local engine"},
      {"BadDuration", spec("  - {name: main, suspend: {duration: soon}}\n"),
       "template main, suspend.duration (wf.yaml:7): \"soon\" is no duration such as 30s, 5m or 1h"},
      {"BadLimit", spec("  - {name: main, retryStrategy: {limit: few}, container: {image: x, command: [a]}}\n"),
       "template main, retryStrategy.limit (wf.yaml:7): \"few\" is no whole number of 0 or more"},
      {"BadPolicy",
       spec("  - {name: main, retryStrategy: {retryPolicy: Never}, container: {image: x, command: [a]}}\n"),
       "spec.templates[0].retryStrategy.retryPolicy (wf.yaml:7): must be Always, OnFailure, OnError or "
       "OnTransientError, but is Never"},
      {"BadEnum",
       spec("  - {name: main, steps: [[{name: a, template: t, arguments: {parameters: [{name: x, value: c}]}}]]}\n  - "
            "{name: t, inputs: {parameters: [{name: x, enum: [a, b]}]}, container: {image: x, command: [a]}}\n"),
       "template main, step a, argument x (wf.yaml:7): \"c\" is none of its enum: a, b"},
      {"PathWithoutPod",
       spec("  - {name: main, steps: [[{name: a, template: echo}]], outputs: {parameters: [{name: o, valueFrom: {path: "
            "/a}}]}}\n" +
            echo_text()),
       "template main, output parameter o (wf.yaml:7): only a container or script can read a path; use "
       "valueFrom.parameter"},
      {"HookWithoutExpression",
       workflow_text("  entrypoint: main\n  hooks: {running: {template: main}}\n  templates:\n" + echo_text("main")),
       "spec.hooks.running.expression (wf.yaml:6): missing; every hook but `exit` needs one"},
      {"ContainerCycle",
       spec("  - name: main\n    containerSet:\n      containers: [{name: a, image: x, command: [a], dependencies: "
            "[b]}, {name: b, image: x, command: [b], dependencies: [a]}]\n"),
       "template main (wf.yaml:9): its containers wait for each other: a -> b -> a"},
      {"Several",
       spec("  - {name: main, steps: [[{name: a, template: x}], [{name: b, template: echo, when: "
            "\"{{steps.c.status}}\"}]]}\n" +
            echo_text()),
       "template main, step a (wf.yaml:7): there is no template x\n"
       "template main, step b (wf.yaml:7): {{steps.c.status}} has no value: template main has no step c"},
  };
  return *made;
}

/// "2 faults:\n  a\n  b" as "a\nb".
std::string flat(const std::string& reason) {
  const std::size_t head = reason.find(" faults:\n  ");
  if (head == std::string::npos) return reason;
  std::string out;
  for (std::size_t at = head + 11; at < reason.size();) {
    const std::size_t end = std::min(reason.find("\n  ", at), reason.size());
    out += (out.empty() ? "" : "\n") + reason.substr(at, end - at);
    at = end + 3;
  }
  return out;
}

class Faults : public testing::TestWithParam<Case> {};

TEST_P(Faults, AreToldAsWritten) {
  const auto read = read_text(GetParam().text);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(flat(read.error().reason), GetParam().fault);
  EXPECT_EQ(read.error().kind, ErrorKind::kInvalidInput);
}

INSTANTIATE_TEST_SUITE_P(Manifests, Faults, testing::ValuesIn(cases()), [](const auto& one) { return one.param.name; });

const std::vector<Case>& unsupported_cases() {
  static const auto* const made = new std::vector<Case>{
      {"Resource", spec("  - {name: main, resource: {action: get}}\n"),
       "spec.templates[0].resource (wf.yaml:7): the local engine does not run this; run this template on a cluster, or "
       "put a `container` or `script` in its place"},
      {"Http", spec("  - {name: main, http: {url: \"http://x\"}}\n"),
       "spec.templates[0].http (wf.yaml:7): the local engine does not run this; run this template on a cluster, or put "
       "a `container` or `script` in its place"},
      {"Volumes",
       workflow_text("  entrypoint: main\n  volumes: [{name: a, emptyDir: {}}]\n  templates:\n" + echo_text("main")),
       "spec.volumes (wf.yaml:6): the local engine does not run this; hand files on as artifacts"},
      {"VolumeMounts", container("      volumeMounts: [{name: a, mountPath: /a}]\n"),
       "spec.templates[0].container.volumeMounts (wf.yaml:11): the local engine does not run this; hand files on as "
       "artifacts"},
      {"Daemon", spec("  - {name: main, daemon: true, container: {image: x, command: [a]}}\n"),
       "spec.templates[0].daemon (wf.yaml:7): the local engine does not run this; start the service beside the "
       "workflow, or within the step that needs it"},
      {"Sidecars", spec("  - {name: main, sidecars: [], container: {image: x, command: [a]}}\n"),
       "spec.templates[0].sidecars (wf.yaml:7): the local engine does not run this; use a containerSet, or start it "
       "within the command"},
      {"Mutex", spec("  - {name: main, synchronization: {}, container: {image: x, command: [a]}}\n"),
       "spec.templates[0].synchronization (wf.yaml:7): the local engine does not run this; use `parallelism`"},
      {"S3",
       spec("  - {name: main, inputs: {artifacts: [{name: a, path: /a, s3: {key: k}}]}, container: {image: x, command: "
            "[a]}}\n"),
       "spec.templates[0].inputs.artifacts[0].s3 (wf.yaml:7): the local engine does not run this; use `raw`, `from`, "
       "or have a step fetch it"},
      {"Secret", container("      env: [{name: A, valueFrom: {secretKeyRef: {name: a, key: b}}}]\n"),
       "spec.templates[0].container.env[0].valueFrom.secretKeyRef (wf.yaml:11): the local engine does not run this; "
       "set `value`"},
      {"ConfigMap",
       workflow_text("  entrypoint: main\n  arguments: {parameters: [{name: a, valueFrom: {configMapKeyRef: {name: m, "
                     "key: k}}}]}\n  templates:\n" +
                     echo_text("main")),
       "spec.arguments.parameters[0].valueFrom.configMapKeyRef (wf.yaml:6): the local engine does not run this; give "
       "the value itself, or pass it with -p name=value"},
      {"NoCommand", spec("  - {name: main, container: {image: x}}\n"),
       "spec.templates[0].container.command (wf.yaml:7): missing; the local engine pulls no image, so it cannot know "
       "the image's own command: write `command`"},
      {"Cron", "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: a}\nspec: {}\n",
       "kind (wf.yaml:1): the local engine keeps no schedules (CronWorkflow); submit its workflowSpec as a Workflow"},
      {"OtherKind", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
       "kind (wf.yaml:1): the local engine takes Workflow, WorkflowTemplate and ClusterWorkflowTemplate of "
       "argoproj.io/v1alpha1 only, not ConfigMap of v1; leave this document out"},
      {"Suspend", spec("  - {name: main, suspend: {}}\n"),
       "spec.templates[0].suspend (wf.yaml:7): a suspend without `duration` waits for a person, which the local engine "
       "does not run; give a duration"},
  };
  return *made;
}

class Unsupported : public testing::TestWithParam<Case> {};

TEST_P(Unsupported, IsRefusedBeforeItStarts) {
  const auto read = read_text(GetParam().text);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().reason, GetParam().fault);
  EXPECT_EQ(read.error().kind, ErrorKind::kUnsupported);
}

INSTANTIATE_TEST_SUITE_P(Manifests, Unsupported, testing::ValuesIn(unsupported_cases()),
                         [](const auto& one) { return one.param.name; });

TEST(Limits, TooManyBytes) {
  const std::string fault = fault_of("a: " + std::string(std::size_t{5} << 20, 'x'));
  EXPECT_EQ(fault, "it has 5242883 bytes, more than the limit of 4 MiB");
}

TEST(Limits, NestingIsBounded) {
  EXPECT_EQ(fault_of(std::string(101, '[')), "nested deeper than 100 levels");
  EXPECT_NE(fault_of(std::string(200'000, '[')), "");
  EXPECT_NE(fault_of(std::string(200'000, '{')), "");
}

TEST(Limits, AliasesAreNotABomb) {
  std::string text = "a0: &a0 [xxxxxxxxxxxxxxxxxxxx, xxxxxxxxxxxxxxxxxxxx]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_EQ(fault_of(text), "its aliases (*) would spell out to more than 64 MiB");
}

TEST(Limits, AliasesDoNotNestWithoutEnd) {
  std::string text = "a0: &a0 [x]\n";
  for (int i = 1; i < 200; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_EQ(fault_of(text), "nested deeper than 100 levels");
}

TEST(Limits, TextBehindADocumentIsNoEndlessRowOfEmptyOnes) {
  for (const char* text : {"{a: b}}", "[a]]", "{a: b},", "a: b\n---\n}", "]"}) {
    EXPECT_THAT(fault_of(text), testing::StartsWith("not valid YAML")) << text;
  }
  EXPECT_EQ(fault_of("---\n---\n---\n"), "manifest (wf.yaml): holds no document");
}

TEST(Limits, AnAliasWithinItself) { EXPECT_EQ(fault_of("a: &a [*a]\n"), "an alias (*) stands within what it names"); }

TEST(Limits, TemplatesAreCounted) {
  std::string text = workflow_text("  entrypoint: t0\n  templates:\n");
  for (int i = 0; i < 10'001; ++i) text += echo_text("t" + std::to_string(i));
  EXPECT_EQ(fault_of(text), "spec.templates (wf.yaml:10007): more than 10,000 templates");
}

TEST(Limits, ManyFaultsAreCutShort) {
  std::string text = workflow_text("");
  for (int i = 0; i < 300; ++i) text += "  - {name: t}\n";
  const std::string templates =
      workflow_text("  entrypoint: t\n  templates:\n") + text.substr(workflow_text("").size());
  const std::string fault = fault_of(templates);
  EXPECT_THAT(fault, testing::StartsWith("300 faults:\n"));
  EXPECT_THAT(fault, testing::EndsWith("\n  and 250 more"));
}

}  // namespace
}  // namespace logstone::local
