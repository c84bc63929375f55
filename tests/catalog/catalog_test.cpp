#include "catalog/catalog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "base/file.h"

namespace logstone {
namespace {

namespace fs = std::filesystem;

Timestamp at(std::int64_t seconds) {
  return from_unix_nanoseconds(1'795'599'000'000'000'000 + seconds * 1'000'000'000);
}

class CatalogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "logstone-catalog-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = folder_ / "catalog.db";
    open();
  }
  void TearDown() override {
    catalog_.reset();
    fs::remove_all(folder_);
  }
  void open() {
    catalog_.reset();
    auto opened = open_sqlite_catalog(path_.string());
    ASSERT_TRUE(opened) << opened.error().message();
    catalog_ = *std::move(opened);
  }
  void sql(const char* statements) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, statements, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  void upsert(const WorkflowRecord& record) {
    const auto result = catalog_->upsert(record, "key/" + record.id.uid);
    ASSERT_TRUE(result) << result.error().message();
  }
  std::vector<std::string> list(WorkflowQuery query = {}) {
    std::vector<std::string> uids;
    while (true) {
      const auto page = catalog_->list(query);
      EXPECT_TRUE(page) << page.error().message();
      if (!page) return uids;
      for (const WorkflowSummary& summary : page->workflows) uids.push_back(summary.id.uid);
      if (page->next_page_token.empty()) return uids;
      EXPECT_EQ(page->workflows.size(), query.limit) << "a page before the last is full";
      query.page_token = page->next_page_token;
    }
  }
  fs::path folder_;
  fs::path path_;
  std::unique_ptr<Catalog> catalog_;
};

WorkflowRecord record_of(const std::string& uid, std::int64_t created) {
  WorkflowRecord record;
  record.id = {"local", "ns", "wf-" + uid, uid};
  record.generation = 1;
  record.created = at(created);
  return record;
}

TEST_F(CatalogTest, ASummarySaysWhatTheRecordSays) {
  WorkflowRecord record = record_of("u1", 5);
  record.state = LifecycleState::kDeleted;
  record.phase = Phase::kFailed;
  record.message = "it failed";
  record.problem = "one segment differs";
  record.labels = {{"a", "1"}, {"b", ""}};
  record.started = at(6);
  record.finished = at(7);
  record.expires = at(8);
  record.hold = LegalHold{"why", "who", at(9)};
  StreamRecord stream;
  stream.bytes = 10;
  stream.gaps.resize(2);
  stream.segments.resize(2);
  stream.segments[0].object_bytes = 3;
  stream.segments[1].object_bytes = 4;
  record.streams = {stream, stream};
  upsert(record);
  const auto summary = catalog_->get("u1");
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->id, record.id);
  EXPECT_EQ(summary->state, record.state);
  EXPECT_EQ(summary->phase, record.phase);
  EXPECT_EQ(summary->message, record.message);
  EXPECT_EQ(summary->problem, record.problem);
  EXPECT_EQ(summary->labels, record.labels);
  EXPECT_EQ(summary->created, record.created);
  EXPECT_EQ(summary->started, record.started);
  EXPECT_EQ(summary->finished, record.finished);
  EXPECT_EQ(summary->expires, record.expires);
  EXPECT_TRUE(summary->held);
  EXPECT_EQ(summary->streams, 2u);
  EXPECT_EQ(summary->gaps, 4u);
  EXPECT_EQ(summary->bytes, 20u);
  EXPECT_EQ(summary->object_bytes, 14u);
  EXPECT_EQ(summary->record_key, "key/u1");
  EXPECT_EQ(catalog_->get("u2").error().kind, ErrorKind::kNotFound);
}

TEST_F(CatalogTest, AnOlderGenerationChangesNothing) {
  WorkflowRecord record = record_of("u", 1);
  record.generation = 5;
  record.message = "five";
  record.labels = {{"old", "x"}};
  upsert(record);
  record.generation = 4;
  record.message = "four";
  upsert(record);
  EXPECT_EQ(catalog_->get("u")->message, "five");
  record.generation = 5;
  record.message = "five again";
  record.labels = {{"new", "y"}};
  upsert(record);
  EXPECT_EQ(catalog_->get("u")->message, "five again");
  EXPECT_EQ(catalog_->get("u")->labels, record.labels) << "what was there before is replaced whole";
}

TEST_F(CatalogTest, RemoveAndClearForgetWhole) {
  for (const char* uid : {"a", "b", "c"}) {
    WorkflowRecord record = record_of(uid, 1);
    record.labels = {{"l", uid}};
    record.streams.resize(1);
    record.streams[0].id.pod_name = "pod";
    record.audit = {{at(1), "agent", "sealed", ""}};
    upsert(record);
  }
  ASSERT_TRUE(catalog_->remove("b"));
  ASSERT_TRUE(catalog_->remove("b"));
  EXPECT_EQ(list(), (std::vector<std::string>{"c", "a"}));
  EXPECT_EQ(catalog_->find_pod("", "pod")->size(), 2u);
  EXPECT_EQ(catalog_->audit({})->entries.size(), 2u);
  ASSERT_TRUE(catalog_->clear());
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(catalog_->find_pod("", "pod")->empty());
  EXPECT_TRUE(catalog_->audit({})->entries.empty());
}

TEST_F(CatalogTest, PodsAreFoundByNameAndUid) {
  WorkflowRecord older = record_of("older", 1);
  older.streams.resize(3);
  older.streams[0].id = {"n", "pod-1", "uid-1", "main", 0};
  older.streams[1].id = {"n", "pod-1", "uid-1", "main", 4'294'967'295};
  older.streams[2].id = {"n", "pod-2", "uid-2", "main", 0};
  WorkflowRecord newer = record_of("newer", 2);
  newer.id.name_space = "other";
  newer.streams.resize(1);
  newer.streams[0].id = {"m", "pod-1", "uid-3", "side", 0};
  upsert(older);
  upsert(newer);
  const auto all = catalog_->find_pod("", "pod-1");
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ((*all)[0].workflow.uid, "newer");
  EXPECT_EQ((*all)[0].stream, newer.streams[0].id);
  EXPECT_EQ((*all)[2].stream, older.streams[1].id);
  EXPECT_EQ(catalog_->find_pod("ns", "pod-1")->size(), 2u);
  EXPECT_EQ(catalog_->find_pod("", "uid-2")->size(), 1u);
  EXPECT_EQ(catalog_->find_pod("ns", "uid-3")->size(), 0u);
}

TEST_F(CatalogTest, OnlyWhatMayExpireExpires) {
  const auto put = [&](const char* uid, LifecycleState state, std::optional<std::int64_t> expires, bool held) {
    WorkflowRecord record = record_of(uid, 0);
    record.state = state;
    if (expires) record.expires = at(*expires);
    if (held) record.hold = LegalHold{};
    upsert(record);
  };
  put("late", LifecycleState::kDeleted, 11, false);
  put("due2", LifecycleState::kDeleted, 5, false);
  put("due1", LifecycleState::kDeleted, 3, false);
  put("due3", LifecycleState::kDeleted, 10, false);
  put("held", LifecycleState::kDeleted, 3, true);
  put("forever", LifecycleState::kDeleted, std::nullopt, false);
  put("in cluster", LifecycleState::kReleased, 3, false);
  put("gone", LifecycleState::kExpired, 3, false);
  EXPECT_EQ(catalog_->expiring(at(10), 100).value(), (std::vector<std::string>{"due1", "due2", "due3"}));
  EXPECT_EQ(catalog_->expiring(at(10), 1).value(), std::vector<std::string>{"due1"});
}

TEST_F(CatalogTest, SpecialCharactersMeanThemselves) {
  for (const char* name : {"a%b", "a_b", "axb", "a\\b", "a'b"}) {
    WorkflowRecord record = record_of(name, 1);
    record.id.name = name;
    upsert(record);
  }
  for (const char* part : {"%", "_", "\\", "'", "x"}) {
    WorkflowQuery query;
    query.name_contains = part;
    EXPECT_EQ(list(query).size(), 1u) << part;
  }
  WorkflowQuery query;
  query.name_prefix = "a%";
  EXPECT_EQ(list(query), std::vector<std::string>{"a%b"});
  query.name_prefix = "a\xff\xff";
  EXPECT_TRUE(list(query).empty());
}

TEST_F(CatalogTest, TombstonesAreShownWhenAskedFor) {
  WorkflowRecord record = record_of("t", 1);
  record.state = LifecycleState::kExpired;
  upsert(record);
  EXPECT_TRUE(list().empty());
  WorkflowQuery query;
  query.include_expired = true;
  EXPECT_EQ(list(query).size(), 1u);
  query = {};
  query.state = LifecycleState::kExpired;
  EXPECT_EQ(list(query).size(), 1u);
}

TEST_F(CatalogTest, BadTokensAndLimitsAreInvalidInput) {
  for (int i = 0; i < 3; ++i) upsert(record_of(std::to_string(i), i));
  for (const char* token : {"x", "12", ".", "9999999999999999999999.x", "5.", "-", " 5.x"}) {
    WorkflowQuery query;
    query.page_token = token;
    EXPECT_EQ(catalog_->list(query).error().kind, ErrorKind::kInvalidInput) << token;
    AuditQuery audit;
    audit.page_token = token;
    EXPECT_EQ(catalog_->audit(audit).error().kind, ErrorKind::kInvalidInput) << token;
  }
  for (const std::size_t limit : {std::size_t{0}, std::size_t{1001}, ~std::size_t{0}}) {
    WorkflowQuery query;
    query.limit = limit;
    EXPECT_EQ(catalog_->list(query).error().kind, ErrorKind::kInvalidInput);
    AuditQuery audit;
    audit.limit = limit;
    EXPECT_EQ(catalog_->audit(audit).error().kind, ErrorKind::kInvalidInput);
  }
}

TEST_F(CatalogTest, WhatWasWrittenIsThereAfterReopening) {
  upsert(record_of("u", 1));
  open();
  EXPECT_EQ(list(), std::vector<std::string>{"u"});
}

TEST_F(CatalogTest, ALaterVersionIsUnsupported) {
  catalog_.reset();
  sql("PRAGMA user_version = 99");
  const auto opened = open_sqlite_catalog(path_.string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kUnsupported);
  EXPECT_NE(opened.error().advice.find("logstone catalog rebuild"), std::string::npos);
}

TEST_F(CatalogTest, AnotherProgramsDatabaseIsLeftAlone) {
  catalog_.reset();
  fs::remove(path_);
  sql("CREATE TABLE accounts (id INTEGER)");
  const auto opened = open_sqlite_catalog(path_.string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kInvalidInput) << opened.error().message();
}

TEST_F(CatalogTest, DamageIsCorruptAndSaysWhatToDo) {
  catalog_.reset();
  ASSERT_TRUE(write_file_atomically(path_, std::string(10'000, 'x'), folder_));
  auto opened = open_sqlite_catalog(path_.string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::kCorrupt) << opened.error().message();
  EXPECT_NE(opened.error().advice.find("logstone catalog rebuild"), std::string::npos);
  // The file may simply be thrown away.
  fs::remove(path_);
  open();
  EXPECT_TRUE(list().empty());
}

TEST_F(CatalogTest, ADamagedPageIsCorruptNotACrash) {
  for (int i = 0; i < 200; ++i) {
    WorkflowRecord record = record_of(std::to_string(i), i);
    record.message = std::string(200, 'm');
    upsert(record);
  }
  catalog_.reset();
  sql("PRAGMA wal_checkpoint(TRUNCATE)");
  std::string bytes = read_file(path_).value();
  std::fill(bytes.begin() + 4096, bytes.end(), '\xa5');
  ASSERT_TRUE(write_file_atomically(path_, bytes, folder_));
  const auto opened = open_sqlite_catalog(path_.string());
  const auto failed = [&]() -> Error {
    if (!opened) return opened.error();
    const auto page = (*opened)->list({});
    return page ? Error{} : page.error();
  }();
  EXPECT_EQ(failed.kind, ErrorKind::kCorrupt) << failed.message();
  EXPECT_NE(failed.advice.find("logstone catalog rebuild"), std::string::npos);
}

TEST_F(CatalogTest, AMissingFolderIsToldByItsPath) {
  const auto opened = open_sqlite_catalog((folder_ / "none/catalog.db").string());
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("none/catalog.db"), std::string::npos);
}

/// What the catalogue is to do, done simply.
class Model {
 public:
  void upsert(const WorkflowRecord& record) {
    const auto known = records_.find(record.id.uid);
    if (known == records_.end() || known->second.generation <= record.generation) records_[record.id.uid] = record;
  }
  void remove(const std::string& uid) { records_.erase(uid); }
  [[nodiscard]] std::vector<std::string> list(const WorkflowQuery& query) const {
    std::vector<const WorkflowRecord*> found;
    for (const auto& [uid, record] : records_) {
      const bool shown = query.include_expired || query.state || record.state != LifecycleState::kExpired;
      if (shown && (query.name_space.empty() || record.id.name_space == query.name_space) &&
          record.id.name.rfind(query.name_prefix, 0) == 0 && uid.rfind(query.uid_prefix, 0) == 0 &&
          record.id.name.find(query.name_contains) != std::string::npos &&
          (!query.phase || record.phase == *query.phase) && (!query.state || record.state == *query.state) &&
          query.labels.matches(record.labels) && (!query.created_from || record.created >= *query.created_from) &&
          (!query.created_until || record.created < *query.created_until)) {
        found.push_back(&record);
      }
    }
    std::sort(found.begin(), found.end(), [](const WorkflowRecord* a, const WorkflowRecord* b) {
      return std::tie(a->created, a->id.uid) > std::tie(b->created, b->id.uid);
    });
    std::vector<std::string> uids;
    for (const WorkflowRecord* record : found) uids.push_back(record->id.uid);
    return uids;
  }
  [[nodiscard]] std::vector<std::string> audit(const AuditQuery& query) const {
    std::vector<std::tuple<Timestamp, std::string, std::size_t, std::string>> found;
    for (const auto& [uid, record] : records_) {
      if (!query.name_space.empty() && record.id.name_space != query.name_space) continue;
      if (!query.workflow_uid.empty() && uid != query.workflow_uid) continue;
      for (std::size_t i = 0; i < record.audit.size(); ++i) {
        const AuditEvent& event = record.audit[i];
        if (query.from && event.time < *query.from) continue;
        if (query.until && event.time >= *query.until) continue;
        found.emplace_back(event.time, uid, i, event.detail);
      }
    }
    std::sort(found.rbegin(), found.rend());
    std::vector<std::string> details;
    for (const auto& entry : found) details.push_back(std::get<3>(entry));
    return details;
  }

 private:
  std::map<std::string, WorkflowRecord> records_;
};

TEST_F(CatalogTest, AnyHistoryIsAsTheModelHasIt) {
  std::mt19937 random(21);
  const auto pick = [&](unsigned count) { return random() % count; };
  Model model;
  int event = 0;
  for (int step = 0; step < 600; ++step) {
    const std::string uid = "u" + std::to_string(pick(60));
    if (pick(12) == 0) {
      ASSERT_TRUE(catalog_->remove(uid));
      model.remove(uid);
      continue;
    }
    // Few different times and names, so that ties and shared prefixes are common.
    WorkflowRecord record = record_of(uid, pick(6));
    record.generation = 1 + pick(8);
    record.id.name_space = pick(2) == 0 ? "ns" : "team";
    record.id.name = std::string(1, static_cast<char>('a' + pick(3))) + "-" + std::to_string(pick(20));
    record.state = static_cast<LifecycleState>(pick(7));
    record.phase = static_cast<Phase>(pick(5));
    for (unsigned i = pick(4); i > 0; --i)
      record.labels[std::string(1, static_cast<char>('k' + pick(3)))] = std::to_string(pick(3));
    for (unsigned i = pick(4); i > 0; --i)
      record.audit.push_back({at(pick(6)), "agent", "sealed", std::to_string(event++)});
    upsert(record);
    model.upsert(record);
    if (step % 3 != 0) continue;

    WorkflowQuery query;
    query.limit = 1 + pick(10);
    if (pick(3) == 0) query.name_space = "ns";
    if (pick(4) == 0) query.name_prefix = "a-";
    if (pick(4) == 0) query.uid_prefix = "u1";
    if (pick(4) == 0) query.name_contains = std::to_string(pick(3));
    if (pick(4) == 0) query.phase = static_cast<Phase>(pick(5));
    if (pick(4) == 0) query.state = static_cast<LifecycleState>(pick(7));
    if (pick(4) == 0) query.created_from = at(pick(6));
    if (pick(4) == 0) query.created_until = at(pick(6));
    query.include_expired = pick(2) == 0;
    const char* selectors[] = {"", "k", "!k", "k=1", "k!=1,l", "k in (0,1),!m", "l notin (0,2)"};
    query.labels = LabelSelector::parse(selectors[pick(7)]).value();
    ASSERT_EQ(list(query), model.list(query)) << step;

    AuditQuery audit;
    audit.limit = 1 + pick(10);
    if (pick(3) == 0) audit.name_space = "team";
    if (pick(3) == 0) audit.workflow_uid = uid;
    if (pick(3) == 0) audit.from = at(pick(6));
    if (pick(3) == 0) audit.until = at(pick(6));
    std::vector<std::string> details;
    const std::vector<std::string> expected = model.audit(audit);
    do {
      const auto page = catalog_->audit(audit);
      ASSERT_TRUE(page) << page.error().message();
      for (const AuditEntry& entry : page->entries) details.push_back(entry.event.detail);
      audit.page_token = page->next_page_token;
    } while (!audit.page_token.empty());
    ASSERT_EQ(details, expected) << step;
  }
}

TEST_F(CatalogTest, ThreadsShareOneCatalogue) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto written = catalog_->upsert(record_of(std::to_string(t) + "-" + std::to_string(i), i), "k");
        EXPECT_TRUE(written) << written.error().message();
        const auto page = catalog_->list({});
        EXPECT_TRUE(page) << page.error().message();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(list().size(), 100u);
}

TEST_F(CatalogTest, ProcessesShareOneFile) {
  catalog_.reset();
  fs::remove_all(folder_);
  fs::create_directory(folder_);
  constexpr int kProcesses = 3;
  constexpr int kRecords = 40;
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      // All of them find no file, and make and migrate it at once.
      const auto opened = open_sqlite_catalog(path_.string());
      if (!opened) ::_exit(10);
      for (int i = 0; i < kRecords; ++i) {
        WorkflowRecord own = record_of(std::to_string(p) + "-" + std::to_string(i), i);
        WorkflowRecord shared = record_of("shared", 0);
        shared.generation = static_cast<std::uint64_t>(i);
        if (!(*opened)->upsert(own, "k") || !(*opened)->upsert(shared, "k") || !(*opened)->list({})) ::_exit(11);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  open();
  EXPECT_EQ(list().size(), static_cast<std::size_t>(kProcesses * kRecords + 1));
}

}  // namespace
}  // namespace logstone
