#include "argo/log_finder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "model/argo_names.h"
#include "tests/archive/memory_store.h"
#include "tests/argo/packing.h"

namespace logstone::argo {
namespace {

using testing::HasSubstr;

constexpr const char* kKfpFormat =
    "artifacts/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/"
    "{{workflow.creationTimestamp.d}}/{{pod.name}}";
constexpr const char* kPrivateFormat = "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}";

class FakeWorkflows final : public WorkflowSource {
 public:
  Result<std::vector<WorkflowRecord>> find_workflows(const PodRequest&,
                                                     const std::vector<std::string>& names) override {
    if (broken) return Error{ErrorKind::kUnavailable, "ask", "catalogue", "test", ""};
    std::vector<WorkflowRecord> found;
    for (const auto& record : records) {
      if (std::find(names.begin(), names.end(), record.id.name) != names.end()) found.push_back(record);
    }
    return found;
  }
  std::vector<WorkflowRecord> records;
  bool broken = false;
};

class FakeConfig final : public ConfigSource {
 public:
  Result<ConfigMap> config_map(const std::string& name_space, const std::string& name) override {
    const auto found = maps.find(name_space + "/" + name);
    if (found == maps.end()) return Error{ErrorKind::kNotFound, "read ConfigMap", name, "no such map", ""};
    return found->second;
  }
  Result<std::string> secret(const std::string&, const SecretReference&) override { return std::string("x"); }
  std::map<std::string, ConfigMap> maps;
};

class LogFinderTest : public ::testing::Test {
 protected:
  LogFinderTest() {
    settings_.repository = bucket("mlpipeline", "s3.test:9000");
    settings_.key_formats = {*KeyFormat::parse(kKfpFormat)};
    settings_.controller_namespace = "kubeflow";
  }
  static ArtifactRepository bucket(const std::string& name, const std::string& endpoint) {
    ArtifactRepository repository;
    repository.driver = "s3";
    repository.bucket = name;
    repository.endpoint = endpoint;
    return repository;
  }
  test::MemoryStore& store(const std::string& name = "mlpipeline@s3.test:9000") {
    auto& one = stores_[name];
    if (!one) one = std::make_shared<test::MemoryStore>();
    return *one;
  }
  void put(const std::string& key, const std::string& text, const std::string& name = "mlpipeline@s3.test:9000") {
    ASSERT_TRUE(store(name).put(key, text));
  }
  FinderAnswer find(const PodRequest& request) {
    LogObjects objects(cache_, {::testing::TempDir(), 1 << 20, 1 << 20});
    const StoreOpener opener = [this](const ArtifactRepository& r) -> Result<std::shared_ptr<ObjectStore>> {
      opened_.push_back(r.bucket + "@" + r.endpoint);
      const auto found = stores_.find(opened_.back());
      if (r.driver != "s3") return Error{ErrorKind::kUnsupported, "open", r.driver, "not read", ""};
      if (found == stores_.end()) return Error{ErrorKind::kUnavailable, "open", opened_.back(), "not reached", ""};
      return std::shared_ptr<ObjectStore>(found->second);
    };
    return LogFinder({objects, opener, &workflows_, &config_}, settings_).find(request);
  }
  static PodRequest pod(const std::string& name, const char* day = nullptr) {
    PodRequest request;
    request.pod_name = name;
    if (day != nullptr) {
      request.created = std::chrono::year_month_day(
          std::chrono::floor<std::chrono::days>(*parse_rfc3339(std::string(day) + "T00:00:00Z")));
    }
    return request;
  }
  static std::string text(const FinderAnswer& answer) {
    if (!answer.found) return "(none)";
    const auto bytes = answer.found->log->read(0, 1000);
    return bytes ? *bytes : bytes.error().message();
  }
  static std::string tried(const FinderAnswer& answer) {
    std::string all;
    for (const auto& one : answer.tried) all += one.place + ": " + one.outcome + "\n";
    if (answer.refused) all += "refused: " + answer.refused->message();
    return all;
  }
  static WorkflowRecord record(const std::string& name, const std::string& uid, const std::string& run = "") {
    WorkflowRecord record;
    record.id = {"c", "team", name, uid};
    record.created = *parse_rfc3339("2026-08-01T23:59:59Z");
    if (!run.empty()) record.labels["pipeline/runid"] = run;
    return record;
  }
  /// With a node of that pod and, where `location` is not empty, its main-logs.
  static WorkflowRecord with_pod(WorkflowRecord record, const std::string& pod, const std::string& location = "") {
    const std::string artifacts =
        location.empty() ? "" : R"(, "outputs": {"artifacts": [{"name": "main-logs", "s3": )" + location + "}]}";
    record.manifest_json = R"({"metadata": {"name": ")" + record.id.name + R"(", "namespace": "team"}, "status": {
        "artifactRepositoryRef": {"artifactRepository": {"s3": {"bucket": "mlpipeline", "endpoint": "s3.test:9000"}}},
        "nodes": {")" + pod +
                           R"(": {"type": "Pod", "name": "n")" + artifacts + "}}}}";
    return record;
  }

  FinderSettings settings_;
  FakeWorkflows workflows_;
  FakeConfig config_;
  BlockCache cache_{1 << 20};
  std::map<std::string, std::shared_ptr<test::MemoryStore>> stores_;
  std::vector<std::string> opened_;
};

TEST_F(LogFinderTest, TheSeedCaseOfEveryPodName) {
  store();
  for (const std::string& wf : {std::string("train-x7k2p"), std::string("my-system-container-impl-run-q1"),
                                std::string("a-system-dag-driver-b"), std::string("one")}) {
    for (const std::string& name :
         {argo_pod_name(wf, wf + ".a", "work"), argo_node_id(wf, wf + ".a"), argo_pod_name(wf, wf, "work"),
          argo_pod_name(wf, wf + ".b", "system-container-impl"),
          argo_pod_name(wf, wf + ".c", "system-container-driver"), argo_pod_name(wf, wf + ".d", "system-dag-driver")}) {
      put("artifacts/" + wf + "/2026/08/02/" + name + "/main.log", "log of " + name);
      const auto answer = find(pod(name, "2026-08-02"));
      EXPECT_EQ(text(answer), "log of " + name) << tried(answer);
      if (!answer.found) continue;
      EXPECT_EQ(answer.found->how, "argo-key-format");
      EXPECT_EQ(answer.found->workflow.name, wf);
      EXPECT_EQ(answer.found->container, "main");
      EXPECT_THAT(answer.found->object, HasSubstr(name + "/main.log"));
      // Without the day it is looked for among the workflow's keys.
      EXPECT_EQ(text(find(pod(name))), "log of " + name);
      // Another day's is another workflow's.
      EXPECT_EQ(text(find(pod(name, "2026-08-03"))), "(none)");
    }
  }
}

TEST_F(LogFinderTest, NeverAnotherPodsLog) {
  put("artifacts/wf/2026/08/02/wf-work-12/main.log", "other");
  put("artifacts/wf/2026/08/02/wf-work-1/wait.log", "other container");
  put("artifacts/wf/2026/08/02/wf-work-1/deeper/main.log", "other folder");
  put("artifacts/wf/2026/08/02/wf-work-1/wait.log.bak", "");
  for (const char* day : {"2026-08-02", static_cast<const char*>(nullptr)}) {
    PodRequest request = pod("wf-work-1", day);
    request.container = "main";
    const auto answer = find(request);
    EXPECT_EQ(text(answer), "(none)");
    EXPECT_THAT(tried(answer), HasSubstr("wait.log"));
    EXPECT_EQ(text(find(pod("wf-work", day))), "(none)");
    EXPECT_EQ(text(find(pod("work-1", day))), "(none)");
  }
  // The pod's only container, where none was asked for.
  const auto only = find(pod("wf-work-1", "2026-08-02"));
  EXPECT_EQ(text(only), "other container") << tried(only);
  EXPECT_EQ(only.found->container, "wait");
}

TEST_F(LogFinderTest, SeveralWorkflowsAreRefusedByName) {
  put("artifacts/wf/2026/08/02/wf-work-1/main.log", "a");
  put("artifacts/wf-work/2026/08/02/wf-work-1/main.log", "b");
  const auto answer = find(pod("wf-work-1", "2026-08-02"));
  EXPECT_FALSE(answer.found);
  ASSERT_TRUE(answer.refused);
  EXPECT_EQ(answer.refused->kind, ErrorKind::kConflict);
  EXPECT_THAT(answer.refused->message(), HasSubstr("wf at artifacts/wf/"));
  EXPECT_THAT(answer.refused->message(), HasSubstr("wf-work at artifacts/wf-work/"));
  // What the catalogue knows of the run decides.
  workflows_.records = {record("wf-work", "u", "run-1")};
  PodRequest request = pod("wf-work-1", "2026-08-02");
  request.run_id = "run-1";
  EXPECT_EQ(text(find(request)), "(none)");  // Its own day is the first.
  put("artifacts/wf-work/2026/08/01/wf-work-1/main.log", "c");
  EXPECT_EQ(text(find(request)), "c");
}

TEST_F(LogFinderTest, TwoDaysOfOneNameAreTwoWorkflows) {
  put("artifacts/nightly/2026/08/01/nightly-1/main.log", "first");
  put("artifacts/nightly/2026/08/02/nightly-1/main.log", "second");
  EXPECT_TRUE(find(pod("nightly-1")).refused);
  EXPECT_EQ(text(find(pod("nightly-1", "2026-08-02"))), "second");
}

TEST_F(LogFinderTest, TheLogOfAnotherRunIsNotGiven) {
  put("artifacts/wf/2026/08/01/wf-work-1/main.log", "of run-1");
  workflows_.records = {with_pod(record("wf", "u", "run-1"), "wf-work-1")};
  PodRequest request = pod("wf-work-1", "2026-08-01");
  request.run_id = "run-2";
  const auto answer = find(request);
  EXPECT_EQ(text(answer), "(none)");
  EXPECT_THAT(tried(answer), HasSubstr("another run"));
  request.run_id = "run-1";
  EXPECT_EQ(text(find(request)), "of run-1");
  request.run_id.clear();
  request.name_space = "elsewhere";
  EXPECT_EQ(text(find(request)), "(none)");
}

TEST_F(LogFinderTest, TheStatusOfAWorkflow) {
  put("odd/place.log", "by status");
  workflows_.records = {with_pod(record("wf", "u"), "wf-1", R"({"key": "odd/place.log"})")};
  const auto answer = find(pod("wf-1"));
  EXPECT_EQ(text(answer), "by status") << tried(answer);
  EXPECT_EQ(answer.found->how, "argo-status");
  EXPECT_EQ(answer.found->workflow.uid, "u");
  // Another bucket, which the operator did not name.
  put("k", "overridden", "other@s3.test:9000");
  workflows_.records = {with_pod(record("wf", "u"), "wf-1", R"({"key": "k", "bucket": "other"})")};
  EXPECT_EQ(text(find(pod("wf-1"))), "overridden");
  // It is gone from there: its repository's own key format still has it, Argo's default.
  put("wf/wf-1/main.log", "by Argo's default");
  workflows_.records = {with_pod(record("wf", "u"), "wf-1", R"({"key": "gone"})")};
  const auto second = find(pod("wf-1"));
  EXPECT_EQ(text(second), "by Argo's default");
  EXPECT_THAT(tried(second), HasSubstr("gone"));
}

TEST_F(LogFinderTest, MetadataEndpointsAreNeverAsked) {
  workflows_.records = {
      with_pod(record("wf", "u"), "wf-1", R"({"key": "k", "bucket": "latest", "endpoint": "169.254.169.254"})")};
  const auto answer = find(pod("wf-1"));
  EXPECT_THAT(tried(answer), HasSubstr("metadata service"));
  EXPECT_THAT(opened_, testing::Not(testing::Contains(HasSubstr("169.254"))));
}

TEST_F(LogFinderTest, RepositoriesOfConfigMaps) {
  config_.maps["kubeflow/workflow-controller-configmap"].data["artifactRepository"] =
      std::string("s3:\n  bucket: mlpipeline\n  endpoint: s3.test:9000\n  keyFormat: \"") + kPrivateFormat + "\"\n";
  config_.maps["team/artifact-repositories"].data["artifact-repositories"] =
      R"({"s3": {"bucket": "team-bucket", "endpoint": "s3.test:9000", "keyPrefix": "old"}})";
  put("private-artifacts/team/wf/wf-work-1/main.log", "private");
  put("old/wf/wf-work-2/main.log", "old", "team-bucket@s3.test:9000");
  PodRequest request = pod("wf-work-1");
  request.name_space = "team";
  EXPECT_EQ(text(find(request)), "private");
  request.pod_name = "wf-work-2";
  EXPECT_EQ(text(find(request)), "old");
  // Without a namespace it is listed.
  const auto listed = find(pod("wf-work-1"));
  EXPECT_EQ(text(listed), "private") << tried(listed);
  EXPECT_EQ(listed.found->how, "argo-listing");
  EXPECT_EQ(listed.found->workflow.name_space, "team");
  settings_.default_namespace = "team";
  EXPECT_EQ(find(pod("wf-work-1")).found->how, "argo-key-format");
}

TEST_F(LogFinderTest, TagsThatNobodyKnowsAreListedWithinBounds) {
  settings_.key_formats = {*KeyFormat::parse("{{workflow.parameters.team}}/{{workflow.uid}}/{{pod.name}}")};
  for (int i = 0; i < 50; ++i)
    put("a/u" + std::to_string(i) + "/wf-work-" + std::to_string(i) + "/main.log", std::to_string(i));
  const auto listed = find(pod("wf-work-7"));
  EXPECT_EQ(text(listed), "7") << tried(listed);
  EXPECT_EQ(listed.found->workflow.uid, "u7");
  settings_.most_listed = 20;
  store().reset_counts();
  const auto bounded = find(pod("wf-work-12"));
  EXPECT_EQ(text(bounded), "(none)");  // Seen, but not everything was: it could be one of two.
  EXPECT_THAT(tried(bounded), HasSubstr("only the first 20"));
  EXPECT_THAT(tried(bounded), HasSubstr("{{workflow.parameters.team}}"));
  EXPECT_LE(store().counts().lists, 4U);
  // The catalogue knows the parameter and the uid.
  WorkflowRecord known = with_pod(record("wf", "u12"), "wf-work-12");
  known.manifest_json.insert(1, R"("spec": {"arguments": {"parameters": [{"name": "team", "value": "a"}]}}, )");
  workflows_.records = {known};
  const auto exact = find(pod("wf-work-12"));
  EXPECT_EQ(text(exact), "12") << tried(exact);
  EXPECT_EQ(exact.found->how, "argo-key-format");
}

TEST_F(LogFinderTest, AFormatThatTellsNoPodsApartIsNotUsed) {
  settings_.key_formats = {*KeyFormat::parse("all/{{workflow.name}}")};
  put("all/wf/main.log", "of whichever pod ended last");
  const auto answer = find(pod("wf-work-1"));
  EXPECT_EQ(text(answer), "(none)");
  EXPECT_THAT(tried(answer), HasSubstr("has no {{pod.name}}"));
}

TEST_F(LogFinderTest, PackedLogs) {
  put("artifacts/wf/2026/08/02/wf-work-1/main.log.gz", test::gzip("gzip"));
  put("artifacts/wf/2026/08/02/wf-work-2/main-logs.tgz", test::gzip(test::tar({{"main.log", "tgz"}})));
  put("artifacts/wf/2026/08/02/wf-work-3/main.log", test::gzip("packed though its name does not say so"));
  EXPECT_EQ(text(find(pod("wf-work-1", "2026-08-02"))), "gzip");
  EXPECT_EQ(text(find(pod("wf-work-2", "2026-08-02"))), "tgz");
  EXPECT_EQ(text(find(pod("wf-work-3", "2026-08-02"))), "packed though its name does not say so");
  EXPECT_EQ(text(find(pod("wf-work-2"))), "tgz");
}

TEST_F(LogFinderTest, EveryPlaceSaysWhyItFailed) {
  store();
  config_.maps["kubeflow/workflow-controller-configmap"].data["artifactRepository"] = "gcs: {bucket: g}";
  config_.maps["kubeflow/artifact-repositories"].data["x"] = R"({"s3": {"bucket": "b", "endpoint": "down:1"}})";
  config_.maps["kubeflow/artifact-repositories"].data["y"] =
      R"({"s3": {"bucket": "mlpipeline", "keyFormat": "{{no}}"}})";
  settings_.key_formats.push_back(*KeyFormat::parse(kPrivateFormat));
  const auto answer = find(pod("wf-work-1", "2026-08-02"));
  EXPECT_FALSE(answer.found);
  EXPECT_FALSE(answer.refused);
  const std::string all = tried(answer);
  for (const char* says :
       {"the catalogue", "gcs: not read", "b@down:1: not reached", "{{no}} at position 1",
        "no object artifacts/wf/2026/08/02/wf-work-1/main.log", "private-artifacts", "{{workflow.namespace}}"}) {
    EXPECT_THAT(all, HasSubstr(says));
  }
  settings_.repository.reset();
  EXPECT_THAT(tried(find(pod("wf-work-1"))), HasSubstr("argo_store"));
  settings_.key_formats.clear();
  EXPECT_THAT(tried(find(pod("wf-work-1"))), HasSubstr("key_formats"));
}

TEST_F(LogFinderTest, AStoreThatIsAwayIsNotAskedByEveryReader) {
  LogObjects objects(cache_, {::testing::TempDir(), 1 << 20, 1 << 20});
  int asked = 0;
  const StoreOpener opener = [&](const ArtifactRepository&) -> Result<std::shared_ptr<ObjectStore>> {
    ++asked;
    return Error{ErrorKind::kUnavailable, "open", "s3", "not reached", ""};
  };
  LogFinder finder({objects, opener}, settings_);
  for (int i = 0; i < 100; ++i) EXPECT_THAT(tried(finder.find(pod("wf-1"))), HasSubstr("not reached"));
  EXPECT_LT(asked, 50);
}

TEST_F(LogFinderTest, ABrokenCatalogueIsNoEnd) {
  workflows_.broken = true;
  put("artifacts/wf/2026/08/02/wf-work-1/main.log", "found");
  EXPECT_EQ(text(find(pod("wf-work-1", "2026-08-02"))), "found");
}

}  // namespace
}  // namespace logstone::argo
