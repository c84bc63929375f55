// A workflow's way from running to deleted, and what may happen to it on the way.
#include <gmock/gmock.h>

#include "store/filesystem_store.h"
#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Lifecycle : public AgentTest {};

TEST_F(Lifecycle, FromRunningToDeletedWithEveryByte) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("train", {{"team", "a"}});
  const std::string pod = cluster.add_pod(wf, "train-main", {"init", "main"});
  cluster.write(pod, "getting ready\n", "init");
  cluster.write(pod, "epoch 1\rloss \xff\xfe\n\n");
  ASSERT_TRUE(eventually([&] { return cluster.workflow_held(wf) && cluster.pod_held(pod); }));
  cluster.write(pod, "no newline at the end");
  cluster.end_pod(pod, 3);
  cluster.finish_workflow(wf, Phase::kFailed);
  cluster.request_workflow_deletion(wf);

  ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
  EXPECT_FALSE(cluster.has_workflow(wf));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(archived(*record, "train-main"), "epoch 1\rloss \xff\xfe\n\nno newline at the end");
  EXPECT_EQ(archived(*record, "train-main", "init"), "getting ready\n");
  EXPECT_THAT(actions(*record), ElementsAre("captured", "sealed", "verified", "released", "deleted"));
  for (const AuditEvent& event : record->audit) EXPECT_EQ(event.actor, "agent");
  EXPECT_EQ(record->phase, Phase::kFailed);
  EXPECT_EQ(record->problem, "");
  EXPECT_TRUE(record->deleted);
  const StreamRecord* main = stream_of(*record, "train-main");
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->exit_code, 3);
  EXPECT_EQ(main->end_reason, "Error");
  EXPECT_EQ(main->lines, 3u);
  EXPECT_TRUE(main->gaps.empty());
  // The catalogue says the same.
  const auto summary = catalog->get(wf);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->state, LifecycleState::kDeleted);
  EXPECT_EQ(summary->streams, 2u);
  const AgentMetrics metrics = process->agent->metrics();
  EXPECT_EQ(metrics.workflows_sealed, 1u);
  EXPECT_EQ(metrics.workflows_verified, 1u);
  EXPECT_EQ(metrics.workflows_released, 1u);
  EXPECT_EQ(metrics.gaps, 0u);
  EXPECT_EQ(metrics.streams_now, 0u);
  EXPECT_EQ(metrics.pending_bytes_now, 0u);
  EXPECT_EQ(metrics.bytes_captured, main->bytes + 14);
}

TEST_F(Lifecycle, WorksOnTheFilesystemStoreToo) {
  auto files = open_filesystem_store(folder.path() / "data");
  ASSERT_TRUE(files) << files.error().message();
  cluster.before_act = nullptr;
  Process process(**files, *catalog, cluster, clock);
  process.start();
  const std::string wf = cluster.add_workflow("train");
  const std::string pod = cluster.add_pod(wf, "train-main");
  // Before it is held, the cluster may rightly delete it unseen.
  ASSERT_TRUE(eventually([&] { return cluster.workflow_held(wf) && cluster.pod_held(pod); }));
  std::string expected;
  for (int part = 0; part < 2; ++part) {
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(part * 1000 + i) + "\n";
    cluster.write(pod, lines);
    expected += lines;
    ASSERT_TRUE(eventually([&] {
      const AgentMetrics now = process.agent->metrics();
      return now.bytes_captured == expected.size() && now.pending_bytes_now == 0;
    }));
  }
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  cluster.request_workflow_deletion(wf);
  ASSERT_TRUE(eventually([&] {
    const auto record = process.book.read(wf);
    return record && record->state == LifecycleState::kDeleted;
  }));
  const auto record = process.book.read(wf);
  ASSERT_TRUE(record);
  const auto damage = verify_record(**files, *record);
  ASSERT_TRUE(damage);
  EXPECT_TRUE(damage->empty());
  ASSERT_EQ(record->streams.size(), 1u);
  EXPECT_EQ(record->streams[0].bytes, expected.size());
  EXPECT_EQ(record->streams[0].digest, Digest::hex_of(expected));
  EXPECT_GT(record->streams[0].segments.size(), 1u);
}

TEST_F(Lifecycle, EmptyLogsAndWorkflowsWithoutPodsAreSealedToo) {
  auto process = start_process();
  const std::string empty = cluster.add_workflow("empty");
  const std::string pod = cluster.add_pod(empty, "silent");
  const std::string podless = cluster.add_workflow("podless");
  cluster.end_pod(pod);
  cluster.finish_workflow(empty);
  cluster.finish_workflow(podless);
  ASSERT_TRUE(reaches(empty, LifecycleState::kReleased));
  ASSERT_TRUE(reaches(podless, LifecycleState::kReleased));
  const auto record = stored_record(empty);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->streams.size(), 1u);
  EXPECT_EQ(record->streams[0].bytes, 0u);
  EXPECT_TRUE(record->streams[0].complete);
  EXPECT_TRUE(record->streams[0].gaps.empty());
}

TEST_F(Lifecycle, EveryAttemptIsAStreamOfItsOwn) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("retry");
  const std::string pod = cluster.add_pod(wf, "flaky");
  cluster.write(pod, "first\n");
  cluster.restart(pod);
  cluster.write(pod, "second\n");
  cluster.restart(pod);
  cluster.write(pod, "third\n");
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(archived(*record, "flaky", "main", 0), "first\n");
  EXPECT_EQ(archived(*record, "flaky", "main", 1), "second\n");
  EXPECT_EQ(archived(*record, "flaky", "main", 2), "third\n");
  EXPECT_EQ(stream_of(*record, "flaky", "main", 2)->exit_code, 0);
}

TEST_F(Lifecycle, PodsOfOneNameStayTwoStreams) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("twice");
  const std::string first = cluster.add_pod(wf, "again");
  cluster.write(first, "first life\n");
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == 11; }));
  cluster.end_pod(first);
  const std::string second = cluster.add_pod(wf, "again");
  cluster.write(second, "second life\n");
  cluster.end_pod(second);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->streams.size(), 2u);
  EXPECT_EQ(record->streams[0].bytes + record->streams[1].bytes, 23u);
}

TEST_F(Lifecycle, WaitsForPodsThatStillRunWhenTheWorkflowIsFinished) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("daemon");
  const std::string pod = cluster.add_pod(wf, "slow");
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kFinished));
  cluster.write(pod, "still writing\n");
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == 14; }));
  EXPECT_EQ(stored_record(wf)->state, LifecycleState::kFinished);
  cluster.write(pod, "last words\n");
  cluster.end_pod(pod);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(archived(*stored_record(wf), "slow"), "still writing\nlast words\n");
}

TEST_F(Lifecycle, APodThatNeverStartsIsNoLoss) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("pending");
  const std::string pod = cluster.add_pod(wf, "never", {"main"}, false);
  ASSERT_TRUE(eventually([&] { return cluster.pod_held(pod); }));
  cluster.finish_workflow(wf, Phase::kFailed);
  cluster.request_pod_deletion(pod);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_TRUE(eventually([&] { return !cluster.has_pod(pod); }));
  EXPECT_TRUE(stored_record(wf)->streams.empty());
}

TEST_F(Lifecycle, RecordsTheLossOfAPodThatNobodySaw) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("lossy");
  cluster.add_node(wf, "node-lost", "lost-pod", Phase::kSucceeded);
  cluster.add_node(wf, "node-omitted", "omitted-pod", Phase::kOmitted);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->streams.size(), 1u);
  EXPECT_EQ(record->streams[0].id.pod_name, "lost-pod");
  ASSERT_EQ(record->streams[0].gaps.size(), 1u);
  EXPECT_THAT(record->streams[0].gaps[0].reason, HasSubstr("gone before its log was read"));
  EXPECT_THAT(actions(*record), ElementsAre("captured", "lost", "sealed", "verified", "released"));
}

TEST_F(Lifecycle, KeepsTheGapsThatTheSourceReports) {
  const std::string wf = cluster.add_workflow("rotated");
  const std::string pod = cluster.add_pod(wf, "fast");
  cluster.write(pod, "lost 1\nlost 2\nkept 1\n");
  cluster.rotate_away(pod, 2);
  auto process = start_process();
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == 7; }));
  cluster.write(pod, "lost 3\n");
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(archived(*record, "fast"), "kept 1\nlost 3\n");
  ASSERT_EQ(record->streams[0].gaps.size(), 1u);
  EXPECT_EQ(record->streams[0].gaps[0].offset, 0u);
  EXPECT_EQ(record->streams[0].gaps[0].lost_bytes, 14u);
  EXPECT_EQ(process->agent->metrics().gaps, 1u);
}

TEST_F(Lifecycle, AGapWithoutAByteSurvives) {
  const std::string wf = cluster.add_workflow("all-lost");
  const std::string pod = cluster.add_pod(wf, "gone");
  cluster.write(pod, "never seen\n");
  cluster.lose_log(pod);
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  auto process = start_process();
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  ASSERT_EQ(record->streams.size(), 1u);
  EXPECT_EQ(record->streams[0].bytes, 0u);
  ASSERT_EQ(record->streams[0].gaps.size(), 1u);
  EXPECT_FALSE(record->streams[0].gaps[0].lost_bytes);
}

TEST_F(Lifecycle, AWorkflowDeletedBehindOurBackKeepsWhatWasReadable) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("forced");
  const std::string pod = cluster.add_pod(wf, "writer");
  cluster.write(pod, "what was read\n");
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == 14; }));
  cluster.force_workflow_deletion(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(archived(*record, "writer"), "what was read\n");
  ASSERT_EQ(record->streams[0].gaps.size(), 1u);
  EXPECT_EQ(record->streams[0].gaps[0].offset, 14u);
  EXPECT_NE(record->streams[0].end_reason, "");
  EXPECT_TRUE(record->finished);
  EXPECT_THAT(actions(*record), ElementsAre("captured", "lost", "sealed", "verified", "deleted"));
}

TEST_F(Lifecycle, AWorkflowThatWentWhileNobodyLookedIsFinishedFromTheStore) {
  const std::string wf = cluster.add_workflow("forced");
  const std::string pod = cluster.add_pod(wf, "writer");
  cluster.write(pod, "what was read\n");
  {
    auto process = start_process();
    ASSERT_TRUE(eventually([&] { return process->agent->metrics().segments_written > 0; }));
  }
  cluster.force_workflow_deletion(wf);
  auto process = start_process();
  ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(archived(*record, "writer"), "what was read\n");
  EXPECT_EQ(record->streams[0].gaps.size(), 1u);
}

TEST_F(Lifecycle, PodGCGetsAPodOnceItsOwnLogsAreProven) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("podgc");
  const std::string first = cluster.add_pod(wf, "first");
  const std::string second = cluster.add_pod(wf, "second");
  cluster.write(first, "one\n");
  cluster.write(second, "two\n");
  ASSERT_TRUE(eventually([&] { return cluster.pod_held(first) && cluster.pod_held(second); }));
  cluster.end_pod(first);
  cluster.request_pod_deletion(first);
  ASSERT_TRUE(eventually([&] { return !cluster.has_pod(first); }));
  auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->state, LifecycleState::kRunning);
  EXPECT_EQ(archived(*record, "first"), "one\n");
  EXPECT_THAT(actions(*record), ElementsAre("released"));
  EXPECT_TRUE(cluster.has_pod(second));
  cluster.end_pod(second);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  record = stored_record(wf);
  EXPECT_EQ(archived(*record, "first"), "one\n");
  EXPECT_EQ(archived(*record, "second"), "two\n");
  EXPECT_EQ(record->streams.size(), 2u);
}

TEST_F(Lifecycle, ARunningPodIsNotReleasedThoughItsDeletionIsWanted) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("podgc");
  const std::string pod = cluster.add_pod(wf, "busy");
  ASSERT_TRUE(eventually([&] { return cluster.pod_held(pod); }));
  cluster.request_pod_deletion(pod);
  cluster.write(pod, "on its way out\n");
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().bytes_captured == 15; }));
  EXPECT_TRUE(cluster.has_pod(pod));
  cluster.end_pod(pod, 143);
  ASSERT_TRUE(eventually([&] { return !cluster.has_pod(pod); }));
  EXPECT_EQ(archived(*stored_record(wf), "busy"), "on its way out\n");
}

TEST_F(Lifecycle, AStepThatEndedIsReadFromTheArchiveWhileItsWorkflowRuns) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("steps");
  const std::string done = cluster.add_pod(wf, "done");
  const std::string busy = cluster.add_pod(wf, "busy");
  cluster.write(done, "all of it\n");
  cluster.write(busy, "part of it\n");
  cluster.end_pod(done, 2);
  WorkflowRecord seen;
  ASSERT_TRUE(eventually([&] {
    seen.streams = process->agent->live_streams(wf);
    const StreamRecord* first = stream_of(seen, "done");
    const StreamRecord* second = stream_of(seen, "busy");
    return first != nullptr && first->complete && first->exit_code && second != nullptr && second->bytes == 11;
  }));
  EXPECT_EQ(archived(seen, "done"), "all of it\n");
  EXPECT_EQ(stream_of(seen, "done")->exit_code, 2);
  EXPECT_FALSE(stream_of(seen, "busy")->complete);
  EXPECT_TRUE(stream_of(seen, "busy")->segments.empty());
}

TEST_F(Lifecycle, WhenReachedCallsOnceAndAlsoAtOnceAndNotAfterCancel) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("watched");
  std::atomic<int> verified{0};
  std::atomic<int> cancelled{0};
  const auto kept = process->agent->when_reached(wf, LifecycleState::kVerified, [&] { ++verified; });
  auto dropped = process->agent->when_reached(wf, LifecycleState::kVerified, [&] { ++cancelled; });
  dropped.reset();
  cluster.finish_workflow(wf);
  ASSERT_TRUE(eventually([&] { return verified == 1; }));
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  std::atomic<int> late{0};
  const auto at_once = process->agent->when_reached(wf, LifecycleState::kSealed, [&] { ++late; });
  EXPECT_EQ(late, 1);
  EXPECT_EQ(verified, 1);
  EXPECT_EQ(cancelled, 0);
}

TEST_F(Lifecycle, RefusesSettingsThatCannotWork) {
  auto process = make_process();
  AgentSettings settings;
  settings.capture_threads = 0;
  const auto started =
      Agent::start({process->cluster, process->store, process->book, process->keeper, process->cache, clock}, settings);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::kInvalidInput);
  EXPECT_THAT(started.error().message(), HasSubstr("capture_threads"));
}

}  // namespace
}  // namespace logstone::testing
