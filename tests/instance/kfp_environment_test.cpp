#include "instance/kfp_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/settings.h"

namespace logstone {
namespace {

using testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

LoadedSettings load(const Environment& environment, const std::string& yaml = "") {
  auto loaded = load_settings(yaml, "s.yaml", environment, {});
  EXPECT_TRUE(loaded) << loaded.error().message();
  return loaded ? *loaded : LoadedSettings{};
}

std::string became(const LoadedSettings& loaded, const std::string& name) {
  for (const auto& one : loaded.kfp.variables) {
    if (one.name == name) return one.became;
  }
  return "(none)";
}

std::string source(const LoadedSettings& loaded, const std::string& key) {
  for (const auto& one : loaded.effective) {
    if (one.key == key) return one.source;
  }
  return "(none)";
}

TEST(KfpEnvironment, NothingWithoutANameOfKfp) {
  const auto loaded =
      load({{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_REGION", "x"}, {"DISABLE_GKE_METADATA", "true"}, {"PATH", "/"}});
  EXPECT_FALSE(loaded.kfp.active);
  EXPECT_EQ(loaded.settings.argo.store, "");
  EXPECT_EQ(loaded.settings.argo.key_formats, usual_key_formats());
}

TEST(KfpEnvironment, ItsDefaults) {
  const auto loaded = load({{"ARGO_ARCHIVE_LOGS", "true"}});
  EXPECT_EQ(loaded.settings.argo.store, "s3://mlpipeline?endpoint=http://seaweedfs.kubeflow:9000");
  EXPECT_EQ(loaded.settings.argo.access_key, "minio");
  EXPECT_EQ(loaded.settings.argo.secret_key, "minio123");
  EXPECT_EQ(loaded.settings.argo.key_formats, usual_key_formats());
  EXPECT_EQ(loaded.settings.argo.log_container, "main");
  EXPECT_EQ(loaded.settings.argo.name_space, "kubeflow");
  EXPECT_FALSE(loaded.settings.enable_authz);
  for (const auto& one : loaded.kfp.variables) {
    EXPECT_NE(one.became, "") << one.name;
    EXPECT_EQ(one.is_set, one.name == "ARGO_ARCHIVE_LOGS") << one.name;
    EXPECT_EQ(one.value.find("minio123"), std::string::npos);
  }
  for (const auto& one : loaded.effective) EXPECT_EQ(one.value.find("minio123"), std::string::npos) << one.key;
}

TEST(KfpEnvironment, EveryNameAsSet) {
  const auto loaded = load({{"ARGO_ARCHIVE_LOGS", "True"},
                            {"ARGO_ARCHIVE_BUCKETNAME", "logs"},
                            {"ARGO_KEYFORMAT", "mine/{{ workflow.name }}/{{pod.name}}"},
                            {"POD_LOG_CONTAINER_NAME", "step"},
                            {"MINIO_HOST", "minio-service"},
                            {"MINIO_PORT", "9443"},
                            {"MINIO_NAMESPACE", ""},
                            {"MINIO_SSL", "true"},
                            {"MINIO_ACCESS_KEY", "ak"},
                            {"MINIO_SECRET_KEY", "sk"},
                            {"FRONTEND_SERVER_NAMESPACE", "pipelines"},
                            {"ENABLE_AUTHZ", "true"}});
  EXPECT_EQ(loaded.settings.argo.store, "s3://logs?endpoint=https://minio-service:9443");
  EXPECT_EQ(loaded.settings.argo.access_key + loaded.settings.argo.secret_key, "aksk");
  EXPECT_EQ(loaded.settings.argo.key_formats.front(), "mine/{{ workflow.name }}/{{pod.name}}");
  EXPECT_EQ(loaded.settings.argo.key_formats.size(), 4U);
  EXPECT_EQ(loaded.settings.argo.log_container, "step");
  EXPECT_EQ(loaded.settings.argo.name_space, "pipelines");
  EXPECT_TRUE(loaded.settings.enable_authz);
  EXPECT_THAT(source(loaded, "argo_store"), HasSubstr("MINIO_HOST"));
  EXPECT_EQ(source(loaded, "log_container"), "POD_LOG_CONTAINER_NAME");
  EXPECT_THAT(became(loaded, "AWS_REGION"), HasSubstr("ARGO_ARCHIVE_ARTIFACTORY is minio"));
}

TEST(KfpEnvironment, S3) {
  const Environment base = {
      {"ARGO_ARCHIVE_LOGS", "true"}, {"ARGO_ARCHIVE_ARTIFACTORY", "s3"}, {"AWS_REGION", "eu-west-1"}};
  EXPECT_EQ(load(base).settings.argo.store, "s3://mlpipeline?region=eu-west-1");
  EXPECT_EQ(load(base).settings.argo.access_key, "");
  Environment with = base;
  with["AWS_S3_ENDPOINT"] = "s3.example.com";
  with["AWS_ACCESS_KEY_ID"] = "a";
  const auto loaded = load(with);
  EXPECT_EQ(loaded.settings.argo.store, "s3://mlpipeline?region=eu-west-1&endpoint=https://s3.example.com");
  EXPECT_EQ(loaded.settings.environment.at("AWS_ACCESS_KEY_ID"), "a");
  with["AWS_SSL"] = "false";
  EXPECT_THAT(load(with).settings.argo.store, HasSubstr("http://s3.example.com"));
}

TEST(KfpEnvironment, ArchiveLogsOffLooksForNoKeyFormat) {
  const auto loaded = load({{"MINIO_HOST", "h"}});
  EXPECT_TRUE(loaded.settings.argo.key_formats.empty());
  EXPECT_THAT(became(loaded, "ARGO_ARCHIVE_LOGS"), HasSubstr("no key format"));
  EXPECT_THAT(loaded.settings.argo.store,
              HasSubstr("h.kubeflow:9000"));  // What a workflow's status names is still read.
}

TEST(KfpEnvironment, OurOwnSettingsWin) {
  const auto loaded = load({{"ARGO_ARCHIVE_LOGS", "true"}, {"LOGSTONE_LOG_CONTAINER", "other"}},
                           "argo_store: s3://mine\nkey_formats: ['x/{{pod.name}}']\n");
  EXPECT_EQ(loaded.settings.argo.store, "s3://mine");
  EXPECT_EQ(loaded.settings.argo.key_formats, std::vector<std::string>{"x/{{pod.name}}"});
  EXPECT_EQ(loaded.settings.argo.log_container, "other");
  // KFP's keys are for KFP's bucket.
  EXPECT_EQ(loaded.settings.argo.access_key + loaded.settings.argo.secret_key, "");
}

TEST(KfpEnvironment, BadValuesAreNamed) {
  for (const auto& [name, value] : Environment{{"ARGO_ARCHIVE_LOGS", "yes"},
                                               {"ARGO_KEYFORMAT", "{{workflow.nme}}"},
                                               {"ARGO_ARCHIVE_BUCKETNAME", ""},
                                               {"MINIO_PORT", "x"},
                                               {"MINIO_HOST", ""},
                                               {"ENABLE_AUTHZ", "maybe"},
                                               {"POD_LOG_CONTAINER_NAME", ""},
                                               {"ARGO_ARCHIVE_ARTIFACTORY", "gcs"}}) {
    Environment environment = {{"ARGO_ARCHIVE_LOGS", "true"}};
    environment[name] = value;
    const auto loaded = load_settings("", "", environment, {});
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kInvalidInput);
    EXPECT_THAT(loaded.error().message(), HasSubstr(name));
  }
  // Without the logs nothing needs the driver.
  EXPECT_EQ(load({{"ARGO_ARCHIVE_ARTIFACTORY", "gcs"}}).settings.argo.store, "");
}

}  // namespace
}  // namespace logstone
