#include "argo/config_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace logstone::argo {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kController = R"(
archiveLogs: true
s3:
  endpoint: "minio-service.kubeflow:9000"
  bucket: mlpipeline
  insecure: true
  keyFormat: "private-artifacts/{{workflow.namespace}}\
    /{{workflow.name}}\
    /{{pod.name}}"
  accessKeySecret: {name: s, key: accesskey}
  secretKeySecret: {name: s, key: secretkey}
)";

class ConfigSourceTest : public ::testing::Test {
 protected:
  ConfigSourceTest() : folder_(fs::path(::testing::TempDir()) / ("argo-config-" + std::to_string(::getpid()))) {}
  ~ConfigSourceTest() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << text;
  }
  fs::path folder_;
};

TEST_F(ConfigSourceTest, RepositoriesInArgosOrder) {
  write("kubeflow/configmaps/workflow-controller-configmap/artifactRepository", kController);
  write("team/configmaps/artifact-repositories/other", R"({"s3": {"bucket": "b2", "keyPrefix": "old"}})");
  write("team/configmaps/artifact-repositories/artifact-repositories",
        R"({"s3": {"bucket": "b1", "keyFormat": "x/{{pod.name}}"}})");
  write("team/configmaps/artifact-repositories/broken", "{");
  const auto source = open_config_folder(folder_);
  const auto all = find_repositories(*source, "kubeflow", "team");
  ASSERT_EQ(all.found.size(), 3U);
  EXPECT_EQ(all.found[0].repository.key_format,
            "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{pod.name}}");
  EXPECT_EQ(all.found[0].repository.name_space, "kubeflow");
  EXPECT_EQ(all.found[0].repository.secret_key_secret, (SecretReference{"s", "secretkey"}));
  EXPECT_EQ(all.found[1].repository.bucket, "b1");
  EXPECT_EQ(all.found[1].repository.name_space, "team");
  EXPECT_EQ(all.found[2].repository.key_format, "old/{{workflow.name}}/{{pod.name}}");
  ASSERT_EQ(all.unused.size(), 2U);
  EXPECT_THAT(all.unused[0].place, HasSubstr("team/artifact-repositories key broken"));
  EXPECT_THAT(all.unused[1].place, HasSubstr("kubeflow/artifact-repositories"));
}

TEST_F(ConfigSourceTest, OldControllerConfig) {
  write("argo/configmaps/workflow-controller-configmap/config", "artifactRepository:\n  s3: {bucket: old-one}\n");
  const auto all = find_repositories(*open_config_folder(folder_), "argo", "argo");
  ASSERT_EQ(all.found.size(), 1U);
  EXPECT_EQ(all.found[0].repository.bucket, "old-one");
}

TEST_F(ConfigSourceTest, SecretsAndNamesThatLeadOut) {
  write("team/secrets/s/accesskey", "minio\n");
  write("secret.txt", "x");
  const auto source = open_config_folder(folder_);
  EXPECT_EQ(*source->secret("team", {"s", "accesskey"}), "minio");
  for (const auto& [ns, name, key] : {std::tuple("team", "s", "none"), std::tuple("..", "s", "accesskey"),
                                      std::tuple("team", "../../team/secrets/s", "accesskey"),
                                      std::tuple("team", "s", "../../../secret.txt"), std::tuple("", "", "")}) {
    EXPECT_EQ(source->secret(ns, {name, key}).error().kind, ErrorKind::kNotFound);
  }
  EXPECT_EQ(source->config_map("../x", "y").error().kind, ErrorKind::kNotFound);
}

TEST(ArtifactRepositoryTest, Texts) {
  const auto azure = parse_artifact_repository("azure: {container: c, endpoint: 'https://x', blobNameFormat: y}", "t");
  EXPECT_EQ(azure->description(), "azure bucket c at https://x");
  EXPECT_FALSE(parse_artifact_repository("archiveLogs: true", "t"));
  EXPECT_FALSE(parse_artifact_repository("- s3", "t"));
  EXPECT_FALSE(parse_artifact_repository("{", "t"));
  EXPECT_FALSE(parse_artifact_repository("a: &a [1]\n" + std::string(200, '['), "t"));
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_FALSE(parse_artifact_repository(bomb, "t"));
}

TEST(ArtifactRepositoryTest, Endpoints) {
  EXPECT_TRUE(same_endpoint("seaweedfs.kubeflow:9000", "http://seaweedfs.kubeflow.svc.cluster.local:9000/"));
  EXPECT_TRUE(same_endpoint("https://S3.amazonaws.com:443", "s3.amazonaws.com"));
  EXPECT_FALSE(same_endpoint("a:9000", "a:9001"));
  EXPECT_FALSE(same_endpoint("a:9000", ""));
  for (const char* bad :
       {"169.254.169.254", "http://169.254.169.254:80", "metadata.google.internal", "2852039166", "0xa9fea9fe",
        "[fe80::1]:80", "[::ffff:169.254.169.254]", "0251.0376.0251.0376", "user@169.254.169.254/x"}) {
    EXPECT_TRUE(is_metadata_endpoint(bad)) << bad;
  }
  for (const char* good : {"seaweedfs.kubeflow:9000", "127.0.0.1:9000", "10.0.0.1", "", "s3.amazonaws.com", "feast:1",
                           "[::1]:9000", "minio"}) {
    EXPECT_FALSE(is_metadata_endpoint(good)) << good;
  }
}

}  // namespace
}  // namespace logstone::argo
