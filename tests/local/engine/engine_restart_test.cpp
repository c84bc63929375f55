// The engine killed with its work unfinished, shims killed under it, and what the next one makes of that.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "tests/local/engine/engine_fixture.h"

namespace logstone::local::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class EngineRestartTest : public EngineTest {
 protected:
  /// An engine in a process of its own, which is killed while it works. The uid of the workflow that it was given.
  void start_engine_process(const std::string& yaml) {
    engine_.reset();
    const auto program = fs::read_symlink("/proc/self/exe").string();
    std::ofstream(folder_.path() / "submit.yaml") << yaml;
    engine_process_ = ::fork();
    ASSERT_GE(engine_process_, 0);
    if (engine_process_ == 0) {
      const auto folder = folder_.path().string();
      ::execl(program.c_str(), program.c_str(), "engine", folder.c_str(), nullptr);
      ::_exit(127);
    }
  }
  void kill_engine_process() {
    ASSERT_EQ(::kill(engine_process_, SIGKILL), 0);
    ASSERT_EQ(::waitpid(engine_process_, nullptr, 0), engine_process_);
  }
  std::string only_workflow() {
    const auto all = engine_->list_workflows();
    EXPECT_TRUE(all && all->size() == 1u);
    return all && !all->empty() ? all->front().id.uid : "";
  }

  pid_t engine_process_ = -1;
};

TEST_F(EngineRestartTest, AKilledEngineLosesAndRepeatsNothing) {
  const auto progress = shared_.path() / "progress";
  // The step writes on while no engine lives, and waits at its end until the test saw that.
  start_engine_process(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: survivor}
spec:
  entrypoint: main
  templates:
    - name: main
      steps:
        - - {name: first, template: first}
        - - {name: second, template: second}
    - name: first
      container:
        image: x
        command: [sh, -c]
        args: ["for i in $(seq 3000); do echo line $i; done; touch )" +
                       progress.string() + R"(.1; i=3000; while ! test -e )" + progress.string() +
                       R"(.2; do i=$((i+1)); echo line $i; sleep 0.005; done; echo end $i"]
    - name: second
      container: {image: x, command: [echo, second]}
)");
  ASSERT_TRUE(wait_until([&] { return fs::exists(progress.string() + ".1"); }));
  kill_engine_process();
  const auto size = [&] {
    std::uintmax_t total = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "pods"))
      if (entry.is_regular_file()) total += entry.file_size();
    return total;
  };
  const auto before = size();
  EXPECT_TRUE(wait_until([&] { return size() > before; }));

  reopen();
  const auto uid = only_workflow();
  EXPECT_EQ(engine_->get_workflow(uid)->phase, Phase::kRunning);
  std::ofstream(progress.string() + ".2") << "";
  const auto workflow = finish(uid);
  EXPECT_EQ(workflow.phase, Phase::kSucceeded) << workflow.manifest_json;
  ASSERT_EQ(pods(uid).size(), 2u);
  std::istringstream lines(log(workflow, "first"));
  std::string word;
  int number = 0, last = 0;
  while (lines >> word >> number) {
    if (word == "end") break;
    ASSERT_EQ(number, ++last);
  }
  EXPECT_EQ(word, "end");
  EXPECT_EQ(number, last);
  EXPECT_EQ(log(workflow, "second"), "second\n");
}

TEST_F(EngineRestartTest, AnEngineKilledAtAnyMomentStartsNothingTwice) {
  const auto& starts = shared_.path();
  const auto started = [&] { return std::distance(fs::directory_iterator(starts), fs::directory_iterator()); };
  start_engine_process(R"(
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: fan}
spec:
  entrypoint: main
  templates:
    - name: main
      steps: [[{name: one, template: one, withSequence: {count: "20"}, arguments: {parameters: [{name: i, value: "{{item}}"}]}}]]
    - name: one
      inputs: {parameters: [{name: i}]}
      container: {image: x, command: [sh, -c, "echo x >> )" +
                       starts.string() + R"(/{{inputs.parameters.i}}; echo pod {{inputs.parameters.i}}"]}
)");
  // Killed as soon as the first containers run, again and again.
  for (std::ptrdiff_t seen = 0, round = 0; round < 4 && seen < 20; ++round) {
    ASSERT_TRUE(wait_until([&] { return started() > seen; }));
    seen = started();
    kill_engine_process();
    start_engine_process("");
  }
  ASSERT_TRUE(wait_until([&] { return started() == 20; }));
  kill_engine_process();
  reopen();
  const auto workflow = finish(only_workflow());
  EXPECT_EQ(workflow.phase, Phase::kSucceeded) << workflow.manifest_json;
  EXPECT_EQ(pods(workflow.id.uid).size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(read_file(starts / std::to_string(i)).value_or(""), "x\n") << i;
}

TEST_F(EngineRestartTest, AKilledShimIsAnErrorOfItsNode) {
  const auto uid = submit(one_step("echo before; sleep 1000 & echo $!; wait"));
  ASSERT_TRUE(wait_until([&] {
    return pods(uid).size() == 1 && fs::exists(log_folder(pods(uid)[0]) / "main/0.log") &&
           read_log(log_folder(pods(uid)[0]) / "main").records == 2;
  }));
  const auto pod = pods(uid)[0];
  const auto left = std::atoi(read_log(log_folder(pod) / "main").out.substr(7).c_str());
  const auto status = PodSandbox(folder_.path() / "sandboxes" / pod.uid).status();
  ASSERT_TRUE(status);
  ASSERT_EQ(::kill(status->shim.pid, SIGKILL), 0);
  const auto workflow = finish(uid);
  EXPECT_EQ(workflow.phase, Phase::kError);
  EXPECT_THAT(workflow.manifest_json, HasSubstr("runtime ended unexpectedly"));
  EXPECT_EQ(pods(uid)[0].phase, "Failed");
  EXPECT_THAT(log(pod), HasSubstr("before\n"));
  EXPECT_TRUE(wait_until([&] { return ::kill(left, 0) != 0; })) << left;
}

TEST_F(EngineRestartTest, AShimKilledWhileNoEngineLivedIsFoundToo) {
  const auto uid = submit(one_step("echo before; sleep 1000"));
  ASSERT_TRUE(wait_until([&] { return pods(uid).size() == 1 && pods(uid)[0].phase == "Running"; }));
  const auto sandbox = PodSandbox(folder_.path() / "sandboxes" / pods(uid)[0].uid);
  engine_.reset();
  ASSERT_EQ(::kill(sandbox.status()->shim.pid, SIGKILL), 0);
  ASSERT_TRUE(wait_until([&] { return !sandbox.shim_alive(); }));
  reopen();
  EXPECT_EQ(finish(uid).phase, Phase::kError);
}

TEST_F(EngineRestartTest, APodDeletedByForceDoesNotComeBack) {
  const auto uid = submit(one_step("trap '' TERM; echo x; sleep 1000; sleep 1000"));
  ASSERT_TRUE(wait_until([&] { return pods(uid).size() == 1 && pods(uid)[0].phase == "Running"; }));
  ASSERT_TRUE(engine_->delete_pod(pods(uid)[0].uid, true));
  reopen();
  EXPECT_TRUE(is_final(finish(uid).phase));
  EXPECT_TRUE(wait_until([&] { return pods(uid).empty() && entries("pods") == 0 && entries("sandboxes") == 0; }));
}

TEST_F(EngineRestartTest, RemainsOfInterruptedDeletionsAreDeleted) {
  engine_.reset();
  for (const auto* name :
       {"trash/x/deep", "artifacts/no-workflow/n", "pods/ns_pod_no-uid/main", "sandboxes/new-y/root"})
    fs::create_directories(folder_.path() / name);
  reopen();
  for (const auto* name : {"trash", "artifacts", "pods", "sandboxes"}) EXPECT_EQ(entries(name), 0u) << name;
}

}  // namespace
}  // namespace logstone::local::test
