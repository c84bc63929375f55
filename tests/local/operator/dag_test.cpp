// DAG templates: dependencies, conditions on them, targets, loops.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/local/operator/simulator.h"

namespace logstone::local {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::string dag(const std::string& tasks, const std::string& options = "") {
  return R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: wf}
spec:
  entrypoint: main
  templates:
  - name: work
    inputs: {parameters: [{name: do, value: exit=0}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.do}}"]}
  - name: give
    inputs: {parameters: [{name: x}]}
    container: {image: sim, command: [sim], args: ["out:y={{inputs.parameters.x}}"]}
    outputs: {parameters: [{name: y, valueFrom: {path: /tmp/y}}]}
  - name: say
    inputs: {parameters: [{name: text}]}
    script: {image: sim, command: [sim], source: "result={{inputs.parameters.text}}"}
  - name: main
)" + options +
         "    dag:\n      tasks:\n" + tasks;
}

std::size_t place(const SimulatedRun& run, const std::string& name) {
  return static_cast<std::size_t>(std::find(run.started.begin(), run.started.end(), name) - run.started.begin());
}

TEST(OperatorDag, ADiamondRunsInOrder) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: give, arguments: {parameters: [{name: x, value: "1"}]}}
      - {name: b, template: give, dependencies: [a], arguments: {parameters: [{name: x, value: "{{tasks.a.outputs.parameters.y}}2"}]}}
      - {name: c, template: give, depends: a, arguments: {parameters: [{name: x, value: "{{tasks.a.outputs.parameters.y}}3"}]}}
      - name: d
        template: say
        depends: b && c
        arguments: {parameters: [{name: text, value: "{{tasks.b.outputs.parameters.y}}-{{tasks.c.outputs.parameters.y}}-{{tasks.a.status}}"}]}
)"));
  EXPECT_EQ(run.tree(),
            "wf | DAG | Succeeded\n"
            "wf.a | Pod | Succeeded\n"
            "wf.b | Pod | Succeeded\n"
            "wf.c | Pod | Succeeded\n"
            "wf.d | Pod | Succeeded\n");
  EXPECT_EQ(run.node("wf.d").input_parameters.at("text"), "12-13-Succeeded");
  EXPECT_THAT(run.node("wf").children, ElementsAre(run.node("wf.a").id));
  EXPECT_THAT(run.node("wf.a").children, UnorderedElementsAre(run.node("wf.b").id, run.node("wf.c").id));
  EXPECT_THAT(run.node("wf.b").children, ElementsAre(run.node("wf.d").id));
  EXPECT_THAT(run.node("wf").outbound, ElementsAre(run.node("wf.d").id));
  EXPECT_EQ(run.node("wf.b").display_name, "b");
  EXPECT_LT(place(run, "wf.a"), place(run, "wf.b"));
}

TEST(OperatorDag, DependsChoosesByHowTasksEnded) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: bad, template: work, arguments: {parameters: [{name: do, value: exit=1}]}}
      - {name: good, template: work}
      - {name: skipped, template: work, when: "1 > 2"}
      - {name: cleanup, template: work, depends: bad.Failed}
      - {name: unneeded, template: work, depends: good.Failed}
      - {name: after-unneeded, template: work, depends: unneeded}
      - {name: any, template: work, depends: "(bad.Succeeded || good) && skipped"}
)"));
  EXPECT_EQ(run.tree(),
            "wf | DAG | Succeeded\n"
            "wf.after-unneeded | Skipped | Omitted | omitted: depends condition not met\n"
            "wf.any | Pod | Succeeded\n"
            "wf.bad | Pod | Failed | main: Error (exit code 1)\n"
            "wf.cleanup | Pod | Succeeded\n"
            "wf.good | Pod | Succeeded\n"
            "wf.skipped | Skipped | Skipped | when '1 > 2' evaluated false\n"
            "wf.unneeded | Skipped | Omitted | omitted: depends condition not met\n");
}

TEST(OperatorDag, AFailureOmitsWhatDependsOnItAndFailsTheDag) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: work, arguments: {parameters: [{name: do, value: exit=1}]}}
      - {name: b, template: work, depends: a}
      - {name: c, template: work, depends: b}
      - {name: other, template: work}
)"));
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf.b").phase, Phase::kOmitted);
  EXPECT_EQ(run.node("wf.c").phase, Phase::kOmitted);
  EXPECT_EQ(run.node("wf.other").phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf").message, "");
}

TEST(OperatorDag, ContinueOnOfATargetDoesNotFailTheDag) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: work, continueOn: {failed: true}, arguments: {parameters: [{name: do, value: exit=1}]}}
      - {name: b, template: work, dependencies: [a]}
      - {name: c, template: work, continueOn: {failed: true}, arguments: {parameters: [{name: do, value: exit=1}]}}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf.b").phase, Phase::kSucceeded);
}

TEST(OperatorDag, TargetsLeaveOutWhatTheyDoNotNeed) {
  std::string manifest = dag(R"(
      - {name: a, template: work}
      - {name: b, template: work, depends: a}
      - {name: c, template: work, depends: b}
      - {name: d, template: work}
)");
  manifest.replace(manifest.find("      tasks:"), 0, "      target: '{{workflow.parameters.target}}'\n");
  manifest.replace(manifest.find("  templates:"), 0, "  arguments: {parameters: [{name: target, value: b}]}\n");
  const SimulatedRun run = simulate(manifest);
  EXPECT_EQ(run.tree(),
            "wf | DAG | Succeeded\n"
            "wf.a | Pod | Succeeded\n"
            "wf.b | Pod | Succeeded\n");
}

TEST(OperatorDag, LoopsAreTaskGroups) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: give, withItems: [x, y], arguments: {parameters: [{name: x, value: "{{item}}"}]}}
      - {name: b, template: say, depends: a, arguments: {parameters: [{name: text, value: "{{tasks.a.outputs.parameters.y}}"}]}}
      - {name: some, template: work, withItems: [exit=0, exit=1], arguments: {parameters: [{name: do, value: "{{item}}"}]}}
      - {name: any, template: work, depends: some.AnySucceeded}
      - {name: all, template: work, depends: some.AllFailed}
      - {name: none, template: work, withParam: "[]"}
)"));
  EXPECT_EQ(run.node("wf.a").type, "TaskGroup");
  EXPECT_THAT(run.node("wf.a").children, ElementsAre(run.node("wf.a(0:x)").id, run.node("wf.a(1:y)").id));
  EXPECT_EQ(run.node("wf.b").input_parameters.at("text"), R"(["x","y"])");
  EXPECT_EQ(run.node("wf.some").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf.any").phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf.all").phase, Phase::kOmitted);
  EXPECT_EQ(run.node("wf.none").message, "Skipped, empty params");
  EXPECT_THAT(run.node("wf.a(0:x)").children, ElementsAre(run.node("wf.b").id));
}

TEST(OperatorDag, OutputsComeFromTasks) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: give, arguments: {parameters: [{name: x, value: "4"}]}}
      - {name: b, template: give, depends: a, when: "1 == 2", arguments: {parameters: [{name: x, value: "5"}]}}
)",
                                        R"(
    outputs:
      parameters:
      - {name: y, valueFrom: {parameter: "{{tasks.a.outputs.parameters.y}}"}}
      - {name: z, valueFrom: {parameter: "{{tasks.b.outputs.parameters.y}}", default: zero}}
)"));
  EXPECT_EQ(run.node("wf").outputs.parameters.at("y"), "4") << run.tree();
  EXPECT_EQ(run.node("wf").outputs.parameters.at("z"), "zero");
}

TEST(OperatorDag, ArgumentsThatCannotBeHadAreTheTasksError) {
  const SimulatedRun run = simulate(dag(R"(
      - {name: a, template: give, continueOn: {failed: true}, arguments: {parameters: [{name: x, value: "1"}]}}
      - {name: b, template: work, depends: a, withParam: "{{tasks.a.outputs.parameters.y}}"}
      - {name: c, template: work, depends: b.Errored}
)"));
  EXPECT_EQ(run.node("wf.b").phase, Phase::kError) << run.tree();
  EXPECT_EQ(run.node("wf.c").phase, Phase::kSucceeded);
}

TEST(OperatorDag, ALongChainIsNoDeepRecursion) {
  std::string tasks;
  for (int i = 0; i < 120; ++i) {
    tasks += "      - {name: t" + std::to_string(i) + ", template: work";
    if (i > 0) tasks += ", dependencies: [t" + std::to_string(i - 1) + "], when: \"1 == 2\"";
    tasks += "}\n";
  }
  const SimulatedRun run = simulate(dag(tasks));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf.t119").phase, Phase::kSkipped);
}

}  // namespace
}  // namespace logstone::local
