// Records change in one place; holds, retention, expiry and removal by hand.
#include <gmock/gmock.h>

#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Retention : public AgentTest {
 protected:
  /// Runs a workflow to its deletion and stops the agent.
  std::string archive(Process& process, const std::string& name, Labels labels = {}) {
    if (!process.agent) process.start();
    const std::string wf = cluster.add_workflow(name, std::move(labels));
    const std::string pod = cluster.add_pod(wf, name + "-pod");
    cluster.write(pod, "some lines\nof " + name + "\n");
    EXPECT_TRUE(eventually([&] { return cluster.workflow_held(wf) && cluster.pod_held(pod); }));
    cluster.end_pod(pod);
    cluster.finish_workflow(wf);
    cluster.request_workflow_deletion(wf);
    EXPECT_TRUE(eventually([&] {
      const auto summary = catalog->get(wf);
      return summary && summary->state == LifecycleState::kDeleted;
    }));
    return wf;
  }
  static RetentionPolicy policy(const std::string& text) {
    auto parsed = RetentionPolicy::parse(text, "policy.yaml");
    EXPECT_TRUE(parsed) << parsed.error().message();
    return *std::move(parsed);
  }
  static RetentionPolicy ninety_days() { return policy("rules:\n  - keep: 90d\n"); }
};

constexpr Nanoseconds kDay = std::chrono::hours(24);

TEST_F(Retention, ExpiresWhatThePolicySaysAndLeavesATombstone) {
  auto process = make_process(policy("rules:\n  - labels: tier=gold\n    keep: forever\n  - keep: 90d\n"));
  const std::string plain = archive(*process, "plain");
  const std::string gold = archive(*process, "gold", {{"tier", "gold"}});
  EXPECT_TRUE(stored_record(plain)->expires);
  EXPECT_FALSE(stored_record(gold)->expires);
  clock.advance(89 * kDay);
  EXPECT_EQ(process->keeper.expire_due().value(), 0u);
  clock.advance(2 * kDay);
  EXPECT_EQ(process->keeper.expire_due().value(), 1u);
  EXPECT_EQ(process->keeper.expire_due().value(), 0u);
  const auto tombstone = stored_record(plain);
  ASSERT_TRUE(tombstone);
  EXPECT_EQ(tombstone->state, LifecycleState::kExpired);
  EXPECT_TRUE(tombstone->streams.empty());
  EXPECT_THAT(actions(*tombstone), ElementsAre("captured", "sealed", "verified", "released", "deleted", "expired"));
  EXPECT_EQ(store.keys(plain + "/").size(), 1u) << "only the tombstone is left";
  EXPECT_FALSE(store.keys(gold + "/segments/").empty());
  EXPECT_EQ(catalog->get(plain)->state, LifecycleState::kExpired);
}

TEST_F(Retention, TheAgentExpiresByItself) {
  auto process = make_process(ninety_days());
  const std::string wf = archive(*process, "old");
  process->agent.reset();
  clock.advance(91 * kDay);
  process->start();
  ASSERT_TRUE(reaches(wf, LifecycleState::kExpired));
  ASSERT_TRUE(eventually([&] { return process->agent->metrics().workflows_expired == 1; }));
}

TEST_F(Retention, AHoldBeatsThePolicyAndRemovalByHand) {
  auto process = make_process(ninety_days());
  const std::string wf = archive(*process, "evidence");
  EXPECT_EQ(process->keeper.hold(wf, "", "cli:alice").error().kind, ErrorKind::kInvalidInput);
  ASSERT_TRUE(process->keeper.hold(wf, "case 7", "cli:alice"));
  const auto again = process->keeper.hold(wf, "cases 7 and 8", "cli:bob");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->hold->reason, "cases 7 and 8");
  clock.advance(1000 * kDay);
  EXPECT_EQ(process->keeper.expire_due().value(), 0u);
  const auto refused = process->keeper.remove(wf, "space", "cli:bob");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(refused.error().message(), HasSubstr("cases 7 and 8"));
  EXPECT_EQ(stored_record(wf)->state, LifecycleState::kDeleted);
  ASSERT_TRUE(process->keeper.unhold(wf, "closed", "cli:alice"));
  EXPECT_EQ(process->keeper.unhold(wf, "closed", "cli:alice").error().kind, ErrorKind::kConflict);
  EXPECT_EQ(process->keeper.expire_due().value(), 1u);
  EXPECT_THAT(actions(*stored_record(wf)), ElementsAre("captured", "sealed", "verified", "released", "deleted", "held",
                                                       "held", "unheld", "expired"));
}

TEST_F(Retention, APersonsRetentionIsAboveThePolicy) {
  auto process = make_process(ninety_days());
  const std::string longer = archive(*process, "longer");
  const std::string shorter = archive(*process, "shorter");
  ASSERT_TRUE(process->keeper.retain(longer, std::nullopt, "a paper", "cli:alice"));
  const auto kept = process->keeper.retain(shorter, kDay, "personal data", "cli:alice");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->audit.back().detail, "keep 1d: personal data");
  clock.advance(2 * kDay);
  EXPECT_EQ(process->keeper.expire_due().value(), 1u);
  clock.advance(1000 * kDay);
  EXPECT_EQ(process->keeper.expire_due().value(), 0u);
  EXPECT_EQ(stored_record(longer)->state, LifecycleState::kDeleted);
  EXPECT_EQ(stored_record(shorter)->state, LifecycleState::kExpired);
  EXPECT_EQ(process->keeper.hold(shorter, "too late", "x").error().kind, ErrorKind::kConflict);
  EXPECT_EQ(process->keeper.retain(shorter, kDay, "too late", "x").error().kind, ErrorKind::kConflict);
}

TEST_F(Retention, ANewPolicyReachesOldRecords) {
  auto process = make_process();
  const std::string wf = archive(*process, "old");
  process.reset();
  EXPECT_FALSE(stored_record(wf)->expires);
  clock.advance(100 * kDay);
  auto next = make_process(ninety_days());
  EXPECT_EQ(next->keeper.expire_due().value(), 1u);
  EXPECT_EQ(stored_record(wf)->state, LifecycleState::kExpired);
}

TEST_F(Retention, AnOlderExpiryDoesNotBeatALaterPolicy) {
  auto process = make_process(ninety_days());
  const std::string wf = archive(*process, "old");
  process.reset();
  clock.advance(100 * kDay);
  auto next = make_process(policy("rules:\n  - keep: 365d\n"));
  EXPECT_EQ(next->keeper.expire_due().value(), 0u);
  EXPECT_EQ(stored_record(wf)->state, LifecycleState::kDeleted);
}

TEST_F(Retention, RemovalByHandWaitsForTheClustersDeletion) {
  auto process = start_process();
  const std::string running = cluster.add_workflow("running");
  ASSERT_TRUE(eventually([&] { return catalog->get(running).has_value(); }));
  const auto refused = process->keeper.remove(running, "no longer wanted", "http:127.0.0.1");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  const std::string wf = archive(*process, "done");
  ASSERT_TRUE(process->keeper.remove(wf, "no longer wanted", "http:127.0.0.1"));
  const auto tombstone = stored_record(wf);
  EXPECT_EQ(tombstone->audit.back().action, "removed");
  EXPECT_EQ(tombstone->audit.back().actor, "http:127.0.0.1");
  EXPECT_EQ(tombstone->audit.back().detail, "no longer wanted");
  EXPECT_EQ(process->keeper.remove("no-such-uid", "", "x").error().kind, ErrorKind::kNotFound);
}

TEST_F(Retention, ARemovalThatWasKilledIsFinishedByTheNext) {
  auto process = make_process(ninety_days());
  const std::string wf = archive(*process, "half");
  process.reset();
  clock.advance(100 * kDay);
  for (int fatal = 1;; ++fatal) {
    auto dying = make_process(ninety_days());
    int acts = 0;
    dying->store.fault = [&](const std::string& act, const std::string&) {
      if (act != "put" && act != "remove") return acts >= fatal ? Fault::kFail : Fault::kNone;
      return ++acts >= fatal ? Fault::kFail : Fault::kNone;
    };
    dying->catalog.fault = [&](const std::string& act) {
      if (act != "upsert") return acts >= fatal ? Fault::kFail : Fault::kNone;
      return ++acts >= fatal ? Fault::kFail : Fault::kNone;
    };
    (void)dying->keeper.expire_due();
    if (acts < fatal) break;
    ASSERT_LT(fatal, 100);
  }
  EXPECT_EQ(store.keys(wf + "/").size(), 1u);
  const auto all = actions(*stored_record(wf));
  EXPECT_EQ(std::count(all.begin(), all.end(), "expired"), 1);
  EXPECT_EQ(catalog->get(wf)->state, LifecycleState::kExpired);
}

class Book : public Retention {};

TEST_F(Book, CreatesOnceAndUpdatesInOrder) {
  auto process = make_process();
  WorkflowRecord first;
  first.id = {"fake", "default", "wf", "wf-uid"};
  first.created = clock.now();
  const auto created = process->book.create(first);
  ASSERT_TRUE(created);
  EXPECT_EQ(created->generation, 1u);
  first.message = "another";
  EXPECT_EQ(process->book.create(first)->message, "");
  const auto unchanged = process->book.update("wf-uid", [](WorkflowRecord&) -> Result<> { return {}; });
  ASSERT_TRUE(unchanged);
  EXPECT_EQ(unchanged->generation, 1u);
  const auto refused = process->book.update("wf-uid", [](WorkflowRecord& record) -> Result<> {
    record.message = "half done";
    return Error{ErrorKind::kConflict, "change", "it", "no", ""};
  });
  EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
  EXPECT_EQ(process->book.read("wf-uid")->message, "");
  EXPECT_EQ(process->book.read("unknown").error().kind, ErrorKind::kNotFound);
  // Changes of one record come one after the other, whoever makes them.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        EXPECT_TRUE(process->book.update("wf-uid", [&](WorkflowRecord& record) -> Result<> {
          record.audit.push_back({clock.now(), "t" + std::to_string(t), "retained", std::to_string(i)});
          return {};
        }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto record = process->book.read("wf-uid");
  EXPECT_EQ(record->audit.size(), 100u);
  EXPECT_EQ(record->generation, 101u);
}

TEST_F(Book, ACatalogueThatLagsIsToldAtTheNextChance) {
  auto process = make_process();
  WorkflowRecord first;
  first.id = {"fake", "default", "wf", "wf-uid"};
  first.created = clock.now();
  ASSERT_TRUE(process->book.create(first));
  bool deaf = true;
  process->catalog.fault = [&](const std::string& act) {
    return deaf && act == "upsert" ? Fault::kFail : Fault::kNone;
  };
  const auto fail = [](WorkflowRecord& record) -> Result<> {
    record.phase = Phase::kFailed;
    return {};
  };
  EXPECT_FALSE(process->book.update("wf-uid", fail));
  EXPECT_EQ(catalog->get("wf-uid")->phase, Phase::kPending);
  EXPECT_EQ(process->book.read("wf-uid")->phase, Phase::kFailed) << "the store is the truth";
  deaf = false;
  ASSERT_TRUE(process->book.update("wf-uid", fail));
  EXPECT_EQ(catalog->get("wf-uid")->phase, Phase::kFailed);
  EXPECT_EQ(process->book.read("wf-uid")->generation, 2u);
}

TEST_F(Book, RebuildsTheCatalogueFromTheStoreAlone) {
  auto process = make_process(ninety_days());
  const std::string one = archive(*process, "one");
  const std::string two = archive(*process, "two");
  const std::string broken = archive(*process, "broken");
  process->agent.reset();
  store.damage(store.keys(broken + "/record.json").front());
  ASSERT_TRUE(catalog->clear());
  std::uint64_t last = 0;
  const auto counts = process->book.rebuild([&](std::uint64_t taken) { last = taken; });
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->taken, 2u);
  EXPECT_EQ(counts->damaged, 1u);
  EXPECT_EQ(last, 2u);
  for (const std::string& uid : {one, two}) {
    const auto summary = catalog->get(uid);
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->state, LifecycleState::kDeleted);
    EXPECT_EQ(summary->streams, 1u);
  }
}

TEST_F(Book, AnAgentWhoseCatalogueIsDroppedMakesItKnownAgain) {
  auto process = start_process();
  const std::string wf = cluster.add_workflow("dropped");
  const std::string pod = cluster.add_pod(wf, "pod");
  ASSERT_TRUE(eventually([&] { return cluster.pod_held(pod); }));
  ASSERT_TRUE(catalog->clear());
  cluster.write(pod, "still here\n");
  cluster.end_pod(pod);
  cluster.finish_workflow(wf);
  ASSERT_TRUE(reaches(wf, LifecycleState::kReleased));
  EXPECT_EQ(archived(*stored_record(wf), "pod"), "still here\n");
  EXPECT_TRUE(eventually([&] {
    const auto summary = catalog->get(wf);
    return summary && summary->state == LifecycleState::kReleased;
  }));
}

}  // namespace
}  // namespace logstone::testing
