// One pod in its shim: real processes, their bytes, their ends.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/file.h"
#include "tests/local/engine/pod_fixture.h"

namespace logstone::local::test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class PodShimTest : public PodTest {};

TEST_F(PodShimTest, KeepsBothOutputsByteForByte) {
  const auto status =
      run({shell("printf 'one\\n\\ntwo\\r\\033[31mred\\n'; printf 'bad \\377\\376\\n' >&2; printf 'no end'")});
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded) << status.outcome.message;
  const auto log = log_of(last_);
  EXPECT_TRUE(log.well_formed);
  EXPECT_EQ(log.out, "one\n\ntwo\r\033[31mred\nno end");
  EXPECT_EQ(log.err, "bad \377\376\n");
  EXPECT_EQ(log.partial_records, 1u);
  const auto& main = status.outcome.containers.at("main");
  EXPECT_EQ(main.exit_code, 0);
  EXPECT_EQ(main.reason, "Completed");
  EXPECT_TRUE(main.started && main.finished);
}

TEST_F(PodShimTest, KeepsNulsAndLinesOfAnyLength) {
  const std::string program =
      "import sys\n"
      "w = sys.stdout.buffer\n"
      "w.write(b'\\0\\0a\\n' + b'x' * 16384 + b'\\n' + b'y' * 16385 + b'\\n' + b'z' * 3000000)\n";
  PodContainer container;
  container.name = "main";
  container.command = {"python3"};
  container.script = program;
  const auto status = run({container});
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded) << status.outcome.message;
  const auto log = log_of(last_);
  EXPECT_TRUE(log.well_formed);
  EXPECT_EQ(log.out, std::string("\0\0a\n", 4) + std::string(16384, 'x') + "\n" + std::string(16385, 'y') + "\n" +
                         std::string(3000000, 'z'));
  EXPECT_EQ(log.partial_records, 1u + (3000000 + 16383) / 16384);
}

TEST_F(PodShimTest, KeepsWhatManyWritersInterleave) {
  // Each process' lines must all be there, in its own order.
  const auto status = run({shell("for w in a b c d; do (for i in $(seq 2000); do echo $w $i; done) & done; wait")});
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded);
  const auto log = log_of(last_);
  EXPECT_EQ(log.records, 8000u);
  std::map<std::string, int> last;
  std::istringstream lines(log.out);
  std::string writer;
  for (int number = 0; lines >> writer >> number;) EXPECT_EQ(number, ++last[writer]);
  for (const auto* name : {"a", "b", "c", "d"}) EXPECT_EQ(last[name], 2000);
}

TEST_F(PodShimTest, RotatesBySizeAndCompressesTheOlderFiles) {
  const auto small = [](PodSpec& spec) { spec.log_limits = {64 * 1024, 100}; };
  const auto status = run({shell("seq 1 50000")}, small);
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded);
  const auto log = log_of(last_);
  EXPECT_TRUE(log.well_formed);
  EXPECT_GT(log.files, 3u);
  EXPECT_EQ(log.compressed_files, log.files - 2);  // Not the newest rotated one, nor the current.
  std::string expected;
  for (int i = 1; i <= 50000; ++i) expected += std::to_string(i) + "\n";
  EXPECT_EQ(log.out, expected);
}

TEST_F(PodShimTest, KeepsNoMoreFilesThanAsked) {
  const auto status = run({shell("seq 1 50000; echo last")}, [](PodSpec& spec) { spec.log_limits = {32 * 1024, 3}; });
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded);
  const auto log = log_of(last_);
  EXPECT_TRUE(log.well_formed);
  EXPECT_EQ(log.files, 3u);
  EXPECT_TRUE(log.out.ends_with("50000\nlast\n"));
}

TEST_F(PodShimTest, TellsExitCodesAndSignals) {
  auto status = run({shell("exit 3")});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(status.outcome.containers.at("main").exit_code, 3);
  EXPECT_EQ(status.outcome.containers.at("main").reason, "Error");
  EXPECT_EQ(status.outcome.message, "");

  status = run({shell("echo before; kill -9 $$")});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(status.outcome.containers.at("main").exit_code, 137);
  EXPECT_EQ(log_of(last_).out, "before\n");
}

TEST_F(PodShimTest, TellsWhatCannotBeStarted) {
  PodContainer container;
  container.name = "main";
  container.command = {"no-such-program-here"};
  auto status = run({container});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(status.outcome.containers.at("main").exit_code, 128);
  EXPECT_THAT(status.outcome.message, HasSubstr("\"no-such-program-here\": executable file not found in $PATH"));

  container.command = {};
  status = run({container});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_THAT(status.outcome.message, HasSubstr("names no command"));

  container = shell("true");
  container.working_dir = "/proc/no/such/folder";
  status = run({container});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_THAT(status.outcome.message, HasSubstr("/proc/no/such/folder"));
}

TEST_F(PodShimTest, GivesTheEnvironmentAskedForAndLittleElse) {
  ::setenv("LOGSTONE_TEST_SECRET", "s3cret", 1);
  auto container = shell("env");
  container.env = {{"GREETING", "hello world"}, {"EMPTY", ""}};
  container.env_pod_uid = {"MY_UID"};
  run({container});
  ::unsetenv("LOGSTONE_TEST_SECRET");
  const auto log = "\n" + log_of(last_).out;
  EXPECT_THAT(log, HasSubstr("\nGREETING=hello world\n"));
  EXPECT_THAT(log, HasSubstr("\nEMPTY=\n"));
  EXPECT_THAT(log, HasSubstr("\nMY_UID=" + last_.spec()->uid + "\n"));
  EXPECT_THAT(log, HasSubstr("\nPATH="));
  EXPECT_THAT(log, ::testing::Not(HasSubstr("s3cret")));
}

TEST_F(PodShimTest, LeavesNoDescriptorOpenInContainers) {
  run({shell("ls /proc/self/fd | sort -n | tr '\\n' ' '")});
  EXPECT_EQ(log_of(last_).out, "0 1 2 3 ");  // 3 is ls' own.
}

TEST_F(PodShimTest, CollectsParametersArtifactsAndTheResult) {
  const auto status =
      run({shell("echo the result; echo 42 > /tmp/n.txt; mkdir -p /tmp/out/sub; echo a > /tmp/out/sub/a; "
                 "echo one > /tmp/one")},
          [](PodSpec& spec) {
            spec.request.result_container = "main";
            spec.request.output_parameters = {{"n", "/tmp/n.txt", {}}, {"m", "/tmp/none", "default"}};
            spec.request.output_artifacts = {
                {"out", "/tmp/out", false}, {"one", "/tmp/one", false}, {"none", "/tmp/none", true}};
          });
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded) << status.outcome.message;
  EXPECT_EQ(status.outcome.result, "the result");
  EXPECT_EQ(status.outcome.parameters, (std::map<std::string, std::string>{{"n", "42"}, {"m", "default"}}));
  EXPECT_EQ(status.outcome.artifacts, (std::vector<std::string>{"out", "one"}));
  EXPECT_EQ(read_file(folder_.path() / "artifacts/wf-uid/wf-1/out/sub/a").value_or(""), "a\n");

  // Another pod of the workflow takes them in, at paths of its own.
  const auto next = run({shell("cat /tmp/in/sub/a /tmp/deep/er/one /tmp/raw; stat -c %a /tmp/raw")}, [](PodSpec& spec) {
    spec.request.node_id = "wf-2";
    ArtifactSource raw;
    raw.raw = "raw text\n";
    spec.request.input_artifacts = {{"in", "/tmp/in", {}, {{}, "wf-1", "out", ""}},
                                    {"one", "/tmp/deep/er/one", {}, {{}, "wf-1", "one", ""}},
                                    {"raw", "/tmp/raw", 0755, raw}};
  });
  EXPECT_EQ(next.outcome.phase, Phase::kSucceeded) << next.outcome.message;
  EXPECT_EQ(log_of(last_).out, "a\none\nraw text\n755\n");
}

TEST_F(PodShimTest, MissingOutputsAndInputsAreErrorsThatNameThePath) {
  auto status = run({shell("true")}, [](PodSpec& spec) { spec.request.output_parameters = {{"n", "/tmp/n.txt", {}}}; });
  EXPECT_EQ(status.outcome.phase, Phase::kError);
  EXPECT_THAT(status.outcome.message, HasSubstr(folder_.own_tmp("/tmp/n.txt")));

  status = run({shell("true")}, [](PodSpec& spec) {
    spec.request.input_artifacts = {{"in", "/tmp/in", {}, {{}, "wf-9", "gone", ""}}};
  });
  EXPECT_EQ(status.outcome.phase, Phase::kError);
  EXPECT_THAT(status.outcome.message, HasSubstr("gone"));

  status = run({shell("true")}, [](PodSpec& spec) {
    spec.request.input_artifacts = {{"in", "/tmp/in", {}, {{}, "wf-1", "x", "../../../../etc/passwd"}}};
  });
  EXPECT_EQ(status.outcome.phase, Phase::kError);
}

TEST_F(PodShimTest, PodsHaveFoldersOfTheirOwnWhereTheKernelPermits) {
  const auto status = run({shell("touch /tmp/mark; mkdir -p /logstone-work && echo w > /logstone-work/w; "
                                 "cat /logstone-input/deep/i; pwd")},
                          [](PodSpec& spec) {
                            ArtifactSource raw;
                            raw.raw = "input\n";
                            spec.request.input_artifacts = {{"i", "/logstone-input/deep/i", {}, raw}};
                            spec.request.output_artifacts = {{"w", "/logstone-work/w", false}};
                          });
  if (status.outcome.phase == Phase::kError) {
    ASSERT_THAT(status.outcome.message, HasSubstr("pods share the machine's folders here"));
    GTEST_SKIP() << status.outcome.message;
  }
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded) << log_of(last_).err;
  EXPECT_EQ(log_of(last_).out, "input\n/\n");
  EXPECT_FALSE(fs::exists(folder_.own_tmp("/tmp/mark")));
  EXPECT_FALSE(fs::exists("/logstone-work"));
  EXPECT_FALSE(fs::exists("/logstone-input"));
}

TEST_F(PodShimTest, ContainersOfASetWaitForEachOtherAndShareFiles) {
  auto first = shell("sleep 0.05; echo made > /tmp/shared; echo first", "first");
  auto second = shell("cat /tmp/shared", "second");
  second.dependencies = {"first"};
  auto failing = shell("exit 2", "failing");
  auto never = shell("echo never", "never");
  never.dependencies = {"first", "failing"};
  const auto status = run({second, never, first, failing});
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(log_of(last_, "first").out, "first\n");
  EXPECT_EQ(log_of(last_, "second").out, "made\n");
  EXPECT_EQ(log_of(last_, "never").out, "");
  EXPECT_EQ(status.outcome.containers.at("failing").exit_code, 2);
  EXPECT_EQ(status.outcome.containers.at("never").exit_code, 64);
  EXPECT_THAT(status.outcome.containers.at("never").message, HasSubstr("\"failing\" exited with non-zero code: 2"));
}

TEST_F(PodShimTest, RetriesAContainerOfASet) {
  auto container = shell("echo try; test -e /tmp/seen && exit 0; touch /tmp/seen; exit 1");
  container.retries = 2;
  const auto status = run({container});
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded);
  EXPECT_EQ(log_of(last_).out, "try\ntry\n");
}

TEST_F(PodShimTest, AStopEndsAPodThatTakesSigterm) {
  const auto pod = make_pod({shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done")});
  start(pod);
  ASSERT_TRUE(wait_until([&] {
    return fs::exists(folder_.path() / pod.spec()->log_folder() / "main/0.log") && log_of(pod).out == "ready\n";
  }));
  ASSERT_TRUE(pod.stop({std::chrono::seconds(30), "asked to stop"}));
  const auto status = finish(pod);
  EXPECT_EQ(status.outcome.phase, Phase::kSucceeded);
  EXPECT_EQ(log_of(pod).out, "ready\nbye\n");
}

TEST_F(PodShimTest, AStopKillsAfterTheGracePeriodWithAllDescendants) {
  // The group ignores SIGTERM, and one process has left it for a session of its own.
  const auto pod =
      make_pod({shell("trap '' TERM; setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000 & echo $!; wait; wait")});
  start(pod);
  ASSERT_TRUE(wait_until([&] {
    return fs::exists(folder_.path() / pod.spec()->log_folder() / "main/0.log") && log_of(pod).records == 2;
  }));
  std::istringstream pids(log_of(pod).out);
  ASSERT_TRUE(pod.stop({std::chrono::milliseconds(50), "asked to stop"}));
  const auto status = finish(pod);
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(status.outcome.message, "asked to stop");
  EXPECT_EQ(status.outcome.containers.at("main").exit_code, 137);
  for (pid_t pid = 0; pids >> pid;) EXPECT_TRUE(wait_until([&] { return ::kill(pid, 0) != 0; })) << pid;
}

TEST_F(PodShimTest, AStopBeforeTheStartIsFoundAtTheStart) {
  const auto pod = make_pod({shell("echo never")});
  ASSERT_TRUE(pod.stop({std::chrono::seconds(30), "asked to stop"}));
  start(pod);
  const auto status = finish(pod);
  EXPECT_EQ(status.outcome.phase, Phase::kFailed);
  EXPECT_EQ(log_of(pod).out, "");
}

TEST_F(PodShimTest, AProcessLeftBehindEndsWithItsContainer) {
  const auto pod = make_pod({shell("setsid sleep 1000 & echo $!")});
  start(pod);
  EXPECT_EQ(finish(pod).outcome.phase, Phase::kSucceeded);
  const auto pid = std::atoi(log_of(pod).out.c_str());
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(wait_until([&] { return ::kill(pid, 0) != 0; }));
}

TEST_F(PodShimTest, ItsLockTellsWhetherItLives) {
  const auto pod = make_pod({shell("echo $PPID; sleep 1000")});
  EXPECT_FALSE(pod.shim_alive());
  start(pod);
  EXPECT_TRUE(pod.shim_alive());
  EXPECT_EQ(pod.start(shim_command()).error().kind, ErrorKind::kConflict);
  ASSERT_TRUE(wait_until([&] { return pod.status() && pod.status()->outcome.containers.contains("main"); }));
  const auto shim = pod.status()->shim;
  EXPECT_EQ(shim, ProcessIdentity::of(shim.pid));
  ASSERT_EQ(::kill(shim.pid, SIGKILL), 0);
  EXPECT_TRUE(wait_until([&] { return !pod.shim_alive(); }));
}

}  // namespace
}  // namespace logstone::local::test
