#include "adopt/adoption.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "adopt/key_identity.h"
#include "archive/layout.h"
#include "archive/record_store.h"
#include "store/filesystem_store.h"

namespace logstone::adopt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr const char* kKfp =
    "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
    "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}";
constexpr const char* kArgo = "logs/{{workflow.name}}/{{pod.name}}";
constexpr const char* kByUid = "uid/{{workflow.namespace}}/{{workflow.name}}/{{workflow.uid}}/{{pod.name}}";
constexpr const char* kByPod = "pods/{{pod.name}}";

/// A log that is in memory.
class TextView final : public LogView {
 public:
  explicit TextView(std::string text) : text_(std::move(text)) {}
  LogExtent extent() override { return {text_.size(), 0, true}; }
  std::vector<Gap> gaps() override { return {}; }
  Result<std::string> read(std::uint64_t offset, std::size_t max) override {
    return text_.substr(offset, std::min<std::size_t>(max, 1000));
  }
  Result<std::vector<PlacedPiece>> pieces(std::uint64_t, std::uint64_t) override { return unsupported(); }
  Result<std::uint64_t> find_line(std::uint64_t) override { return unsupported(); }
  Result<std::uint64_t> find_time(Timestamp) override { return unsupported(); }
  Result<std::uint64_t> find_tail(std::uint64_t) override { return unsupported(); }
  std::shared_ptr<void> notify(std::uint64_t, std::function<void()>) override { return nullptr; }

 private:
  static Error unsupported() { return Error{ErrorKind::kUnsupported, "read", "text", "not here", ""}; }
  std::string text_;
};

class AdoptionTest : public ::testing::Test {
 protected:
  AdoptionTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "logstone-adopt-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    bucket_ = *open_filesystem_store(folder_ / "bucket");
    archive_ = *open_filesystem_store(folder_ / "archive");
    open_catalog();
  }
  ~AdoptionTest() override { std::filesystem::remove_all(folder_); }

  void open_catalog() {
    keeper_.reset();
    book_.reset();
    catalog_ = *open_sqlite_catalog((folder_ / "catalog.sqlite").string());
    book_ = std::make_unique<RecordBook>(*archive_, *catalog_);
    keeper_ = std::make_unique<ArchiveKeeper>(*book_, *catalog_, clock_, RetentionPolicy());
  }

  Adoption adoption(std::vector<const char*> formats = {kKfp, kArgo, kByUid, kByPod}) {
    AdoptionSource source;
    source.store = bucket_;
    for (const char* format : formats) source.key_formats.push_back(*KeyFormat::parse(format));
    source.default_namespace = "kubeflow";
    source.open = [this](const ObjectInfo& object, const std::string&) -> Result<std::shared_ptr<LogView>> {
      LOGSTONE_ASSIGN(std::string text, bucket_->get(object.key));
      return std::shared_ptr<LogView>(std::make_shared<TextView>(std::move(text)));
    };
    return Adoption({*archive_, *book_, *catalog_, *keeper_, clock_}, std::move(source));
  }

  /// A walk from begin to end; `most` keys a step, at most `steps` steps.
  AdoptionCounts walk(AdoptionOrder order = {}, std::size_t steps = SIZE_MAX) {
    Adoption whole = adoption();
    order.actor = "cli:test";
    AdoptionCounts sum;
    problems_.clear();
    for (; steps > 0; --steps) {
      auto step = whole.step(order);
      if (!step) {
        ADD_FAILURE() << step.error().message();
        return sum;
      }
      const AdoptionCounts& c = step->counts;
      sum.objects += c.objects;
      sum.adopted += c.adopted;
      sum.updated += c.updated;
      sum.unchanged += c.unchanged;
      sum.ours += c.ours;
      sum.unfinished += c.unfinished;
      sum.removed += c.removed;
      sum.filtered += c.filtered;
      sum.foreign += c.foreign;
      sum.unclear += c.unclear;
      sum.failed += c.failed;
      sum.bytes += c.bytes;
      problems_.insert(problems_.end(), step->problems.begin(), step->problems.end());
      if (!step->next) break;
      order.from = *step->next;
    }
    return sum;
  }

  void put(const std::string& key, const std::string& text) { ASSERT_TRUE(bucket_->put(key, text)); }
  std::vector<WorkflowSummary> workflows(bool expired = false) {
    WorkflowQuery query;
    query.include_expired = expired;
    query.limit = 1000;
    return catalog_->list(query)->workflows;
  }
  WorkflowRecord record_of(const std::string& name) {
    for (const WorkflowSummary& summary : workflows()) {
      if (summary.id.name == name) return *book_->read(summary.id.uid);
    }
    ADD_FAILURE() << "no workflow " << name;
    return {};
  }
  /// One of our own, in the given state.
  WorkflowRecord make_own(const std::string& name, LifecycleState state, const std::string& pod) {
    WorkflowRecord record;
    record.id = {"local", "kubeflow", name, "11111111-2222-4333-8444-555555555555"};
    record.state = state;
    record.phase = Phase::kSucceeded;
    record.created = *parse_rfc3339("2026-03-04T10:00:00Z");
    record.finished = Clock::system().now();
    if (!pod.empty()) {
      StreamRecord stream;
      stream.id = {"node", pod, "99999999-2222-4333-8444-555555555555", "main", 0};
      stream.complete = true;
      stream.digest = "d";
      record.streams.push_back(stream);
    }
    return *book_->create(record);
  }
  std::vector<std::string> all_keys(ObjectStore& store) {
    std::vector<std::string> keys;
    const auto objects = *list_all(store, "");
    for (const ObjectInfo& object : objects) keys.push_back(object.key);
    return keys;
  }

  std::filesystem::path folder_;
  std::shared_ptr<ObjectStore> bucket_;
  std::shared_ptr<ObjectStore> archive_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<RecordBook> book_;
  std::unique_ptr<ArchiveKeeper> keeper_;
  ManualClock clock_{from_unix_nanoseconds(1'780'000'000'000'000'000)};
  std::vector<std::string> problems_;
};

TEST_F(AdoptionTest, ByReferenceWithAllThatTheKeyTells) {
  put("private-artifacts/team/train-x/2026/03/04/train-x-a-1/main.log", "one\n");
  put("private-artifacts/team/train-x/2026/03/04/train-x-b-2/main.log", "two\nno end");
  put("private-artifacts/team/train-x/2026/03/04/train-x-b-2/side.log", "side\n");
  put("private-artifacts/team/train-x/2026/03/04/train-x-b-2/model.tgz", "no log");
  put("something/else", "x");
  const AdoptionCounts counts = walk();
  EXPECT_EQ(counts.adopted, 3u);
  EXPECT_EQ(counts.foreign, 1u);
  EXPECT_EQ(counts.bytes, 19u);
  const WorkflowRecord record = record_of("train-x");
  EXPECT_EQ(record.id.name_space, "team");
  EXPECT_EQ(record.state, LifecycleState::kDeleted);
  EXPECT_EQ(record.phase, Phase::kUnknown);
  EXPECT_EQ(format_rfc3339(record.created), "2026-03-04T00:00:00Z");
  EXPECT_TRUE(record.finished.has_value());
  ASSERT_THAT(record.streams, SizeIs(3));
  for (const StreamRecord& stream : record.streams) {
    EXPECT_TRUE(stream.by_reference());
    EXPECT_TRUE(stream.complete);
    EXPECT_EQ(*bucket_->get(stream.external->key), *bucket_->get(stream.external->key));
    EXPECT_EQ(bucket_->head(stream.external->key)->size, stream.external->size);
    EXPECT_EQ(stream.external->store, bucket_->description());
  }
  ASSERT_THAT(record.audit, SizeIs(1));
  EXPECT_EQ(record.audit[0].action, "adopted");
  EXPECT_THAT(*catalog_->find_pod("team", "train-x-b-2"), SizeIs(2));
  // Our store holds the record alone.
  EXPECT_THAT(all_keys(*archive_), SizeIs(1));
}

TEST_F(AdoptionTest, ASecondRunChangesNothing) {
  for (int i = 0; i < 30; ++i)
    put("logs/wf-" + std::to_string(i % 3) + "/wf-" + std::to_string(i % 3) + "-pod-" + std::to_string(i) + "/main.log",
        "x\n");
  EXPECT_EQ(walk().adopted, 30u);
  std::vector<std::string> before;
  for (const std::string& key : all_keys(*archive_)) before.push_back(*archive_->get(key));
  clock_.advance(std::chrono::hours(1));
  const AdoptionCounts again = walk();
  EXPECT_EQ(again.unchanged, 30u);
  EXPECT_EQ(again.adopted + again.updated, 0u);
  std::vector<std::string> after;
  for (const std::string& key : all_keys(*archive_)) after.push_back(*archive_->get(key));
  EXPECT_EQ(before, after);
}

TEST_F(AdoptionTest, EndedAnywhereItGoesOnAndLosesNothing) {
  for (int i = 0; i < 47; ++i) {
    put("logs/wf-" + std::to_string(i % 5) + "/wf-" + std::to_string(i % 5) + "-pod-" + std::to_string(i) + "/main.log",
        "x\n");
    put("pods/wf-" + std::to_string(i % 5) + "-system-container-impl-" + std::to_string(i) + "/main.log", "y\n");
  }
  AdoptionOrder small;
  small.most = 7;
  // Each time from the beginning, as after a kill; and once only as far as the record, not the catalogue.
  for (std::size_t steps = 1; steps < 6; ++steps) walk(small, steps);
  std::filesystem::remove(folder_ / "catalog.sqlite");
  open_catalog();
  const AdoptionCounts rest = walk(small);
  EXPECT_EQ(rest.objects, 94u);
  EXPECT_EQ(rest.failed, 0u);
  EXPECT_EQ(walk(small).unchanged, 94u);
  std::size_t streams = 0;
  for (const WorkflowSummary& summary : workflows()) streams += summary.streams;
  EXPECT_EQ(streams, 94u);
  EXPECT_THAT(workflows(), SizeIs(5));
}

TEST_F(AdoptionTest, AGrownObjectIsUpdated) {
  put("logs/wf/wf-pod-1/main.log", "short\n");
  walk();
  put("logs/wf/wf-pod-1/main.log", "short\nand then more\n");
  const AdoptionCounts counts = walk();
  EXPECT_EQ(counts.updated, 1u);
  ASSERT_THAT(record_of("wf").streams, SizeIs(1));
  EXPECT_EQ(record_of("wf").streams[0].external->size, 20u);
}

TEST_F(AdoptionTest, NamesakesOfOtherDaysAreOtherWorkflows) {
  put("private-artifacts/team/nightly/2026/03/04/nightly-a-1/main.log", "one\n");
  put("private-artifacts/team/nightly/2026/03/05/nightly-a-1/main.log", "two\n");
  EXPECT_EQ(walk().adopted, 2u);
  EXPECT_THAT(workflows(), SizeIs(2));
}

TEST_F(AdoptionTest, UidInTheKey) {
  put("uid/team/wf/0a1b2c3d-0000-4000-8000-000000000001/wf-a-1/main.log", "one\n");
  walk();
  EXPECT_EQ(record_of("wf").id.uid, "0a1b2c3d-0000-4000-8000-000000000001");
}

TEST_F(AdoptionTest, WhatOurArchiveHasIsNotAdopted) {
  make_own("train", LifecycleState::kDeleted, "train-a-1");
  put("private-artifacts/kubeflow/train/2026/03/04/train-a-1/main.log", "ours already\n");
  put("private-artifacts/kubeflow/train/2026/03/04/train-b-2/main.log", "from before Logstone\n");
  const AdoptionCounts counts = walk();
  EXPECT_EQ(counts.ours, 1u);
  EXPECT_EQ(counts.adopted, 1u);
  const WorkflowRecord record = record_of("train");
  EXPECT_EQ(record.phase, Phase::kSucceeded);
  EXPECT_THAT(record.streams, SizeIs(2));
  EXPECT_THAT(workflows(), SizeIs(1));
}

TEST_F(AdoptionTest, WhatStillRunsIsLeftToTheAgent) {
  make_own("train", LifecycleState::kRunning, "");
  put("private-artifacts/kubeflow/train/2026/03/04/train-a-1/main.log", "x\n");
  EXPECT_EQ(walk().unfinished, 1u);
  EXPECT_THAT(record_of("train").streams, IsEmpty());
}

TEST_F(AdoptionTest, WhatWasRemovedStaysRemovedAndArgosObjectStays) {
  put("logs/wf/wf-pod-1/main.log", "x\n");
  walk();
  const std::string uid = workflows().front().id.uid;
  ASSERT_TRUE(keeper_->remove(uid, "asked for", "cli:test"));
  EXPECT_TRUE(bucket_->head("logs/wf/wf-pod-1/main.log"));
  EXPECT_EQ(walk().removed, 1u);
  EXPECT_EQ(book_->read(uid)->state, LifecycleState::kExpired);
}

TEST_F(AdoptionTest, KeysWithPodsAloneFindTheirWorkflow) {
  make_own("train", LifecycleState::kDeleted, "");
  put("pods/train-system-container-impl-77/main.log", "x\n");
  put("pods/other-system-container-impl-78/main.log", "y\n");
  EXPECT_EQ(walk().adopted, 2u);
  EXPECT_THAT(record_of("train").streams, SizeIs(1));
  EXPECT_THAT(record_of("other").streams, SizeIs(1));
  EXPECT_EQ(record_of("other").id.name_space, "kubeflow");
}

TEST_F(AdoptionTest, AKeyWithoutANamespaceIsNotAnotherNamespacesToo) {
  put("pods/train-system-container-impl-77/main.log", "x\n");
  AdoptionOrder order;
  order.name_space = "team";
  EXPECT_EQ(walk(order).adopted, 0u);
  EXPECT_EQ(walk().adopted, 1u);
  EXPECT_EQ(walk(order).adopted, 0u);
  EXPECT_EQ(record_of("train").id.name_space, "kubeflow");
}

TEST_F(AdoptionTest, NamespaceAndSince) {
  put("private-artifacts/a/wf/2026/03/04/wf-1/main.log", "x\n");
  put("private-artifacts/b/wf/2026/03/04/wf-1/main.log", "y\n");
  AdoptionOrder order;
  order.name_space = "b";
  EXPECT_EQ(walk(order).adopted, 1u);
  EXPECT_EQ(record_of("wf").id.name_space, "b");
  order = {};
  order.since = Clock::system().now() + std::chrono::hours(1);
  EXPECT_EQ(walk(order).filtered, 2u);
}

TEST_F(AdoptionTest, DryRunWritesNothing) {
  put("logs/wf/wf-pod-1/main.log", "x\n");
  AdoptionOrder order;
  order.dry_run = true;
  EXPECT_EQ(walk(order).adopted, 1u);
  EXPECT_THAT(all_keys(*archive_), IsEmpty());
  EXPECT_THAT(workflows(), IsEmpty());
}

TEST_F(AdoptionTest, CopiesAreWholeArchives) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "line " + std::to_string(i) + (i % 7 == 0 ? "\r\n" : "\n");
  text += "no newline at the end, \xff\xfe";
  put("logs/wf/wf-pod-1/main.log", text);
  put("logs/wf/wf-pod-2/main.log", "");
  AdoptionOrder order;
  order.copy = true;
  EXPECT_EQ(walk(order).adopted, 2u) << (problems_.empty() ? "" : problems_[0]);
  const WorkflowRecord record = record_of("wf");
  ASSERT_THAT(record.streams, SizeIs(2));
  EXPECT_THAT(*verify_record(*archive_, record), IsEmpty());
  BlockCache cache(1 << 20);
  for (const StreamRecord& stream : record.streams) {
    EXPECT_FALSE(stream.by_reference());
    const auto log = open_archived_log(*archive_, cache, stream);
    std::string read;
    while (read.size() < log->extent().bytes) read += *log->read(read.size(), 1 << 20);
    EXPECT_EQ(read, *bucket_->get(stream.external->key));
    EXPECT_EQ(stream.lines, stream.bytes == 0 ? 0u : 3001u);
  }
  EXPECT_EQ(walk(order).unchanged, 2u);
  EXPECT_EQ(walk().unchanged, 2u);
}

TEST_F(AdoptionTest, ReferencesBecomeCopies) {
  put("logs/wf/wf-pod-1/main.log", "x\n");
  walk();
  AdoptionOrder order;
  order.copy = true;
  EXPECT_EQ(walk(order).updated, 1u);
  EXPECT_FALSE(record_of("wf").streams[0].by_reference());
  put("logs/wf/wf-pod-1/main.log", "x\ny\n");
  EXPECT_EQ(walk(order).updated, 1u);
  EXPECT_THAT(*verify_record(*archive_, record_of("wf")), IsEmpty());
  EXPECT_EQ(record_of("wf").streams[0].bytes, 4u);
}

TEST_F(AdoptionTest, ObjectsThatCannotBeReadAreToldAndTheRestIsTaken) {
  put("logs/wf/wf-pod-1/main.log", "x\n");
  put("logs/wf/wf-pod-2/main.log", "y\n");
  Adoption broken = [&] {
    AdoptionSource source;
    source.store = bucket_;
    source.key_formats = {*KeyFormat::parse(kArgo)};
    source.open = [this](const ObjectInfo& object, const std::string&) -> Result<std::shared_ptr<LogView>> {
      if (object.key.find("pod-1") != std::string::npos) {
        return Error{ErrorKind::kUnavailable, "read", object.key, "the store hangs", ""};
      }
      return std::shared_ptr<LogView>(std::make_shared<TextView>(*bucket_->get(object.key)));
    };
    return Adoption({*archive_, *book_, *catalog_, *keeper_, clock_}, std::move(source));
  }();
  AdoptionOrder order;
  order.copy = true;
  const auto step = broken.step(order);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->counts.failed, 1u);
  EXPECT_EQ(step->counts.adopted, 1u);
  EXPECT_THAT(step->problems, ElementsAre(HasSubstr("the store hangs")));
}

TEST_F(AdoptionTest, ARebuiltCatalogueFindsThem) {
  put("logs/wf/wf-pod-1/main.log", "x\n");
  walk();
  std::filesystem::remove(folder_ / "catalog.sqlite");
  open_catalog();
  EXPECT_THAT(workflows(), IsEmpty());
  EXPECT_EQ(book_->rebuild({})->taken, 1u);
  EXPECT_THAT(*catalog_->find_pod("kubeflow", "wf-pod-1"), SizeIs(1));
  EXPECT_EQ(walk().unchanged, 1u);
}

TEST(AdoptionKeys, ContainersOfFiles) {
  EXPECT_EQ(container_of_log("main.log"), "main");
  EXPECT_EQ(container_of_log("side-car.log.gz"), "side-car");
  EXPECT_EQ(container_of_log("main-logs.tgz"), "main");
  for (const char* other : {"model.tgz", ".log", "log", "main.log.bak", "MAIN.log", "a b.log", "-logs"}) {
    EXPECT_EQ(container_of_log(other), std::nullopt) << other;
  }
}

TEST(AdoptionKeys, PrefixesCoverAllFormats) {
  const std::vector<KeyFormat> formats = {*KeyFormat::parse("logs/a/{{pod.name}}"),
                                          *KeyFormat::parse("logs/{{pod.name}}"),
                                          *KeyFormat::parse("x/{{workflow.namespace}}/{{pod.name}}")};
  EXPECT_THAT(listing_prefixes(formats, {}), ElementsAre("logs/", "x/"));
  EXPECT_THAT(listing_prefixes(formats, {{"workflow.namespace", "n"}}), ElementsAre("logs/", "x/n/"));
  EXPECT_THAT(listing_prefixes({*KeyFormat::parse("{{pod.name}}"), formats[0]}, {}), ElementsAre(""));
}

TEST(AdoptionKeys, CreationTimes) {
  const auto created = [](const char* format, const char* key) {
    const auto identities = identities_of(key, {*KeyFormat::parse(format)}, {});
    return identities.size() == 1 && identities[0].created ? format_rfc3339(*identities[0].created) : "";
  };
  EXPECT_EQ(created("{{workflow.creationTimestamp.s}}/{{pod.name}}", "1767225600/p-1/main.log"),
            "2026-01-01T00:00:00Z");
  EXPECT_EQ(
      created("{{workflow.creationTimestamp.Y}}-{{workflow.creationTimestamp.m}}/{{pod.name}}", "2026-02/p-1/main.log"),
      "2026-02-01T00:00:00Z");
  EXPECT_EQ(created("{{workflow.creationTimestamp}}/{{pod.name}}", "2026-02-03T04:05:06Z/p-1/main.log"),
            "2026-02-03T04:05:06Z");
}

TEST(AdoptionKeys, SyntheticUidsAreStableAndLikeNoCluster) {
  const std::string uid = synthetic_uid("s3://b", "ns", "wf", "");
  EXPECT_EQ(uid, synthetic_uid("s3://b", "ns", "wf", ""));
  EXPECT_NE(uid, synthetic_uid("s3://b", "ns", "wf", "x"));
  EXPECT_EQ(uid.size(), 36u);
  EXPECT_EQ(uid[14], '8');
}

}  // namespace
}  // namespace logstone::adopt
