// Killed after each act in turn: a new agent goes on, and the archive is what it would have been.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "tests/agent/agent_fixture.h"

namespace logstone::testing {
namespace {

class Kill : public AgentTest {
 protected:
  /// Counts the acts of a process and lets it die at the `fatal`-th: the act itself is done, or not, and everything
  /// after it fails.
  struct Fuse {
    std::atomic<int> acts{0};
    int fatal = std::numeric_limits<int>::max();
    bool performed = false;

    Fault act() {
      const int number = ++acts;
      if (number < fatal) return Fault::kNone;
      if (number > fatal) return Fault::kFail;
      return performed ? Fault::kLostAnswer : Fault::kFail;
    }
    [[nodiscard]] bool dead() const { return acts >= fatal; }
  };

  static void wire(Process& process, Fuse& fuse) {
    process.store.fault = [&fuse](const std::string& act, const std::string&) {
      if (act == "put" || act == "remove") return fuse.act();
      return fuse.dead() ? Fault::kFail : Fault::kNone;
    };
    process.catalog.fault = [&fuse](const std::string& act) {
      if (act == "upsert") return fuse.act();
      return fuse.dead() ? Fault::kFail : Fault::kNone;
    };
    process.cluster.fault = [&fuse](const std::string& act) {
      if (act != "read") return fuse.act();
      return fuse.dead() ? Fault::kFail : Fault::kNone;
    };
  }

  static std::string text(const std::string& name, int from, int to) {
    std::string lines;
    for (int i = from; i < to; ++i) lines += name + " wrote line " + std::to_string(i) + "\n";
    return lines;
  }

  /// What goes on in the cluster while the first process runs, until it is dead or done.
  void script(Process& process, const std::string& wf, const std::vector<std::string>& pods,
              const std::function<bool()>& over) {
    const auto settle = [&](const std::function<bool()>& done) { return eventually([&] { return over() || done(); }); };
    const auto all_durable = [&] {
      const AgentMetrics now = process.agent->metrics();
      return now.bytes_captured == cluster.raw(pods[0]).size() + cluster.raw(pods[1]).size() &&
             now.pending_bytes_now == 0;
    };
    cluster.write(pods[0], text("a", 0, 100));
    ASSERT_TRUE(settle(all_durable));
    cluster.write(pods[0], text("a", 100, 300));
    cluster.write(pods[1], "partial");
    ASSERT_TRUE(settle(all_durable));
    cluster.write(pods[1], " line\n\nend without newline");
    cluster.end_pod(pods[0]);
    if (cluster.has_pod(pods[0])) cluster.request_pod_deletion(pods[0]);
    ASSERT_TRUE(settle([&] { return !cluster.has_pod(pods[0]); }));
    cluster.end_pod(pods[1]);
    cluster.finish_workflow(wf);
    cluster.request_workflow_deletion(wf);
    ASSERT_TRUE(settle([&] { return !cluster.has_workflow(wf); }));
  }

  void run_once(const std::string& name, int fatal, bool performed, bool& killed) {
    SCOPED_TRACE("killed at act " + std::to_string(fatal) + (performed ? ", performed" : ", not performed"));
    const std::string wf = cluster.add_workflow(name);
    const std::vector<std::string> pods = {cluster.add_pod(wf, name + "-a"), cluster.add_pod(wf, name + "-b")};
    {
      Fuse fuse;
      fuse.fatal = fatal;
      fuse.performed = performed;
      auto first = make_process();
      wire(*first, fuse);
      first->start();
      // Held before anything else happens, or the workflow may rightly vanish before it was known.
      ASSERT_TRUE(eventually([&] {
        return fuse.dead() || (cluster.workflow_held(wf) && cluster.pod_held(pods[0]) && cluster.pod_held(pods[1]));
      }));
      if (!fuse.dead()) script(*first, wf, pods, [&] { return fuse.dead(); });
      if (!fuse.dead()) {
        ASSERT_TRUE(eventually([&] {
          const auto summary = catalog->get(wf);
          return fuse.dead() || (summary && summary->state == LifecycleState::kDeleted);
        }));
      }
      killed = fuse.dead();
    }
    auto second = start_process();
    if (killed) {
      ASSERT_TRUE(eventually([&] {
        const auto record = stored_record(wf);
        return !cluster.has_workflow(wf) || (record && record->state >= LifecycleState::kReleased) ||
               (cluster.workflow_held(wf) && (!cluster.has_pod(pods[0]) || cluster.pod_held(pods[0])) &&
                (!cluster.has_pod(pods[1]) || cluster.pod_held(pods[1])));
      }));
      finish(wf, pods);
    }
    ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
    check(wf, name);
  }

  /// Brings the cluster to the script's end, wherever the kill left it.
  void finish(const std::string& wf, const std::vector<std::string>& pods) {
    const auto top_up = [&](const std::string& pod, const std::string& whole) {
      if (!cluster.has_pod(pod)) return;
      const std::string now = cluster.raw(pod);
      ASSERT_EQ(whole.compare(0, now.size(), now), 0);
      if (now.size() < whole.size()) cluster.write(pod, whole.substr(now.size()));
      cluster.end_pod(pod);
    };
    top_up(pods[0], text("a", 0, 300));
    top_up(pods[1], "partial line\n\nend without newline");
    if (cluster.has_workflow(wf)) cluster.finish_workflow(wf);
    cluster.request_workflow_deletion(wf);
  }

  void check(const std::string& wf, const std::string& name) {
    const auto record = stored_record(wf);
    ASSERT_TRUE(record) << record.error().message();
    EXPECT_EQ(archived(*record, name + "-a"), text("a", 0, 300));
    EXPECT_EQ(archived(*record, name + "-b"), "partial line\n\nend without newline");
    EXPECT_EQ(record->streams.size(), 2u);
    std::map<std::pair<std::string, std::string>, int> times;
    for (const AuditEvent& event : record->audit) ++times[{event.action, event.detail}];
    for (const auto& [event, count] : times) EXPECT_EQ(count, 1) << event.first << " " << event.second;
    for (const char* action : {"captured", "sealed", "verified", "deleted"}) {
      const auto all = actions(*record);
      EXPECT_EQ(std::count(all.begin(), all.end(), action), 1) << action;
    }
    std::size_t named = 0;
    for (const StreamRecord& stream : record->streams) {
      EXPECT_TRUE(stream.gaps.empty());
      named += stream.segments.size();
    }
    EXPECT_EQ(store.keys(wf + "/segments/").size(), named) << "superseded segments are left";
    const auto damage = verify_record(store, *record);
    ASSERT_TRUE(damage);
    EXPECT_TRUE(damage->empty());
    ASSERT_TRUE(eventually([&] {
      const auto summary = catalog->get(wf);
      return summary && summary->state == LifecycleState::kDeleted;
    })) << "the catalogue stays behind";
  }
};

TEST_F(Kill, AfterEachActInTurn) {
  int fatal = 1;
  for (bool killed = true; killed; ++fatal) {
    for (const bool performed : {false, true}) {
      killed = false;
      run_once("kill-" + std::to_string(fatal) + (performed ? "-done" : "-not"), fatal, performed, killed);
      if (HasFatalFailure() || HasNonfatalFailure()) return;
    }
  }
  EXPECT_GT(fatal, 20) << "the script has fewer acts than it was written for";
}

TEST_F(Kill, AgainAndAgainWithoutEverComingToTheEnd) {
  const std::string wf = cluster.add_workflow("kill");
  const std::vector<std::string> pods = {cluster.add_pod(wf, "kill-a"), cluster.add_pod(wf, "kill-b")};
  for (int life = 0; life < 40; ++life) {
    Fuse fuse;
    fuse.fatal = 1 + life / 4;
    fuse.performed = life % 2 == 1;
    auto process = make_process();
    wire(*process, fuse);
    process->start();
    ASSERT_TRUE(eventually([&] {
      return fuse.dead() || (cluster.workflow_held(wf) && process->agent->metrics().bytes_captured > 0) ||
             process->agent->metrics().streams_now == 2;
    }));
    cluster.write(pods[0], text("a", life * 5, life * 5 + 5));
  }
  cluster.write(pods[0], text("a", 200, 300));
  auto process = start_process();
  ASSERT_TRUE(eventually([&] { return cluster.workflow_held(wf) && cluster.pod_held(pods[1]); }));
  finish(wf, pods);
  ASSERT_TRUE(reaches(wf, LifecycleState::kDeleted));
  check(wf, "kill");
}

}  // namespace
}  // namespace logstone::testing
