// Exit handlers, lifecycle hooks and container sets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/local/operator/simulator.h"

namespace logstone::local {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string workflow(const std::string& spec, const std::string& templates) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n" + spec +
         R"(  templates:
  - name: work
    inputs: {parameters: [{name: do, value: exit=0}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.do}}"]}
)" + templates;
}

TEST(OperatorHooks, TheExitHandlerSeesHowItEnded) {
  const SimulatedRun run = simulate(workflow("  onExit: bye\n", R"(
  - name: main
    steps:
    - - {name: bad, template: work, arguments: {parameters: [{name: do, value: exit=2}]}}
  - name: bye
    container: {image: sim, command: [sim], args: ["{{workflow.status}}", "{{workflow.failures}}", "{{workflow.duration}}"]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  const auto& args = run.requests.at("wf.onExit").containers[0].args;
  EXPECT_EQ(args[0], "Failed");
  EXPECT_THAT(args[1], HasSubstr(R"(\"displayName\":\"bad\")"));
  EXPECT_THAT(args[1], HasSubstr("main: Error (exit code 2)"));
  EXPECT_EQ(args[2], "1.000000");
  EXPECT_TRUE(run.node("wf.onExit").hooked);
  EXPECT_EQ(run.node("wf.onExit").display_name, "wf.onExit");
}

TEST(OperatorHooks, AFailedExitHandlerFailsTheWorkflow) {
  const SimulatedRun run = simulate(workflow("  onExit: bye\n", R"(
  - name: main
    container: {image: sim, command: [sim], args: ["exit=0"]}
  - name: bye
    container: {image: sim, command: [sim], args: ["exit=1"]}
)"));
  EXPECT_EQ(run.node("wf").phase, Phase::kSucceeded);
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.status.message, "main: Error (exit code 1)");
}

TEST(OperatorHooks, StepsHaveExitHandlersAndHooks) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - name: a
        template: say
        hooks:
          running: {template: work, expression: steps.a.status == "Running"}
          exit:
            template: work
            arguments: {parameters: [{name: do, value: "{{steps.a.outputs.result}}"}]}
    - - {name: b, template: work}
  - name: say
    script: {image: sim, command: [sim], source: "result=said"}
)"));
  EXPECT_EQ(run.tree(),
            "wf | Steps | Succeeded\n"
            "wf[0] | StepGroup | Succeeded\n"
            "wf[0].a | Pod | Succeeded\n"
            "wf[0].a.hooks.running | Pod | Succeeded\n"
            "wf[0].a.onExit | Pod | Succeeded\n"
            "wf[1] | StepGroup | Succeeded\n"
            "wf[1].b | Pod | Succeeded\n");
  EXPECT_EQ(run.requests.at("wf[0].a.onExit").containers[0].args[0], "said");
  EXPECT_EQ(run.node("wf[0].a.onExit").display_name, "a.onExit");
  EXPECT_EQ(run.started.back(), "wf[1].b");
}

TEST(OperatorHooks, TasksWaitForHooksOfWhatTheyDependOn) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    dag:
      tasks:
      - name: a
        template: work
        arguments: {parameters: [{name: do, value: exit=1}]}
        hooks:
          failed: {template: work, expression: tasks.a.status == "Failed"}
          never: {template: work, expression: tasks.a.status == "Error"}
          exit: {template: work}
      - {name: b, template: work, depends: a.Failed}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf.a.hooks.failed").phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf.a.onExit").phase, Phase::kSucceeded);
  EXPECT_THAT(run.tree(), ::testing::Not(HasSubstr("hooks.never")));
  EXPECT_EQ(run.started.back(), "wf.b");
}

TEST(OperatorHooks, TheWorkflowsOwnRunWhenTheyAreTrue) {
  const SimulatedRun run = simulate(workflow(R"(  hooks:
    running: {template: work, expression: workflow.status == "Running"}
    failed: {template: work, expression: workflow.status == "Failed"}
    exit: {template: work}
)",
                                             R"(
  - name: main
    steps:
    - - {name: a, template: work}
)"));
  EXPECT_EQ(run.node("wf.hooks.running").phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf.onExit").phase, Phase::kSucceeded);
  EXPECT_THAT(run.tree(), ::testing::Not(HasSubstr("hooks.failed")));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
}

TEST(OperatorContainerSet, ContainersAreNodesBelowThePod) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: set, template: set}
    - - {name: after, template: work}
  - name: set
    containerSet:
      retryStrategy: {retries: "2", duration: "5s"}
      containers:
      - {name: a, image: sim, command: [sim], args: ["exit=0"]}
      - {name: b, image: sim, command: [sim], args: ["exit=0"], dependencies: [a]}
      - {name: main, image: sim, command: [sim], args: ["exit=0"], dependencies: [a, b]}
)"));
  EXPECT_EQ(run.tree(),
            "wf | Steps | Succeeded\n"
            "wf[0] | StepGroup | Succeeded\n"
            "wf[0].set | Pod | Succeeded\n"
            "wf[0].set.a | Container | Succeeded\n"
            "wf[0].set.b | Container | Succeeded\n"
            "wf[0].set.main | Container | Succeeded\n"
            "wf[1] | StepGroup | Succeeded\n"
            "wf[1].after | Pod | Succeeded\n");
  const PodRequest& pod = run.requests.at("wf[0].set");
  ASSERT_EQ(pod.containers.size(), 3U);
  EXPECT_THAT(pod.containers[2].dependencies, ElementsAre("a", "b"));
  EXPECT_EQ(pod.containers[0].retries, 2);
  EXPECT_EQ(pod.containers[0].retry_delay, std::chrono::seconds(5));
  EXPECT_THAT(run.node("wf[0].set").children, ElementsAre(run.node("wf[0].set.a").id));
  EXPECT_EQ(run.node("wf[0].set.b").display_name, "b");
  EXPECT_EQ(run.node("wf[0].set.b").boundary_id, run.node("wf[0].set").id);
  EXPECT_THAT(run.node("wf[0].set.main").children, ElementsAre(run.node("wf[1]").id));
}

TEST(OperatorContainerSet, AFailedContainerFailsThePod) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    containerSet:
      containers:
      - {name: a, image: sim, command: [sim], args: ["exit=0"]}
      - {name: b, image: sim, command: [sim], args: ["exit=5"]}
)"));
  EXPECT_EQ(run.node("wf").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf").message, "b: Error (exit code 5)");
  EXPECT_EQ(run.node("wf.b").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf.b").exit_code, 5);
  EXPECT_EQ(run.node("wf.a").phase, Phase::kSucceeded);
}

}  // namespace
}  // namespace logstone::local
