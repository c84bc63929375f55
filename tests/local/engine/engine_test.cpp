// Whole workflows in the engine: real processes, objects, labels, artifacts, deletion.
#include <gmock/gmock.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tests/local/engine/engine_fixture.h"

namespace logstone::local::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr const char* kSteps = R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: steps-
  labels: {team: red}
spec:
  entrypoint: main
  arguments:
    parameters: [{name: who, value: world}]
  templates:
    - name: main
      steps:
        - - name: make
            template: make
            arguments: {parameters: [{name: who, value: "{{workflow.parameters.who}}"}]}
        - - name: take
            template: take
            arguments:
              parameters: [{name: text, value: "{{steps.make.outputs.parameters.text}}"}]
              artifacts: [{name: file, from: "{{steps.make.outputs.artifacts.file}}"}]
          - name: skipped
            template: take
            when: "{{steps.make.outputs.result}} == no"
            arguments:
              parameters: [{name: text, value: "x"}]
              artifacts: [{name: file, raw: {data: x}}]
    - name: make
      inputs: {parameters: [{name: who}]}
      script:
        image: python:3
        command: [python3]
        source: |
          open('/tmp/text.txt', 'w').write('hello {{inputs.parameters.who}}')
          open('/tmp/file.bin', 'wb').write(bytes(range(256)))
          print('yes')
      outputs:
        parameters: [{name: text, valueFrom: {path: /tmp/text.txt}}]
        artifacts: [{name: file, path: /tmp/file.bin}]
    - name: take
      inputs:
        parameters: [{name: text}]
        artifacts: [{name: file, path: /tmp/in/file.bin}]
      container:
        image: debian:12
        command: [sh, -c]
        args: ["echo '{{inputs.parameters.text}}'; wc -c < /tmp/in/file.bin; tail -c 3 /tmp/in/file.bin"]
)";

TEST_F(EngineTest, RunsStepsWithParametersResultsAndArtifacts) {
  const auto workflow = run(kSteps, {{"who", "moon"}});
  EXPECT_EQ(workflow.phase, Phase::kSucceeded) << workflow.manifest_json;
  EXPECT_EQ(log(workflow, "make"), "yes\n");
  EXPECT_EQ(log(workflow, "take"), "hello moon\n256\n\xfd\xfe\xff");
  EXPECT_EQ(node(workflow, "skipped").phase, Phase::kSkipped);
  EXPECT_EQ(workflow.id.cluster, "local");
  EXPECT_EQ(workflow.id.name_space, "default");
  EXPECT_THAT(workflow.id.name, ::testing::MatchesRegex("steps-[a-z0-9]{5}"));
  EXPECT_EQ(workflow.labels.at("team"), "red");
  EXPECT_EQ(workflow.labels.at("workflows.argoproj.io/phase"), "Succeeded");
  EXPECT_EQ(workflow.labels.at("workflows.argoproj.io/completed"), "true");

  const auto object = nlohmann::json::parse(workflow.manifest_json);
  EXPECT_EQ(object["metadata"]["name"], workflow.id.name);
  EXPECT_EQ(object["metadata"]["uid"], workflow.id.uid);
  EXPECT_EQ(object["status"]["phase"], "Succeeded");
  EXPECT_EQ(object["status"]["nodes"].size(), workflow.nodes.size());
  EXPECT_EQ(object["spec"]["entrypoint"], "main");

  const auto all = pods(workflow.id.uid);
  ASSERT_EQ(all.size(), 2u);
  for (const auto& pod : all) {
    EXPECT_EQ(pod.phase, "Succeeded");
    EXPECT_THAT(pod.name, HasSubstr(workflow.id.name));
    ASSERT_EQ(pod.containers.size(), 1u);
    EXPECT_EQ(pod.containers[0].name, "main");
    EXPECT_EQ(pod.containers[0].state, ContainerState::kTerminated);
    EXPECT_EQ(pod.containers[0].exit_code, 0);
  }
}

TEST_F(EngineTest, RunsADagAndAnExitHandlerAfterAFailure) {
  const auto workflow = run(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: dag}
spec:
  entrypoint: main
  onExit: bye
  templates:
    - name: main
      dag:
        tasks:
          - {name: a, template: echo, arguments: {parameters: [{name: text, value: A}]}}
          - {name: b, template: fail, depends: a}
          - {name: c, template: echo, depends: "b.Failed", arguments: {parameters: [{name: text, value: C}]}}
          - {name: d, template: echo, depends: "b.Succeeded", arguments: {parameters: [{name: text, value: D}]}}
    - name: echo
      inputs: {parameters: [{name: text}]}
      container: {image: x, command: [echo], args: ["{{inputs.parameters.text}}"]}
    - name: fail
      container: {image: x, command: [sh, -c, "echo failing >&2; exit 7"]}
    - name: bye
      container: {image: x, command: [echo, "it was {{workflow.status}}"]}
)");
  EXPECT_EQ(log(workflow, "a"), "A\n");
  EXPECT_EQ(log(workflow, "b"), "failing\n");
  EXPECT_EQ(log(workflow, "c"), "C\n");
  EXPECT_EQ(node(workflow, "b").phase, Phase::kFailed);
  EXPECT_EQ(node(workflow, "b").exit_code, 7);
  EXPECT_EQ(node(workflow, "d").phase, Phase::kOmitted);
  EXPECT_THAT(log(workflow, "dag.onExit"), ::testing::MatchesRegex("it was [A-Z][a-z]+\n"));
}

TEST_F(EngineTest, RunsAHundredPodsSideBySide) {
  const auto workflow = run(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: one, template: one, withSequence: {count: "100"}, arguments: {parameters: [{name: i, value: "{{item}}"}]}}
    - name: one
      inputs: {parameters: [{name: i}]}
      container: {image: x, command: [echo, "number {{inputs.parameters.i}}"]}
)");
  EXPECT_EQ(workflow.phase, Phase::kSucceeded);
  const auto all = pods(workflow.id.uid);
  EXPECT_EQ(all.size(), 100u);
  std::set<std::string> logs;
  for (const auto& pod : all) logs.insert(log(pod));
  EXPECT_EQ(logs.size(), 100u);
  EXPECT_TRUE(logs.contains("number 0\n"));
  EXPECT_TRUE(logs.contains("number 99\n"));
}

TEST_F(EngineTest, StartsNoMorePodsAtOnceThanAsked) {
  reopen([](LocalClusterSettings& settings) { settings.parallel_pods = 2; });
  // Each pod holds a place for a while; the places are counted by the folder's entries.
  const auto& places = shared_.path();
  const auto script = "mkdir " + places.string() + "/$$; ls " + places.string() + " | wc -l; sleep 0.05; rmdir " +
                      places.string() + "/$$";
  const auto workflow = run(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: fan-}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: one, template: one, withSequence: {count: "8"}}]]
    - name: one
      container: {image: x, command: [sh, -c, ")" +
                            script + "\"]}\n");
  for (const auto& pod : pods(workflow.id.uid)) {
    const auto text = log(pod);
    EXPECT_GE(std::atoi(text.c_str()), 1) << text;
    EXPECT_LE(std::atoi(text.c_str()), 2) << text;
  }
}

TEST_F(EngineTest, RefusesWhatItDoesNotRunBeforeAnythingStarts) {
  Submission good, bad;
  good.yaml = one_step("echo never");
  bad.source = "bad.yaml";
  bad.yaml =
      "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: r}\nspec:\n  entrypoint: m\n  templates:\n"
      "    - name: m\n      resource: {action: get}\n";
  const auto submitted = engine_->submit({good, bad});
  ASSERT_FALSE(submitted);
  EXPECT_EQ(submitted.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(submitted.error().message(), HasSubstr("bad.yaml:"));
  EXPECT_TRUE(engine_->list_workflows()->empty());
}

TEST_F(EngineTest, ANameIsUsedOnce) {
  const std::string yaml =
      "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: same}\nspec:\n  entrypoint: m\n  templates:\n"
      "    - {name: m, container: {image: x, command: [\"true\"]}}\n";
  const auto first = submit(yaml);
  Submission again;
  again.yaml = yaml;
  EXPECT_EQ(engine_->submit({again}).error().kind, ErrorKind::kConflict);
  finish(first);
  ASSERT_TRUE(engine_->delete_workflow(first));
  ASSERT_TRUE(wait_gone(first));
  EXPECT_NE(submit(yaml), first);
}

TEST_F(EngineTest, OneProcessAtATime) {
  const auto second = LocalCluster::open(settings());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
}

TEST_F(EngineTest, TellsSubscribersUntilTheyGo) {
  std::mutex mutex;
  std::set<std::string> told;
  auto subscription = engine_->subscribe([&](const std::string& uid) {
    const std::lock_guard lock(mutex);
    told.insert(uid);
  });
  const auto first = submit(one_step("true"));
  EXPECT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return told.contains(first);
  }));
  finish(first);
  subscription.reset();
  told.clear();
  finish(submit(one_step("true")));
  EXPECT_TRUE(told.empty());
}

TEST_F(EngineTest, TheTtlDeletesObjectsAndFiles) {
  const auto uid = submit(one_step("echo short life", "ttlStrategy: {secondsAfterCompletion: 0}"));
  EXPECT_TRUE(wait_gone(uid));
  EXPECT_TRUE(wait_until([&] {
    return entries("pods") == 0 && entries("sandboxes") == 0 && entries("workflows") == 0 && entries("trash") == 0 &&
           entries("artifacts") == 0;
  }));
}

TEST_F(EngineTest, WhatIsHeldIsDeletedOnlyWhenReleased) {
  const auto uid = submit(one_step("sleep 0.2; echo kept", "ttlStrategy: {secondsAfterSuccess: 0}"));
  ASSERT_TRUE(engine_->hold_workflow(uid));
  ASSERT_TRUE(engine_->hold_workflow(uid));
  ASSERT_TRUE(wait_until([&] { return engine_->get_workflow(uid)->deletion_requested.has_value(); }));
  // It stays over a restart as well, and its logs are there to be read.
  reopen();
  const auto workflow = engine_->get_workflow(uid);
  ASSERT_TRUE(workflow);
  EXPECT_TRUE(workflow->deletion_requested);
  EXPECT_THAT(workflow->manifest_json, HasSubstr("logstone.dev/archive"));
  const auto all = pods(uid);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_TRUE(all[0].held);
  EXPECT_EQ(log(all[0]), "kept\n");

  ASSERT_TRUE(engine_->release_workflow(uid));
  ASSERT_TRUE(wait_until([&] { return !engine_->get_workflow(uid); }));
  // The pod has a finalizer of its own.
  ASSERT_EQ(pods(uid).size(), 1u);
  EXPECT_EQ(log(all[0]), "kept\n");
  ASSERT_TRUE(engine_->release_pod(uid, all[0].uid));
  EXPECT_TRUE(wait_gone(uid));
  EXPECT_TRUE(wait_until([&] { return !fs::exists(log_folder(all[0])); }));
  EXPECT_TRUE(engine_->delete_workflow(uid));
  EXPECT_EQ(engine_->hold_workflow(uid).error().kind, ErrorKind::kNotFound);
}

TEST_F(EngineTest, PodGcDeletesPodsAndLeavesTheWorkflow) {
  const auto workflow = run(one_step("echo collected", "podGC: {strategy: OnPodSuccess, deleteDelayDuration: 0s}"));
  EXPECT_EQ(workflow.phase, Phase::kSucceeded);
  EXPECT_TRUE(wait_until([&] { return pods(workflow.id.uid).empty() && entries("pods") == 0; }));
  EXPECT_EQ(engine_->get_workflow(workflow.id.uid)->phase, Phase::kSucceeded);

  const auto failed = run(one_step("exit 1", "podGC: {strategy: OnPodSuccess, deleteDelayDuration: 0s}"));
  EXPECT_EQ(failed.phase, Phase::kFailed);
  EXPECT_EQ(pods(failed.id.uid).size(), 1u);

  const auto completed = run(one_step("exit 1", "podGC: {strategy: OnWorkflowCompletion, deleteDelayDuration: 0s}"));
  EXPECT_TRUE(wait_until([&] { return pods(completed.id.uid).empty(); }));
}

TEST_F(EngineTest, PodGcWaitsForTheRelease) {
  const auto uid =
      submit(one_step("sleep 0.2; echo kept", "podGC: {strategy: OnPodCompletion, deleteDelayDuration: 0s}"));
  ASSERT_TRUE(engine_->hold_workflow(uid));
  finish(uid);
  ASSERT_TRUE(wait_until([&] { return pods(uid).size() == 1 && pods(uid)[0].deletion_requested; }));
  const auto pod = pods(uid)[0];
  EXPECT_EQ(log(pod), "kept\n");
  ASSERT_TRUE(engine_->release_pod(uid, pod.uid));
  EXPECT_TRUE(wait_until([&] { return pods(uid).empty() && !fs::exists(log_folder(pod)); }));
  EXPECT_TRUE(engine_->get_workflow(uid));
}

TEST_F(EngineTest, APodDeletedByForceWhileItWritesEndsItsLogAndItsNode) {
  const auto uid = submit(one_step("i=0; while :; do echo line $i; i=$((i+1)); sleep 0.001; done"));
  ASSERT_TRUE(wait_until([&] {
    return pods(uid).size() == 1 && fs::exists(log_folder(pods(uid)[0]) / "main/0.log") &&
           fs::file_size(log_folder(pods(uid)[0]) / "main/0.log") > 0;
  }));
  const auto pod = pods(uid)[0];
  ASSERT_TRUE(engine_->hold_pod(uid, pod.uid));
  // Opened before, read on after the deletion.
  auto reader = engine_->open_log(uid, {pod.node_id, pod.name, pod.uid, "main", 0}, {}, [] {});
  ASSERT_TRUE(reader);
  ASSERT_TRUE((*reader)->read(1 << 20));
  ASSERT_TRUE(engine_->delete_pod(pod.uid, true));
  const auto workflow = finish(uid);
  EXPECT_EQ(workflow.phase, Phase::kError);
  EXPECT_TRUE(pods(uid).empty());
  EXPECT_TRUE(wait_until([&] { return !fs::exists(log_folder(pod)); }));
  EXPECT_TRUE(wait_until([&] {
    const auto batch = (*reader)->read(1 << 20);
    return !batch || batch->end;
  }));
  EXPECT_EQ(engine_->delete_pod(pod.uid, true).error().kind, ErrorKind::kNotFound);
}

TEST_F(EngineTest, TerminateStopsPods) {
  const auto uid = submit(one_step("echo started; sleep 1000"));
  ASSERT_TRUE(wait_until([&] { return pods(uid).size() == 1 && pods(uid)[0].phase == "Running"; }));
  ASSERT_TRUE(engine_->terminate(uid));
  const auto workflow = finish(uid);
  EXPECT_EQ(workflow.phase, Phase::kFailed);
  EXPECT_TRUE(wait_until([&] { return pods(uid)[0].phase == "Failed"; }));
  EXPECT_EQ(pods(uid)[0].containers[0].exit_code, 143);
}

TEST_F(EngineTest, ADeadlineEndsThePod) {
  const auto workflow = run(one_step("echo started; sleep 1000", "activeDeadlineSeconds: 1"));
  EXPECT_EQ(workflow.phase, Phase::kFailed);
  EXPECT_TRUE(wait_until([&] { return pods(workflow.id.uid)[0].phase == "Failed"; }));
}

TEST_F(EngineTest, DeletingARunningWorkflowEndsItsPods) {
  const auto uid = submit(one_step("echo started; sleep 1000"));
  ASSERT_TRUE(wait_until([&] { return pods(uid).size() == 1 && pods(uid)[0].phase == "Running"; }));
  ASSERT_TRUE(engine_->delete_workflow(uid));
  EXPECT_TRUE(wait_gone(uid));
  EXPECT_TRUE(wait_until([&] { return entries("pods") == 0 && entries("sandboxes") == 0; }));
}

TEST_F(EngineTest, AContainerSetIsOnePod) {
  const auto workflow = run(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: set-}
spec:
  entrypoint: main
  templates:
    - name: main
      containerSet:
        containers:
          - {name: a, image: x, command: [sh, -c, "echo from a > /tmp/shared; echo a"]}
          - {name: main, image: x, command: [sh, -c, "cat /tmp/shared"], dependencies: [a]}
)");
  EXPECT_EQ(workflow.phase, Phase::kSucceeded) << workflow.manifest_json;
  const auto all = pods(workflow.id.uid);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(log(all[0], "a"), "a\n");
  EXPECT_EQ(log(all[0], "main"), "from a\n");
}

TEST_F(EngineTest, LogsOfUnknownPodsAndContainersAreNotFound) {
  const auto workflow = run(one_step("true"));
  const auto pod = pods(workflow.id.uid).at(0);
  EXPECT_EQ(engine_->open_log(workflow.id.uid, {pod.node_id, pod.name, "no-uid", "main", 0}, {}, [] {}).error().kind,
            ErrorKind::kNotFound);
  EXPECT_EQ(engine_->open_log(workflow.id.uid, {pod.node_id, pod.name, pod.uid, "wait", 0}, {}, [] {}).error().kind,
            ErrorKind::kNotFound);
}

TEST_F(EngineTest, ShimsThatCannotBeStartedMakeErrorsThatSayWhy) {
  reopen([](LocalClusterSettings& settings) { settings.shim_command = {"/no/such/shim"}; });
  const auto workflow = run(one_step("true"));
  EXPECT_EQ(workflow.phase, Phase::kError);
  EXPECT_THAT(workflow.manifest_json, HasSubstr("/no/such/shim"));
}

}  // namespace
}  // namespace logstone::local::test
