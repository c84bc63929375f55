// Steps templates: groups, conditions, loops, inputs and outputs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/local/operator/simulator.h"

namespace logstone::local {
namespace {

using ::testing::ElementsAre;

// Templates that many of the manifests call.
const char* const kPrograms = R"(
  - name: work
    inputs: {parameters: [{name: do, value: exit=0}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.do}}"]}
  - name: say
    inputs: {parameters: [{name: text}]}
    script: {image: sim, command: [sim], source: "result={{inputs.parameters.text}}"}
  - name: give
    inputs: {parameters: [{name: x}]}
    container: {image: sim, command: [sim], args: ["out:y={{inputs.parameters.x}}"]}
    outputs: {parameters: [{name: y, valueFrom: {path: /tmp/y}}]}
)";

std::string workflow(const std::string& spec, const std::string& templates) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n" + spec +
         "  templates:" + kPrograms + templates;
}

TEST(OperatorSteps, ALoneContainerIsTheRootNode) {
  const SimulatedRun run = simulate(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  arguments: {parameters: [{name: who, value: world}]}
  templates:
  - name: main
    inputs: {parameters: [{name: who}]}
    metadata: {labels: {team: a}}
    container:
      image: sim
      command: [sim, hello]
      args: ["{{inputs.parameters.who}} of {{workflow.name}} in {{pod.name}}"]
      env:
      - {name: WHO, value: "{{workflow.parameters.who}}"}
)");
  EXPECT_EQ(run.tree(), "wf | Pod | Succeeded\n");
  const PodRequest& pod = run.requests.at("wf");
  EXPECT_EQ(pod.node_id, "wf");
  EXPECT_EQ(pod.pod_name, "wf");
  ASSERT_EQ(pod.containers.size(), 1U);
  EXPECT_EQ(pod.containers[0].name, "main");
  EXPECT_THAT(pod.containers[0].args, ElementsAre("world of wf in wf"));
  EXPECT_EQ(pod.containers[0].env[0].second, "world");
  EXPECT_EQ(pod.labels.at("team"), "a");
  EXPECT_EQ(pod.labels.at("workflows.argoproj.io/workflow"), "wf");
  EXPECT_EQ(pod.labels.at("workflows.argoproj.io/completed"), "false");
  EXPECT_EQ(pod.annotations.at("workflows.argoproj.io/node-name"), "wf");
  EXPECT_EQ(pod.annotations.at("kubectl.kubernetes.io/default-container"), "main");
  EXPECT_EQ(run.node("wf").display_name, "wf");
  EXPECT_EQ(run.node("wf").exit_code, 0);
}

TEST(OperatorSteps, GroupsFollowOneAnotherAndHangTogetherAsInArgo) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: a, template: work}
      - {name: b, template: work}
    - - {name: c, template: work}
)"));
  EXPECT_EQ(run.tree(),
            "wf | Steps | Succeeded\n"
            "wf[0] | StepGroup | Succeeded\n"
            "wf[0].a | Pod | Succeeded\n"
            "wf[0].b | Pod | Succeeded\n"
            "wf[1] | StepGroup | Succeeded\n"
            "wf[1].c | Pod | Succeeded\n");
  const std::string second_group = run.node("wf[1]").id;
  EXPECT_THAT(run.node("wf").children, ElementsAre(run.node("wf[0]").id));
  EXPECT_THAT(run.node("wf[0]").children, ElementsAre(run.node("wf[0].a").id, run.node("wf[0].b").id));
  EXPECT_THAT(run.node("wf[0].a").children, ElementsAre(second_group));
  EXPECT_THAT(run.node("wf[0].b").children, ElementsAre(second_group));
  EXPECT_THAT(run.node("wf").outbound, ElementsAre(run.node("wf[1].c").id));
  EXPECT_EQ(run.node("wf[0].a").display_name, "a");
  EXPECT_EQ(run.node("wf[0]").display_name, "[0]");
  EXPECT_EQ(run.node("wf[0].a").boundary_id, "wf");
  EXPECT_EQ(run.node("wf[0].a").id, "wf-3986212215");
  EXPECT_EQ(run.node("wf[0].a").pod_name, "wf-work-3986212215");
  EXPECT_EQ(run.node("wf[0].a").template_scope, "local/wf");
  EXPECT_EQ(run.started.back(), "wf[1].c");
}

TEST(OperatorSteps, AFailedStepFailsItsGroupAndTheWorkflow) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: bad, template: work, arguments: {parameters: [{name: do, value: exit=3}]}}
      - {name: good, template: work}
    - - {name: never, template: work}
)"));
  const std::string message = "child '" + run.node("wf[0].bad").id + "' failed";
  EXPECT_EQ(run.tree(), "wf | Steps | Failed | " + message +
                            "\n"
                            "wf[0] | StepGroup | Failed | " +
                            message +
                            "\n"
                            "wf[0].bad | Pod | Failed | main: Error (exit code 3)\n"
                            "wf[0].good | Pod | Succeeded\n");
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.status.message, message);
  EXPECT_EQ(run.node("wf[0].bad").outputs.exit_code, "3");
}

TEST(OperatorSteps, ContinueOnLetsFailuresAndErrorsPass) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - name: bad
        template: work
        continueOn: {failed: true}
        arguments: {parameters: [{name: do, value: exit=7}]}
      - name: broken
        template: work
        continueOn: {error: true}
        arguments: {parameters: [{name: do, value: "error=no disk"}]}
    - - name: after
        template: say
        arguments: {parameters: [{name: text, value: "{{steps.bad.status}} {{steps.bad.exitCode}} {{steps.broken.status}}"}]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf[0].broken").message, "no disk");
  EXPECT_EQ(run.node("wf[0].broken").phase, Phase::kError);
  EXPECT_EQ(run.node("wf[1].after").input_parameters.at("text"), "Failed 7 Error");
}

TEST(OperatorSteps, WhenDecidesBySubstitutedValues) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: flip, template: say, arguments: {parameters: [{name: text, value: heads}]}}
    - - {name: heads, template: work, when: "{{steps.flip.outputs.result}} == heads"}
      - {name: tails, template: work, when: "{{steps.flip.outputs.result}} == tails"}
)"));
  EXPECT_EQ(run.tree(),
            "wf | Steps | Succeeded\n"
            "wf[0] | StepGroup | Succeeded\n"
            "wf[0].flip | Pod | Succeeded\n"
            "wf[1] | StepGroup | Succeeded\n"
            "wf[1].heads | Pod | Succeeded\n"
            "wf[1].tails | Skipped | Skipped | when 'heads == tails' evaluated false\n");
  EXPECT_EQ(run.node("wf[0].flip").outputs.result, "heads");
}

TEST(OperatorSteps, AResultIsCollectedOnlyWhereItIsRead) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: read, template: say, arguments: {parameters: [{name: text, value: a}]}}
      - {name: unread, template: say, arguments: {parameters: [{name: text, value: b}]}}
    - - {name: c, template: say, arguments: {parameters: [{name: text, value: "{{steps.read.outputs.result}}"}]}}
)"));
  EXPECT_EQ(run.requests.at("wf[0].read").result_container, "main");
  EXPECT_EQ(run.requests.at("wf[0].unread").result_container, "");
  EXPECT_EQ(run.node("wf[1].c").input_parameters.at("text"), "a");
}

TEST(OperatorSteps, LoopsExpandWithArgosNames) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - name: items
        template: give
        withItems: [one, 2, {j: w, k: v}]
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
    - - name: sequence
        template: give
        withSequence: {start: "4", end: "6", format: "n%02X"}
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
    - - name: param
        template: give
        withParam: "{{steps.sequence.outputs.parameters}}"
        arguments: {parameters: [{name: x, value: "{{item.y}}!"}]}
    - - name: last
        template: say
        arguments: {parameters: [{name: text, value: "{{steps.param.outputs.parameters.y}}"}]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf[0].items(0:one)").outputs.parameters.at("y"), "one");
  EXPECT_EQ(run.node("wf[0].items(1:2)").outputs.parameters.at("y"), "2");
  EXPECT_EQ(run.node("wf[0].items(2:j:w,k:v)").outputs.parameters.at("y"), R"({"j":"w","k":"v"})");
  EXPECT_EQ(run.node("wf[1].sequence(2:n06)").display_name, "sequence(2:n06)");
  EXPECT_EQ(run.node("wf[2].param(1:y:n05)").outputs.parameters.at("y"), "n05!");
  EXPECT_EQ(run.node("wf[3].last").input_parameters.at("text"), R"(["n04!","n05!","n06!"])");
}

TEST(OperatorSteps, AnEmptyLoopIsSkipped) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - name: none
        template: give
        withParam: "[]"
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
    - - {name: after, template: work}
)"));
  EXPECT_EQ(run.node("wf[0].none").message, "Skipped, empty params");
  EXPECT_EQ(run.node("wf[0].none").phase, Phase::kSkipped);
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
}

TEST(OperatorSteps, ALoopOverNoListIsAnErrorUnlessWhenExcludesIt) {
  const char* const kMain = R"(
  - name: main
    inputs: {parameters: [{name: run, value: "%"}]}
    steps:
    - - {name: text, template: say, arguments: {parameters: [{name: text, value: no list}]}}
    - - name: loop
        template: give
        when: "{{inputs.parameters.run}} == yes"
        withParam: "{{steps.text.outputs.result}}"
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
)";
  std::string yes = workflow("", kMain);
  yes.replace(yes.find('%'), 1, "yes");
  std::string no = workflow("", kMain);
  no.replace(no.find('%'), 1, "no");
  const SimulatedRun failed = simulate(yes);
  EXPECT_EQ(failed.status.phase, Phase::kFailed) << failed.tree();
  EXPECT_EQ(failed.node("wf[1].loop").phase, Phase::kError);
  EXPECT_THAT(failed.status.message, ::testing::HasSubstr("wf[1].loop"));
  EXPECT_EQ(simulate(no).status.phase, Phase::kSucceeded);
}

TEST(OperatorSteps, OutputsRiseThroughTemplatesAndBecomeGlobal) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: inner, template: inner, arguments: {parameters: [{name: n, value: "5"}]}}
    - - {name: shout, template: say, arguments: {parameters: [{name: text, value: "{{steps.inner.outputs.parameters.z}}"}]}}
      - {name: global, template: say, arguments: {parameters: [{name: text, value: "{{workflow.outputs.parameters.shared}}"}]}}
  - name: inner
    inputs: {parameters: [{name: n}]}
    steps:
    - - {name: g, template: give, arguments: {parameters: [{name: x, value: "{{inputs.parameters.n}}"}]}}
      - {name: skipped, template: give, when: "1 == 2", arguments: {parameters: [{name: x, value: "0"}]}}
    outputs:
      parameters:
      - {name: z, globalName: shared, valueFrom: {parameter: "{{steps.g.outputs.parameters.y}}"}}
      - {name: sum, valueFrom: {expression: "asInt(steps.g.outputs.parameters.y) + 1"}}
      - {name: d, valueFrom: {default: "nothing", parameter: "{{steps.skipped.outputs.parameters.y}}"}}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  const NodeStatus& inner = run.node("wf[0].inner");
  EXPECT_EQ(inner.outputs.parameters.at("z"), "5");
  EXPECT_EQ(inner.outputs.parameters.at("sum"), "6");
  EXPECT_EQ(inner.outputs.parameters.at("d"), "nothing");
  EXPECT_EQ(run.status.outputs.parameters.at("shared"), "5");
  EXPECT_EQ(run.node("wf[1].shout").input_parameters.at("text"), "5");
  EXPECT_EQ(run.node("wf[1].global").input_parameters.at("text"), "5");
  EXPECT_EQ(run.node("wf[0].inner[0].g").boundary_id, inner.id);
}

TEST(OperatorSteps, ASkippedStepsOutputLeavesTheInputsDefault) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: maybe, template: give, when: "1 == 2", arguments: {parameters: [{name: x, value: "0"}]}}
    - - {name: a, template: work, arguments: {parameters: [{name: do, value: "{{steps.maybe.outputs.parameters.y}}"}]}}
)"));
  EXPECT_EQ(run.node("wf[1].a").input_parameters.at("do"), "exit=0") << run.tree();
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
}

TEST(OperatorSteps, AnOutputThatIsMissingIsToldAndEndsTheWorkflow) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: bad, template: fail, continueOn: {failed: true}}
    - - {name: a, template: say, arguments: {parameters: [{name: text, value: "{{steps.bad.outputs.parameters.y}}"}]}}
  - name: fail
    container: {image: sim, command: [sim], args: ["exit=1"]}
    outputs: {parameters: [{name: y, valueFrom: {path: /tmp/y}}]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kFailed) << run.tree();
  EXPECT_EQ(run.node("wf[1].a").phase, Phase::kError);
  EXPECT_THAT(run.node("wf[1].a").message, ::testing::HasSubstr("steps.bad.outputs.parameters.y"));
}

TEST(OperatorSteps, ArtifactsGoFromStepToStep) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: make, template: make}
    - - name: use
        template: use
        arguments:
          artifacts:
          - {name: file, from: "{{steps.make.outputs.artifacts.file}}", subPath: part}
          - {name: text, raw: {data: "of {{workflow.name}}"}}
  - name: make
    container: {image: sim, command: [sim], args: ["exit=0"]}
    outputs: {artifacts: [{name: file, path: /tmp/out, globalName: shared}]}
  - name: use
    inputs:
      artifacts:
      - {name: file, path: /tmp/in}
      - {name: text, path: /tmp/text, mode: 0755}
      - {name: absent, path: /tmp/absent, optional: true}
    container: {image: sim, command: [sim], args: ["{{inputs.artifacts.file.path}}"]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  const PodRequest& use = run.requests.at("wf[1].use");
  ASSERT_EQ(use.input_artifacts.size(), 2U);
  EXPECT_EQ(use.input_artifacts[0].path, "/tmp/in");
  EXPECT_EQ(use.input_artifacts[0].source.node_id, run.node("wf[0].make").id);
  EXPECT_EQ(use.input_artifacts[0].source.artifact_name, "file");
  EXPECT_EQ(use.input_artifacts[0].source.sub_path, "part");
  EXPECT_EQ(use.input_artifacts[1].source.raw, "of wf");
  EXPECT_THAT(use.containers[0].args, ElementsAre("/tmp/in"));
  EXPECT_EQ(run.status.outputs.artifacts.at("shared").node_id, run.node("wf[0].make").id);
  ASSERT_EQ(run.requests.at("wf[0].make").output_artifacts.size(), 1U);
}

TEST(OperatorSteps, AScriptIsGivenAsAFile) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    script: {image: sim, command: [python3], source: "print {{workflow.name}}"}
)"));
  EXPECT_EQ(run.requests.at("wf").containers[0].script, "print wf");
  EXPECT_THAT(run.requests.at("wf").containers[0].command, ElementsAre("python3"));
}

TEST(OperatorSteps, RecursionEndsWhereItsConditionEndsIt) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    inputs: {parameters: [{name: n, value: "3"}]}
    steps:
    - - {name: count, template: say, arguments: {parameters: [{name: text, value: "{{=asInt(inputs.parameters.n) - 1}}"}]}}
    - - name: again
        template: main
        when: "{{steps.count.outputs.result}} > 0"
        arguments: {parameters: [{name: n, value: "{{steps.count.outputs.result}}"}]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf[1].again[1].again[1].again").phase, Phase::kSkipped);
  EXPECT_EQ(run.started.size(), 3U);
}

TEST(OperatorSteps, EndlessRecursionIsCutWithAReason) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: again, template: main}
)"));
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_THAT(run.tree(), ::testing::HasSubstr("Maximum recursion depth exceeded"));
}

TEST(OperatorSteps, ParallelismHoldsPodsBack) {
  const std::string fan_out = R"(
  - name: main
    steps:
    - - name: many
        template: work
        withSequence: {count: "9"}
)";
  EXPECT_EQ(simulate(workflow("", fan_out)).most_at_once, 9U);
  const SimulatedRun bounded = simulate(workflow("  parallelism: 2\n", fan_out));
  EXPECT_EQ(bounded.status.phase, Phase::kSucceeded);
  EXPECT_EQ(bounded.most_at_once, 2U);
  EXPECT_EQ(bounded.started.size(), 9U);
  std::string in_template = workflow("", fan_out);
  in_template.replace(in_template.find("    steps:"), 0, "    parallelism: 3\n");
  const SimulatedRun by_template = simulate(in_template);
  EXPECT_EQ(by_template.most_at_once, 3U);
  EXPECT_EQ(by_template.started.size(), 9U);
}

TEST(OperatorSteps, FailFastStartsNothingAfterAFailure) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    parallelism: 1
    failFast: true
    steps:
    - - name: many
        template: work
        withItems: [exit=1, exit=0, exit=0]
        arguments: {parameters: [{name: do, value: "{{item}}"}]}
)"));
  EXPECT_EQ(run.started.size(), 1U) << run.tree();
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.status.message, "template has failed or errored children and failFast enabled");
}

TEST(OperatorSteps, TemplatesOfOthersAreCalledByReference) {
  const SimulatedRun run = simulate(R"(
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: library}
spec:
  templates:
  - name: outer
    steps:
    - - {name: in, template: inner}
  - name: inner
    container: {image: sim, command: [sim], args: ["exit=0"]}
---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: a, templateRef: {name: library, template: outer}}
    - - name: b
        inline:
          container: {image: sim, command: [sim], args: ["exit=0"]}
)");
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf[0].a").template_ref, "library/outer");
  EXPECT_EQ(run.node("wf[0].a[0].in").template_scope, "namespaced/library");
  EXPECT_EQ(run.node("wf[0].a[0].in").pod_name.rfind("wf-inner-", 0), 0U);
}

}  // namespace
}  // namespace logstone::local
