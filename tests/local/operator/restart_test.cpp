// Whatever the order in which pods move, and however often the engine is killed: the same tree in the end.
#include <gtest/gtest.h>

#include "model/argo_names.h"
#include "tests/local/operator/simulator.h"

namespace logstone::local {
namespace {

const char* const kEverything = R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  onExit: bye
  arguments: {parameters: [{name: n, value: "3"}]}
  hooks:
    running: {template: work, expression: workflow.status == "Running"}
  templates:
  - name: main
    steps:
    - - {name: list, template: list}
      - {name: maybe, template: work, when: "{{workflow.parameters.n}} > 5"}
    - - name: each
        template: diamond
        withParam: "{{steps.list.outputs.result}}"
        arguments: {parameters: [{name: x, value: "{{item}}"}]}
      - {name: flaky, template: flaky}
      - {name: wait, template: wait}
    - - name: bad
        template: work
        continueOn: {failed: true}
        arguments: {parameters: [{name: do, value: exit=1}]}
        hooks:
          exit: {template: work}
      - {name: sum, template: work, arguments: {parameters: [{name: do, value: "result={{steps.each.outputs.parameters.z}}"}]}}
  - name: diamond
    inputs: {parameters: [{name: x}]}
    dag:
      tasks:
      - {name: a, template: give, arguments: {parameters: [{name: x, value: "{{inputs.parameters.x}}"}]}}
      - {name: b, template: give, depends: a, arguments: {parameters: [{name: x, value: "{{tasks.a.outputs.parameters.y}}b"}]}}
      - {name: c, template: work, depends: a, withItems: [exit=0, exit=0], arguments: {parameters: [{name: do, value: "{{item}}"}]}}
      - {name: d, template: set, depends: b && c}
      - {name: e, template: work, depends: a.Failed}
    outputs: {parameters: [{name: z, valueFrom: {parameter: "{{tasks.b.outputs.parameters.y}}"}}]}
  - name: list
    script: {image: sim, command: [sim], source: 'result=["p","q","r"]'}
  - name: work
    inputs: {parameters: [{name: do, value: exit=0}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.do}}"]}
  - name: give
    inputs: {parameters: [{name: x}]}
    container: {image: sim, command: [sim], args: ["out:y={{inputs.parameters.x}}"]}
    outputs: {parameters: [{name: y, valueFrom: {path: /tmp/y}, globalName: "last-{{inputs.parameters.x}}"}]}
  - name: flaky
    retryStrategy: {limit: "4", backoff: {duration: "5", factor: "2"}}
    container: {image: sim, command: [sim], args: ["exit={{=asInt(retries) < 2 ? 1 : 0}}"]}
  - name: wait
    suspend: {duration: "20"}
  - name: set
    containerSet:
      containers:
      - {name: one, image: sim, command: [sim], args: ["exit=0"]}
      - {name: main, image: sim, command: [sim], args: ["exit=0"], dependencies: [one]}
  - name: bye
    container: {image: sim, command: [sim], args: ["{{workflow.status}}"]}
)";

TEST(OperatorRestart, AnyOrderAndAnyReloadGiveTheSameTree) {
  const ParsedWorkflow workflow = parsed(kEverything);
  ASSERT_FALSE(::testing::Test::HasFailure());
  const SimulatedRun first = simulate(workflow);
  EXPECT_EQ(first.status.phase, Phase::kSucceeded) << first.tree();
  EXPECT_EQ(first.node("wf[2].sum").input_parameters.at("do"), R"(result=["pb","qb","rb"])");
  for (unsigned seed = 2; seed < 14; ++seed) {
    Simulation simulation;
    simulation.seed = seed;
    simulation.reload = seed % 2 == 0;
    const SimulatedRun run = simulate(workflow, simulation);
    ASSERT_EQ(run.tree(), first.tree()) << "with seed " << seed;
    ASSERT_EQ(run.status.outputs, first.status.outputs);
  }
}

TEST(OperatorRestart, TerminationAtAnyMomentEndsEverything) {
  const ParsedWorkflow workflow = parsed(kEverything);
  ASSERT_FALSE(::testing::Test::HasFailure());
  for (std::size_t after = 1; after < 22; after += 3) {
    Simulation simulation;
    simulation.seed = static_cast<unsigned>(after);
    simulation.terminate_after = after;
    const SimulatedRun run = simulate(workflow, simulation);
    ASSERT_TRUE(is_final(run.status.phase)) << "terminated after " << after << " pods\n" << run.tree();
    for (const auto& [id, node] : run.status.nodes) EXPECT_TRUE(is_final(node.phase)) << node.name;
  }
}

TEST(OperatorRestart, AFanOutOfAHundredPods) {
  const ParsedWorkflow workflow = parsed(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - {name: each, template: work, withSequence: {count: "100"}, arguments: {parameters: [{name: x, value: "{{item}}"}]}}
      - {name: last, template: last, depends: each, arguments: {parameters: [{name: all, value: "{{tasks.each.outputs.parameters.y}}"}]}}
  - name: work
    inputs: {parameters: [{name: x}]}
    container: {image: sim, command: [sim], args: ["out:y={{inputs.parameters.x}}"]}
    outputs: {parameters: [{name: y, valueFrom: {path: /tmp/y}}]}
  - name: last
    inputs: {parameters: [{name: all}]}
    container: {image: sim, command: [sim], args: ["exit=0"]}
)");
  const SimulatedRun run = simulate(workflow);
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
  EXPECT_EQ(run.started.size(), 101U);
  EXPECT_EQ(run.node("wf.last").input_parameters.at("all").rfind(R"(["0","1","2")", 0), 0U);
}

TEST(WorkflowStatus, JsonKeepsAllOfIt) {
  WorkflowStatus status;
  status.phase = Phase::kFailed;
  status.message = "child 'a' failed";
  status.started = from_unix_nanoseconds(1'767'000'000'123'456'789);
  status.outputs.parameters["g"] = "\x01\n\"";
  NodeStatus& node = status.nodes["wf-1"];
  node.id = "wf-1";
  node.name = "wf[0].a";
  node.display_name = "a";
  node.type = "Pod";
  node.phase = Phase::kRunning;
  node.children = {"x", "y"};
  node.outbound = {"z"};
  node.template_ref = "library/outer";
  node.outputs.result = "";
  node.outputs.global_names = {{"p", "q"}, {"artifact:f", "g"}};
  node.outputs.parameters["p"] = "v";
  node.outputs.artifacts["f"].raw = "text";
  node.input_artifacts["i"].node_id = "wf-2";
  node.input_artifacts["i"].sub_path = "a/b";
  node.deadline = from_unix_nanoseconds(5);
  node.active_deadline = Nanoseconds(7);
  node.exit_code = 137;
  node.retried = true;
  const auto reread = workflow_status_from_json(to_json(status));
  ASSERT_TRUE(reread) << reread.error().message();
  EXPECT_TRUE(*reread == status) << to_json(*reread);
}

TEST(WorkflowStatus, WhatIsNoStatusIsCorrupt) {
  for (const char* text : {"", "[]", "{\"phase\": 1}", "{\"nodes\": []}", "{\"nodes\": {\"a\": 1}}",
                           "{\"phase\": \"Odd\"}", "{\"nodes\": {\"a\": {\"startedAt\": \"yesterday\"}}}"}) {
    const auto status = workflow_status_from_json(text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().kind, ErrorKind::kCorrupt);
  }
}

TEST(ArgoNames, AreThoseOfArgo) {
  EXPECT_EQ(fnv1a_32(""), 2166136261U);
  EXPECT_EQ(fnv1a_32("a"), 0xe40c292cU);
  EXPECT_EQ(argo_node_id("wf", "wf"), "wf");
  EXPECT_EQ(argo_node_id("wf", "wf[0].a"), "wf-3986212215");
  EXPECT_EQ(argo_pod_name("wf", "wf", "main"), "wf");
  EXPECT_EQ(argo_pod_name("wf", "wf[0].a", "work"), "wf-work-3986212215");
  EXPECT_EQ(argo_pod_name("wf", "wf[0].a", ""), "wf-3986212215");
  EXPECT_EQ(argo_pod_name("wf", "wf[0].a", std::string(300, 'x')).size(), 242U + 11U);
}

}  // namespace
}  // namespace logstone::local
