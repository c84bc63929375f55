#include "argo/archived_location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "argo/gunzip.h"
#include "model/argo_names.h"
#include "tests/argo/packing.h"

namespace logstone::argo {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string base64(const std::string& bytes) {
  static const char* const kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kLetters[bits >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

const std::string kRepository = R"({"artifactRepository": {"archiveLogs": true, "s3": {
    "endpoint": "seaweedfs.kubeflow:9000", "bucket": "mlpipeline", "insecure": true, "region": "r",
    "keyFormat": "private/{{workflow.name}}/{{pod.name}}",
    "accessKeySecret": {"name": "s", "key": "accesskey"}, "secretKeySecret": {"name": "s", "key": "secretkey"}}}})";
const std::string kNodes = R"({
  "wf": {"id": "wf", "name": "wf", "type": "DAG"},
  "wf-1": {"id": "wf-1", "name": "wf.a", "type": "Pod", "templateName": "train", "outputs": {"artifacts": [
     {"name": "main-logs", "s3": {"key": "private/wf/x/main.log"}},
     {"name": "side-logs", "s3": {"key": "side.log", "bucket": "other"}},
     {"name": "away-logs", "s3": {"key": "away.log", "endpoint": "elsewhere:9000"}},
     {"name": "model", "s3": {"key": "model.tgz"}}, {"name": "-logs", "s3": {"key": "x"}}, {"name": "no-logs"}, 7]}},
  "wf-2": {"name": "wf.b", "type": "Pod", "templateRef": {"template": "lib"}, "outputs": {"artifacts": [
     {"name": "main-logs", "gcs": {"bucket": "g", "key": "k"}}]}},
  "wf-3": {"name": "wf.c", "type": "Pod"}, "wf-4": null})";

std::string workflow(const std::string& status) {
  return R"({"metadata": {"name": "wf", "namespace": "team"}, "status": )" + status + "}";
}

void expect_all(const ArchivedLocations& all) {
  ASSERT_EQ(all.logs.size(), 4U);
  const auto& main = all.logs[0];
  EXPECT_EQ(main.container + " " + main.key + " " + main.node_id, "main private/wf/x/main.log wf-1");
  EXPECT_THAT(main.pod_names, testing::ElementsAre(argo_pod_name("wf", "wf.a", "train"), "wf-1"));
  EXPECT_EQ(main.repository.bucket, "mlpipeline");
  EXPECT_EQ(main.repository.endpoint, "seaweedfs.kubeflow:9000");
  EXPECT_TRUE(main.repository.insecure);
  EXPECT_EQ(main.repository.region, "r");
  EXPECT_EQ(main.repository.access_key_secret, (SecretReference{"s", "accesskey"}));
  EXPECT_EQ(main.repository.key_format, "private/{{workflow.name}}/{{pod.name}}");
  EXPECT_EQ(main.repository.name_space, "team");
  // Another bucket of the same server, by the same keys.
  EXPECT_EQ(all.logs[1].repository.bucket, "other");
  EXPECT_TRUE(all.logs[1].repository.access_key_secret);
  // Another server must not see them.
  EXPECT_EQ(all.logs[2].repository.endpoint, "elsewhere:9000");
  EXPECT_FALSE(all.logs[2].repository.access_key_secret);
  EXPECT_FALSE(all.logs[2].repository.insecure);
  EXPECT_EQ(all.logs[3].repository.driver, "gcs");
  EXPECT_EQ(all.logs[3].repository.bucket, "g");
  EXPECT_FALSE(all.logs[3].repository.access_key_secret);
  EXPECT_THAT(all.logs[3].pod_names, Contains(argo_pod_name("wf", "wf.b", "lib")));
  EXPECT_THAT(all.pod_names, Contains("wf-3"));
}

TEST(ArchivedLocationTest, EveryContainerOfEveryNode) {
  const auto all = read_archived_locations(
      workflow(R"({"artifactRepositoryRef": )" + kRepository + R"(, "nodes": )" + kNodes + "}"));
  ASSERT_TRUE(all) << all.error().message();
  expect_all(*all);
  EXPECT_TRUE(all->remarks.empty());
}

TEST(ArchivedLocationTest, CompressedNodes) {
  const auto all = read_archived_locations(workflow(R"({"artifactRepositoryRef": )" + kRepository +
                                                    R"(, "compressedNodes": ")" + base64(test::gzip(kNodes)) + "\"}"));
  ASSERT_TRUE(all);
  expect_all(*all);
}

TEST(ArchivedLocationTest, WhatCannotBeReadIsSaid) {
  for (const auto& [status, says] :
       std::map<std::string, std::string>{{R"({"offloadNodeStatusVersion": "fnv:1"})", "off-loaded"},
                                          {R"({"compressedNodes": "!"})", "no base64"},
                                          {R"({"compressedNodes": "QUJD"})", "cannot be read"},
                                          {R"({"compressedNodes": ")" + base64(test::gzip("[1")) + "\"}", "no JSON"}}) {
    const auto all = read_archived_locations(workflow(status));
    ASSERT_TRUE(all);
    ASSERT_EQ(all->remarks.size(), 1U) << status;
    EXPECT_THAT(all->remarks[0], HasSubstr(says));
  }
  EXPECT_FALSE(read_archived_locations("[]"));
  EXPECT_FALSE(read_archived_locations("{"));
  for (const char* odd :
       {"{}", R"({"metadata": [], "status": 7})", R"({"status": {"nodes": {"a": {"outputs": {"artifacts": {}}}}}})"}) {
    EXPECT_TRUE(read_archived_locations(odd)) << odd;
  }
}

TEST(ArchivedLocationTest, ABombInCompressedNodesIsBounded) {
  const auto text = gunzip(test::gzip(std::string(10'000'000, 'x')), 1'000'000, "x");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::kInvalidInput);
}

}  // namespace
}  // namespace logstone::argo
