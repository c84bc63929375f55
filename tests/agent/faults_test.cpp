// Stores that fail, lie or lose bits; clusters that do not answer.
#include <gmock/gmock.h>

#include <random>

#include "archive/segment_writer.h"
#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Faults : public AgentTest {
 protected:
  static std::string lines(int from, int to) {
    std::string text;
    for (int i = from; i < to; ++i) text += "line number " + std::to_string(i) + "\n";
    return text;
  }
  static bool is_segment(const std::string& key) { return key.find("/segments/") != std::string::npos; }
};

TEST_F(Faults, AFullStoreStopsReadingAndIsCaughtUpWhenThereIsRoom) {
  std::atomic<bool> full{true};  // What a fault refers to outlives the process, here and below.
  auto process = make_process();
  process->store.fault = [&](const std::string& act, const std::string& key) {
    return full && act == "put" && is_segment(key) ? Fault::kFail : Fault::kNone;
  };
  process->start();
  const std::string wf = cluster.add_workflow("full");
  const std::string pod = cluster.add_pod(wf, "writer");
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    const std::string part = lines(i * 1000, i * 1000 + 1000);
    cluster.write(pod, part);
    expected += part;
  }
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().store_failures >= 5; }));
  const AgentMetrics blocked = process->agent->metrics();
  // One batch may come on top of the bound.
  EXPECT_LE(blocked.pending_bytes_now, 2 * quick_settings().segment_bytes + (std::size_t{256} << 10) + 64);
  EXPECT_LT(blocked.bytes_captured, expected.size());
  EXPECT_GT(blocked.oldest_pending_now.count(), 0);
  full = false;
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(archived(*stored_record(wf), "writer"), expected);
  EXPECT_EQ(process->agent->metrics().pending_bytes_now, 0u);
}

TEST_F(Faults, LostAnswersLeaveNothingBehind) {
  std::atomic<int> puts{0};
  auto process = make_process();
  process->store.fault = [&](const std::string& act, const std::string&) {
    return act == "put" && ++puts % 2 == 1 ? Fault::kLostAnswer : Fault::kNone;
  };
  process->start();
  const std::string wf = cluster.add_workflow("lost-answers");
  const std::string pod = cluster.add_pod(wf, "writer");
  for (int i = 0; i < 20; ++i) {
    cluster.write(pod, lines(i * 20, i * 20 + 20));
    ASSERT_TRUE(eventually([&] { return process->agent->metrics().pending_bytes_now == 0; }));
  }
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  const auto record = stored_record(wf);
  EXPECT_EQ(archived(*record, "writer"), lines(0, 400));
  EXPECT_EQ(store.keys("/segments/").size(), record->streams[0].segments.size());
  const auto all = actions(*record);
  EXPECT_EQ(std::count(all.begin(), all.end(), "sealed"), 1);
  EXPECT_EQ(std::count(all.begin(), all.end(), "verified"), 1);
}

TEST_F(Faults, ReadsThatFailAreTriedAgain) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("shaky");
  const std::string pod = cluster.add_pod(wf, "writer");
  for (int i = 0; i < 10; ++i) {
    cluster.fail_reads(pod, 2);
    cluster.write(pod, lines(i, i + 1));
  }
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(archived(*stored_record(wf), "writer"), lines(0, 10));
  EXPECT_TRUE(stored_record(wf)->streams[0].gaps.empty());
}

TEST_F(Faults, AFlippedBitBeforeVerificationIsMendedFromTheCluster) {
  for (const int damaged : {0, 1, 2}) {
    SCOPED_TRACE(damaged);
    std::atomic<bool> done{false};
    const std::string wf = cluster.add_workflow("flipped-" + std::to_string(damaged));
    auto process = make_process();
    // At the seal everything is durable and nothing is verified.
    process->store.fault = [&](const std::string& act, const std::string& key) {
      if (act == "list" && key.find("/segments/") != std::string::npos && !done) {
        const auto record = stored_record(wf);
        if (record && record->state == LifecycleState::kSealed) {
          done = true;
          store.damage(record->streams[0].segments[static_cast<std::size_t>(damaged)].key);
        }
      }
      return Fault::kNone;
    };
    const std::string pod = cluster.add_pod(wf, "writer");
    process->start();
    std::string expected;
    for (int i = 0; i < 3; ++i) {
      cluster.write(pod, lines(i * 300, i * 300 + 300));
      expected += lines(i * 300, i * 300 + 300);
      ASSERT_TRUE(eventually([&] {
        const AgentMetrics m = process->agent->metrics();
        return m.bytes_captured == expected.size() && m.pending_bytes_now == 0;
      }));
    }
    cluster.end_pod(pod);
    cluster.finish_workflow(wf);
    ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
    EXPECT_TRUE(done);
    const auto record = stored_record(wf);
    EXPECT_GE(record->streams[0].segments.size(), 3u);
    EXPECT_EQ(archived(*record, "writer"), expected);
    EXPECT_THAT(actions(*record), Not(Contains("verification_failed")));
  }
}

TEST_F(Faults, DamageThatCannotBeMendedIsVisibleAndNeverReleased) {
  const std::string wf = cluster.add_workflow("ruined");
  const std::string pod = cluster.add_pod(wf, "writer");
  std::atomic<bool> done{false};
  auto process = make_process();
  process->store.fault = [&](const std::string& act, const std::string& key) {
    if (act == "list" && key.find("/segments/") != std::string::npos && !done) {
      const auto record = stored_record(wf);
      if (record && record->state == LifecycleState::kSealed) {
        done = true;
        store.damage(record->streams[0].segments[0].key);
        cluster.lose_log(pod);
      }
    }
    return Fault::kNone;
  };
  process->start();
  cluster.write(pod, lines(0, 500));
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  std::atomic<int> reached{0};
  const auto handle = process->agent->when_reached(wf, LifecycleState::kReleased, [&] { ++reached; });
  ASSERT_TRUE(eventually([&] {
    const auto record = stored_record(wf);
    return record && !record->problem.empty();
  }));
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().verification_failures >= 3; }));
  const auto record = stored_record(wf);
  EXPECT_EQ(record->state, LifecycleState::kSealed);
  EXPECT_THAT(record->problem, HasSubstr(record->streams[0].segments[0].key));
  const auto all = actions(*record);
  EXPECT_EQ(std::count(all.begin(), all.end(), "verification_failed"), 1);
  EXPECT_THAT(all, Not(Contains("released")));
  EXPECT_EQ(reached, 1) << "who waits for what cannot come is told";
  cluster.request_workflow_deletion(wf);
  EXPECT_TRUE(cluster.has_workflow(wf));
  EXPECT_TRUE(cluster.workflow_held(wf));
  // A person puts the object back from a copy: it goes on by itself.
  store.damage(record->streams[0].segments[0].key);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(stored_record(wf)->problem, "");
}

TEST_F(Faults, ASegmentDamagedWhileNobodyLookedIsCapturedAgain) {
  for (const std::size_t damaged : {std::size_t{0}, std::size_t{1}}) {
    SCOPED_TRACE(damaged);
    const std::string wf = cluster.add_workflow("rotten-" + std::to_string(damaged));
    const std::string pod = cluster.add_pod(wf, "writer");
    {
      auto process = start_process();
      for (int i = 0; i < 2; ++i) {
        cluster.write(pod, lines(i * 300, i * 300 + 300));
        ASSERT_TRUE(
            eventually([&] { return store.keys(wf + "/segments/").size() == static_cast<std::size_t>(i) + 1; }));
      }
      ASSERT_TRUE(eventually([&] { return process->agent->metrics().pending_bytes_now == 0; }));
    }
    const auto keys = store.keys(wf + "/segments/");
    ASSERT_GE(keys.size(), 2u);
    const auto whole = store.get(keys[damaged]);
    ASSERT_TRUE(whole);
    // Cut off: the index is gone.
    ASSERT_TRUE(store.put(keys[damaged], std::string_view(*whole).substr(0, whole->size() / 2)));
    auto process = start_process();
    cluster.end_pod(pod);
    cluster.finish_workflow(wf);
    ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
    const auto record = stored_record(wf);
    EXPECT_EQ(archived(*record, "writer"), lines(0, 600));
    EXPECT_TRUE(record->streams[0].gaps.empty());
    EXPECT_FALSE(store.keys(wf + "/damaged/").empty());
  }
}

TEST_F(Faults, NothingIsReleasedUnverifiedUnderRandomFaults) {
  for (unsigned seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    std::mutex mutex;
    std::mt19937 random(seed);
    std::atomic<int> budget{400};
    const auto roll = [&] {
      const std::lock_guard lock(mutex);
      if (budget <= 0) return Fault::kNone;
      const unsigned number = random() % 10;
      if (number > 2) return Fault::kNone;
      --budget;
      return number == 0 ? Fault::kLostAnswer : Fault::kFail;
    };
    auto process = make_process();
    process->store.fault = [&](const std::string&, const std::string&) { return roll(); };
    process->catalog.fault = [&](const std::string&) { return roll(); };
    process->cluster.fault = [&](const std::string&) { return roll(); };
    process->start();
    const std::string name = "random-" + std::to_string(seed);
    const std::string wf = cluster.add_workflow(name);
    std::vector<std::string> pods;
    for (int p = 0; p < 3; ++p) pods.push_back(cluster.add_pod(wf, name + "-" + std::to_string(p)));
    ASSERT_TRUE(eventually([&] {
      return cluster.workflow_held(wf) &&
             std::all_of(pods.begin(), pods.end(), [&](const auto& pod) { return cluster.pod_held(pod); });
    }));
    for (int i = 0; i < 20; ++i) {
      for (const std::string& pod : pods) cluster.write(pod, lines(i * 10, i * 10 + 10));
    }
    for (const std::string& pod : pods) cluster.end_pod(pod);
    cluster.request_pod_deletion(pods[0]);
    cluster.finish_workflow(wf);
    cluster.request_workflow_deletion(wf);
    ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
    const auto record = stored_record(wf);
    ASSERT_TRUE(record);
    for (int p = 0; p < 3; ++p) EXPECT_EQ(archived(*record, name + "-" + std::to_string(p)), lines(0, 200));
    const auto all = actions(*record);
    for (const char* action : {"captured", "sealed", "verified", "deleted"}) {
      EXPECT_EQ(std::count(all.begin(), all.end(), action), 1) << action;
    }
    // check_released() was asked at the release itself.
  }
}

}  // namespace
}  // namespace logstone::testing
