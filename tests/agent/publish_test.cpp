// Between verified and released: the logs are also written where others look for them.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Publish : public AgentTest {
 protected:
  std::string finished_workflow(const std::string& name) {
    const std::string wf = cluster.add_workflow(name);
    const std::string pod = cluster.add_pod(wf, name + "-main");
    EXPECT_TRUE(eventually([&] { return cluster.workflow_held(wf) && cluster.pod_held(pod); }));
    cluster.write(pod, "a line\n");
    cluster.end_pod(pod, 0);
    cluster.finish_workflow(wf, Phase::kSucceeded);
    return wf;
  }
  static Error away() { return {ErrorKind::kUnavailable, "publish", "bucket", "it does not answer", "wait"}; }
};

TEST_F(Publish, AVerifiedWorkflowIsPublishedBeforeItIsReleased) {
  auto process = make_process();
  process->publish = [this](const WorkflowRecord& record) -> Result<std::string> {
    EXPECT_EQ(record.state, LifecycleState::kVerified);
    EXPECT_TRUE(cluster.workflow_held(record.id.uid));
    EXPECT_EQ(archived(record, "train-main"), "a line\n");
    return std::string("1 log");
  };
  process->start();
  const std::string wf = finished_workflow("train");
  cluster.request_workflow_deletion(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
  const auto record = stored_record(wf);
  ASSERT_TRUE(record);
  EXPECT_THAT(actions(*record), ElementsAre("captured", "sealed", "verified", "published", "released", "deleted"));
  EXPECT_EQ(record->audit[3].detail, "1 log");
  EXPECT_EQ(process->agent->metrics().workflows_published, 1u);
}

TEST_F(Publish, AnAwayBucketIsWaitedForAndHoldsUpNobodyElse) {
  auto process = make_process();
  std::atomic<bool> back = false;
  std::atomic<int> tries = 0;
  process->publish = [&](const WorkflowRecord& record) -> Result<std::string> {
    if (record.id.name == "quick") return std::string("1 log");
    ++tries;
    if (!back) return away();
    return std::string("1 log");
  };
  process->start();
  const std::string slow = finished_workflow("slow");
  ASSERT_TRUE(eventually([&] { return tries > 2; }));
  const std::string quick = finished_workflow("quick");
  ASSERT_TRUE(reaches(quick, LifecycleState::kReleased));
  EXPECT_TRUE(cluster.workflow_held(slow));
  EXPECT_EQ(stored_record(slow)->state, LifecycleState::kVerified);
  EXPECT_GT(process->agent->metrics().publish_failures, 2u);
  back = true;
  ASSERT_TRUE(reaches(slow, LifecycleState::kReleased));
  EXPECT_THAT(actions(*stored_record(slow)), ElementsAre("captured", "sealed", "verified", "published", "released"));
}

TEST_F(Publish, AfterTheDeadlineTheWorkflowIsReleasedAndTheAuditSaysSo) {
  auto process = make_process();
  std::atomic<int> tries = 0;
  process->publish = [&](const WorkflowRecord&) -> Result<std::string> {
    if (++tries == 2) clock.advance(std::chrono::minutes(11));
    return away();
  };
  process->start();
  const std::string wf = finished_workflow("train");
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  EXPECT_THAT(actions(*record), ElementsAre("captured", "sealed", "verified", "publish_failed", "released"));
  EXPECT_THAT(record->audit[3].detail, HasSubstr("it does not answer"));
  EXPECT_GE(tries, 2);
}

TEST_F(Publish, WhatNoTryCanMendIsNotTriedAgain) {
  auto process = make_process();
  std::atomic<int> tries = 0;
  process->publish = [&](const WorkflowRecord&) -> Result<std::string> {
    ++tries;
    return Error{ErrorKind::kInvalidInput, "make key", "{{inputs.parameters.x}}", "it is not known", ""};
  };
  process->start();
  const std::string wf = finished_workflow("train");
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(tries, 1);
  EXPECT_THAT(actions(*stored_record(wf)), ElementsAre("captured", "sealed", "verified", "publish_failed", "released"));
}

TEST_F(Publish, TheNextProcessPublishesWhatTheKilledOneDidNot) {
  const std::string wf = [&] {
    auto first = make_process();
    std::atomic<bool> tried = false;
    first->publish = [&](const WorkflowRecord&) -> Result<std::string> {
      tried = true;
      return away();
    };
    first->start();
    const std::string uid = finished_workflow("train");
    EXPECT_TRUE(eventually([&] { return tried.load(); }));
    first->agent.reset();
    return uid;
  }();
  auto second = make_process();
  second->publish = [](const WorkflowRecord&) -> Result<std::string> { return std::string("1 log"); };
  second->start();
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_THAT(actions(*stored_record(wf)), ElementsAre("captured", "sealed", "verified", "published", "released"));
}

}  // namespace
}  // namespace logstone::testing
