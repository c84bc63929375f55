// Retries, deadlines, suspensions, termination: what the clock and people decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/local/operator/simulator.h"

namespace logstone::local {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string workflow(const std::string& spec, const std::string& templates) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec:\n  entrypoint: main\n" + spec +
         "  templates:\n" + templates;
}

std::string retried(const std::string& strategy, const std::string& program) {
  return workflow("", "  - name: main\n    retryStrategy: " + strategy +
                          "\n    container: {image: sim, command: [sim], args: [" + program + "]}\n");
}

TEST(OperatorRetry, AttemptsFollowOneAnotherUntilOneSucceeds) {
  const SimulatedRun run =
      simulate(retried(R"({limit: "5"})", R"("exit={{=asInt(retries) < 2 ? 1 : 0}}", "{{lastRetry.exitCode}}")"));
  EXPECT_EQ(run.tree(),
            "wf | Retry | Succeeded\n"
            "wf(0) | Pod | Failed | main: Error (exit code 1)\n"
            "wf(1) | Pod | Failed | main: Error (exit code 1)\n"
            "wf(2) | Pod | Succeeded\n");
  EXPECT_TRUE(run.node("wf(2)").retried);
  EXPECT_EQ(run.requests.at("wf(1)").containers[0].args[1], "1");
  EXPECT_EQ(run.requests.at("wf(1)").pod_name.rfind("wf-main-", 0), 0U);
  EXPECT_THAT(run.node("wf").children, ElementsAre(run.node("wf(0)").id, run.node("wf(1)").id, run.node("wf(2)").id));
}

TEST(OperatorRetry, TheLimitCountsWhatComesAfterTheFirst) {
  const SimulatedRun run = simulate(retried(R"({limit: "2"})", "exit=4"));
  EXPECT_EQ(run.started.size(), 3U);
  EXPECT_EQ(run.node("wf").message, "No more retries left");
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.status.message, "No more retries left");
}

TEST(OperatorRetry, ThePolicyTellsFailuresFromErrors) {
  EXPECT_EQ(simulate(retried(R"({limit: "2"})", "error=broken")).started.size(), 1U);
  EXPECT_EQ(simulate(retried(R"({limit: "2", retryPolicy: OnError})", "error=broken")).started.size(), 3U);
  EXPECT_EQ(simulate(retried(R"({limit: "2", retryPolicy: OnError})", "exit=1")).started.size(), 1U);
  EXPECT_EQ(simulate(retried(R"({limit: "2", retryPolicy: Always})", "error=broken")).started.size(), 3U);
  EXPECT_EQ(simulate(retried(R"({limit: "2", retryPolicy: OnTransientError})", "exit=1")).started.size(), 1U);
}

TEST(OperatorRetry, BackoffGrowsByItsFactorUpToItsCap) {
  const SimulatedRun run =
      simulate(retried(R"({limit: "4", backoff: {duration: "10", factor: "3", cap: "1m"}})", R"("exit=1", "sleep=1")"));
  std::vector<seconds> waits;
  Timestamp before = run.node("wf(0)").finished.value();
  for (int i = 1; i <= 4; ++i) {
    const NodeStatus& node = run.node("wf(" + std::to_string(i) + ")");
    waits.push_back(std::chrono::duration_cast<seconds>(node.started.value() - before));
    before = node.finished.value();
  }
  EXPECT_THAT(waits, ElementsAre(seconds(10), seconds(30), seconds(60), seconds(60)));
}

TEST(OperatorRetry, BackoffEndsAtItsLongestDuration) {
  const SimulatedRun run = simulate(
      retried(R"({limit: "10", backoff: {duration: "10", factor: "2", maxDuration: "1m"}})", R"("exit=1", "sleep=1")"));
  EXPECT_EQ(run.node("wf").message, "Backoff would exceed max duration limit");
  EXPECT_EQ(run.started.size(), 3U);
}

TEST(OperatorRetry, TheExpressionDecides) {
  const SimulatedRun run = simulate(retried(R"({limit: "5", expression: "asInt(lastRetry.exitCode) != 9"})",
                                            R"("exit={{=asInt(retries) < 1 ? 1 : 9}}")"));
  EXPECT_EQ(run.started.size(), 2U) << run.tree();
  EXPECT_EQ(run.node("wf").message, "retryStrategy.expression evaluated to false");
}

TEST(OperatorRetry, StepsOfATemplateAreRetriedTogether) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    retryStrategy: {limit: "3"}
    steps:
    - - {name: a, template: work, arguments: {parameters: [{name: do, value: "exit={{=asInt(retries) < 1 ? 1 : 0}}"}]}}
  - name: work
    inputs: {parameters: [{name: do}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.do}}"]}
)"));
  EXPECT_EQ(run.node("wf(0)").type, "Steps");
  EXPECT_EQ(run.node("wf(0)").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf(1)[0].a").phase, Phase::kSucceeded);
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
}

TEST(OperatorRetry, OutputsAreTheLastAttempts) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: a, template: say}
    - - {name: b, template: use, arguments: {parameters: [{name: x, value: "{{steps.a.outputs.result}}"}]}}
  - name: say
    retryStrategy: {limit: "3"}
    script: {image: sim, command: [sim], source: "result=try{{retries}}\nexit={{=asInt(retries) < 1 ? 1 : 0}}"}
  - name: use
    inputs: {parameters: [{name: x}]}
    container: {image: sim, command: [sim], args: ["{{inputs.parameters.x}}"]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded) << run.tree();
  EXPECT_EQ(run.node("wf[1].b").input_parameters.at("x"), "try1");
}

TEST(OperatorDeadline, TheWorkflowsEndsWhatRunsAndRunsTheExitHandler) {
  const SimulatedRun run = simulate(workflow("  activeDeadlineSeconds: 10\n  onExit: bye\n", R"(
  - name: main
    steps:
    - - {name: long, template: long}
    - - {name: never, template: bye}
  - name: long
    container: {image: sim, command: [sim], args: ["sleep=100"]}
  - name: bye
    container: {image: sim, command: [sim], args: ["{{workflow.status}}", "sleep=50"]}
)"));
  EXPECT_EQ(run.node("wf[0].long").message, "Step exceeded its deadline");
  EXPECT_EQ(run.node("wf[0].long").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf[0].long").finished, simulated_start() + seconds(10));
  EXPECT_EQ(run.node("wf.onExit").phase, Phase::kSucceeded);
  EXPECT_EQ(run.requests.at("wf.onExit").containers[0].args[0], "Failed");
  EXPECT_EQ(run.status.phase, Phase::kFailed);
  EXPECT_EQ(run.requests.count("wf[1].never"), 0U);
}

TEST(OperatorDeadline, ATemplatesCountsFromThePodsStart) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    activeDeadlineSeconds: 7
    container: {image: sim, command: [sim], args: ["sleep=100"]}
)"));
  EXPECT_EQ(run.node("wf").message, "Pod was active on the node longer than the specified deadline");
  EXPECT_EQ(run.node("wf").finished, simulated_start() + seconds(7));
}

TEST(OperatorDeadline, ATimeoutBoundsTheNode) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    timeout: 9s
    container: {image: sim, command: [sim], args: ["sleep=100"]}
)"));
  EXPECT_EQ(run.node("wf").phase, Phase::kFailed);
  EXPECT_EQ(run.node("wf").finished, simulated_start() + seconds(9));
  EXPECT_EQ(run.requests.at("wf").deadline, simulated_start() + seconds(9));
}

TEST(OperatorSuspend, ItGoesOnAfterItsDuration) {
  const SimulatedRun run = simulate(workflow("", R"(
  - name: main
    steps:
    - - {name: wait, template: wait}
    - - {name: after, template: work}
  - name: wait
    suspend: {duration: "90"}
  - name: work
    container: {image: sim, command: [sim], args: ["exit=0"]}
)"));
  EXPECT_EQ(run.status.phase, Phase::kSucceeded);
  EXPECT_EQ(run.node("wf[0].wait").type, "Suspend");
  EXPECT_THAT(run.woken, ElementsAre(simulated_start() + seconds(90)));
  EXPECT_EQ(run.node("wf[1].after").started, simulated_start() + seconds(90));
}

TEST(OperatorTerminate, PodsAreStoppedAndNoExitHandlerRuns) {
  Simulation simulation;
  simulation.terminate_after = 2;
  const SimulatedRun run = simulate(workflow("  onExit: work\n", R"(
  - name: main
    steps:
    - - {name: a, template: work}
    - - {name: b, template: work}
      - {name: c, template: retried}
      - {name: d, template: wait}
    - - {name: never, template: work}
  - name: work
    container: {image: sim, command: [sim], args: ["sleep=5"]}
  - name: retried
    retryStrategy: {limit: "3"}
    container: {image: sim, command: [sim], args: ["sleep=5"]}
  - name: wait
    suspend: {duration: "1000"}
)"),
                                    simulation);
  EXPECT_EQ(run.status.phase, Phase::kFailed) << run.tree();
  EXPECT_EQ(run.status.message, "Stopped with strategy 'Terminate'");
  EXPECT_EQ(run.node("wf[1].b").message, "workflow shutdown with strategy:  Terminate");
  EXPECT_EQ(run.node("wf[1].c").message, "Stopped with strategy 'Terminate'");
  EXPECT_EQ(run.node("wf[1].d").message, "Stopped with strategy 'Terminate'");
  EXPECT_THAT(run.tree(), ::testing::Not(HasSubstr("onExit")));
}

TEST(OperatorPods, OneThatIsGoneWhileItRanIsAnErrorAndOneThatIsPendingIsMadeAgain) {
  const ParsedWorkflow parsed_workflow = parsed(workflow("", R"(
  - name: main
    container: {image: sim, command: [sim], args: ["sleep=5"]}
)"));
  const WorkflowFacts facts = facts_of(parsed_workflow);
  WorkflowStatus status;
  const Timestamp now = simulated_start();
  ASSERT_EQ(operate(parsed_workflow, facts, status, {}, now, false).create.size(), 1U);
  EXPECT_EQ(operate(parsed_workflow, facts, status, {}, now, false).create.size(), 1U);
  std::map<std::string, PodOutcome> pods;
  pods["wf"].phase = Phase::kRunning;
  pods["wf"].started = now;
  EXPECT_TRUE(operate(parsed_workflow, facts, status, pods, now, false).create.empty());
  EXPECT_EQ(status.nodes.at("wf").phase, Phase::kRunning);
  EXPECT_TRUE(operate(parsed_workflow, facts, status, {}, now, false).create.empty());
  EXPECT_EQ(status.nodes.at("wf").phase, Phase::kError);
  EXPECT_EQ(status.nodes.at("wf").message, "pod deleted");
  EXPECT_EQ(status.phase, Phase::kError);
}

}  // namespace
}  // namespace logstone::local
