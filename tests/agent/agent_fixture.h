// A world (store, catalogue, cluster) that outlives the processes that a test starts and kills in it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/agent.h"
#include "archive/layout.h"
#include "archive/record_store.h"
#include "base/bytes.h"
#include "base/log.h"
#include "tests/agent/fake_cluster.h"
#include "tests/agent/faulty_parts.h"

namespace logstone::testing {

/// Waits for a condition as long as a loaded machine may need. Says whether it came true.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "logstone-agent-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline AgentSettings quick_settings() {
  AgentSettings settings;
  settings.segment_bytes = 4096;
  settings.segment_age = std::chrono::milliseconds(2);
  settings.segment.block_bytes = 4096;
  settings.retry_first = std::chrono::milliseconds(1);
  settings.retry_last = std::chrono::milliseconds(20);
  settings.expiry_interval = std::chrono::hours(1);
  return settings;
}

/// One process' parts: fails as a whole once `dead`.
struct Process {
  Process(ObjectStore& base_store, Catalog& base_catalog, Cluster& base_cluster, const Clock& clock,
          RetentionPolicy policy = {})
      : store(base_store),
        catalog(base_catalog),
        cluster(base_cluster),
        book(store, catalog),
        keeper(book, catalog, clock, std::move(policy)),
        cache(std::size_t{1} << 20),
        clock_(clock) {}

  void start(AgentSettings settings = quick_settings()) {
    auto started = Agent::start({cluster, store, book, keeper, cache, clock_, publish}, settings);
    ASSERT_TRUE(started) << started.error().message();
    agent = *std::move(started);
  }

  FaultyStore store;
  FaultyCatalog catalog;
  FaultyCluster cluster;
  RecordBook book;
  ArchiveKeeper keeper;
  BlockCache cache;
  const Clock& clock_;
  std::function<Result<std::string>(const WorkflowRecord&)> publish;
  std::unique_ptr<Agent> agent;
};

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() : clock(from_unix_nanoseconds(1'700'000'300'000'000'000)) {
    set_log_level(LogLevel::kError);
    auto opened = open_sqlite_catalog((folder.path() / "catalog.db").string());
    EXPECT_TRUE(opened) << opened.error().message();
    catalog = *std::move(opened);
    cluster.before_act = [this](const std::string& act, const std::string& uid) -> Result<> {
      if (act == "release_workflow") check_released(uid);
      return {};
    };
  }

  /// Promise 2, asked at the instant of every release.
  void check_released(const std::string& uid) {
    const auto record = stored_record(uid);
    ASSERT_TRUE(record) << record.error().message();
    EXPECT_GE(record->state, LifecycleState::kVerified) << "released before it was verified";
    EXPECT_TRUE(record->verified);
    const auto damage = verify_record(store, *record);
    ASSERT_TRUE(damage);
    EXPECT_TRUE(damage->empty()) << "released with a damaged archive";
  }

  std::unique_ptr<Process> make_process(RetentionPolicy policy = {}) {
    return std::make_unique<Process>(store, *catalog, cluster, clock, std::move(policy));
  }
  std::unique_ptr<Process> start_process(AgentSettings settings = quick_settings(), RetentionPolicy policy = {}) {
    auto process = make_process(std::move(policy));
    process->start(settings);
    return process;
  }

  /// As the store has it, whatever the catalogue says.
  Result<WorkflowRecord> stored_record(const std::string& uid) {
    for (const std::string& key : store.keys(uid + "/record.json")) return read_record(store, key);
    return Error{ErrorKind::kNotFound, "read the record of", uid, "the store has none", ""};
  }
  bool reaches(const std::string& uid, LifecycleState state) {
    return eventually([&] {
      const auto record = stored_record(uid);
      return record && record->state >= state;
    });
  }
  /// The bytes of one stream of a sealed record.
  std::string archived(const WorkflowRecord& record, const std::string& pod_name, const std::string& container = "main",
                       std::uint32_t restart = 0) {
    for (const StreamRecord& stream : record.streams) {
      if (stream.id.pod_name != pod_name || stream.id.container != container || stream.id.restart != restart) continue;
      BlockCache cache(std::size_t{1} << 20);
      const auto log = open_archived_log(store, cache, stream);
      std::string all;
      while (all.size() < log->extent().bytes) {
        const auto part = log->read(all.size(), std::size_t{1} << 20);
        if (!part || part->empty()) return "cannot be read: " + (part ? std::string() : part.error().message());
        all += *part;
      }
      return all;
    }
    return "no such stream: " + pod_name + "/" + container;
  }
  static std::vector<std::string> actions(const WorkflowRecord& record) {
    std::vector<std::string> all;
    for (const AuditEvent& event : record.audit) all.push_back(event.action);
    return all;
  }
  static const StreamRecord* stream_of(const WorkflowRecord& record, const std::string& pod_name,
                                       const std::string& container = "main", std::uint32_t restart = 0) {
    for (const StreamRecord& stream : record.streams) {
      if (stream.id.pod_name == pod_name && stream.id.container == container && stream.id.restart == restart) {
        return &stream;
      }
    }
    return nullptr;
  }

  TempFolder folder;
  ManualClock clock;
  MemoryStore store;
  std::unique_ptr<Catalog> catalog;
  FakeCluster cluster;
};

}  // namespace logstone::testing
