#include <gmock/gmock.h>

#include "doctor/lifecycle_rules.h"
#include "tests/doctor/doctor_fixture.h"

namespace logstone::doctor {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const WantedRetention k90Days{true, std::chrono::hours(24 * 90)};

std::string document(const std::string& text) { return healthy_deployment() + "---\n" + text; }

TEST(DoctorLifecycle, S3RulesAgainstTheRetention) {
  const std::string rules = document(
      R"({"Rules": [{"ID": "a", "Status": "Enabled", "Filter": {"Prefix": "private-artifacts/"}, "Expiration": {"Days": 30}}]})");
  EXPECT_EQ(find_finding(examine_text(rules), "lifecycle-expires").severity, Severity::kWarning);
  const Finding finding = find_finding(examine_text(rules, k90Days), "lifecycle-short");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(rules, "\"Rules\""));
  EXPECT_THAT(finding.edit, HasSubstr("Days: 91"));
  EXPECT_THAT(ids_of(examine_text(rules, {true, std::chrono::hours(24 * 30)})), IsEmpty());
  EXPECT_THAT(ids_of(examine_text(rules, {true, std::nullopt})), Contains("lifecycle-short"));
  // Another prefix, and a rule that is off.
  EXPECT_THAT(ids_of(examine_text(spoiled(rules, "private-artifacts/\"}", "tmp/\"}"), k90Days)), IsEmpty());
  EXPECT_THAT(ids_of(examine_text(spoiled(rules, "Enabled", "Disabled"), k90Days)), IsEmpty());
}

TEST(DoctorLifecycle, PolicyFileTellsTheLongest) {
  const auto longest = [](const char* text) { return longest_of(*RetentionPolicy::parse(text, "policy")); };
  EXPECT_EQ(longest("rules:\n- keep: 30d\n").keep, Nanoseconds(std::chrono::hours(24 * 30)));
  EXPECT_EQ(longest("rules:\n- {namespace: a, keep: 90d}\n- keep: 30d\n").keep,
            Nanoseconds(std::chrono::hours(24 * 90)));
  // What no rule matches is kept for ever.
  EXPECT_FALSE(longest("rules:\n- {namespace: a, keep: 90d}\n").keep.has_value());
  EXPECT_FALSE(longest("rules:\n- keep: forever\n").keep.has_value());
}

TEST(DoctorLifecycle, Xml) {
  const auto rules = read_lifecycle_xml(R"(<LifecycleConfiguration>
  <Rule><ID>x</ID><Filter><Prefix>private-artifacts/</Prefix></Filter><Status>Enabled</Status>
    <Expiration><Days>7</Days></Expiration></Rule>
  <Rule><Status>Disabled</Status><Expiration><Days>1</Days></Expiration></Rule>
  <Rule><Status>Enabled</Status><AbortIncompleteMultipartUpload/></Rule>
</LifecycleConfiguration>)",
                                        Place{nullptr, 1});
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].prefix, "private-artifacts/");
  EXPECT_EQ(rules[0].days, 7);
  EXPECT_EQ(rules[0].place.line, 2);
  EXPECT_THAT(read_lifecycle_xml("<Rule><Rule><Expiration>", Place{}), IsEmpty());
}

TEST(DoctorLifecycle, XmlFilesBesideManifests) {
  TempFolder folder;
  folder.write("all.yaml", healthy_deployment());
  folder.write("lifecycle.xml",
               "<LifecycleConfiguration><Rule><Status>Enabled</Status><Expiration><Days>7</Days></Expiration></Rule>"
               "</LifecycleConfiguration>");
  const auto examination = examine({folder.path()}, "", k90Days);
  ASSERT_TRUE(examination);
  EXPECT_THAT(ids_of(*examination), Contains("lifecycle-short"));
}

/// Each form in which a deployment may carry a rule, with one that concerns another bucket or prefix.
struct Form {
  const char* name;
  const char* text;
  const char* spoil_from;
  const char* spoil_to;
};

class LifecycleForms : public ::testing::TestWithParam<Form> {};

TEST_P(LifecycleForms, IsReadAndConcernsItsBucketOnly) {
  const std::string text = document(GetParam().text);
  EXPECT_THAT(ids_of(examine_text(text, k90Days)), Contains("lifecycle-short"));
  EXPECT_THAT(ids_of(examine_text(spoiled(text, GetParam().spoil_from, GetParam().spoil_to), k90Days)), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Doctor, LifecycleForms,
    ::testing::Values(
        Form{"Google", R"({"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]}})",
             "Delete", "SetStorageClass"},
        Form{
            "GooglePrefix",
            R"({"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30, "matchesPrefix": ["private-artifacts/"]}}]})",
            "private-artifacts/\"]", "tmp/\"]"},
        Form{"CrossplaneBucket", R"(apiVersion: s3.aws.crossplane.io/v1beta1
kind: Bucket
metadata: {name: mlpipeline}
spec:
  forProvider:
    lifecycleConfiguration:
      rules:
      - status: Enabled
        expiration: {days: 14}
        filter: {prefix: ""}
)",
             "metadata: {name: mlpipeline}", "metadata: {name: another}"},
        Form{"UpboundRule", R"(apiVersion: s3.aws.upbound.io/v1beta1
kind: BucketLifecycleConfiguration
metadata: {name: l}
spec:
  forProvider:
    bucketRef: {name: mlpipeline}
    rule:
    - status: Enabled
      filter: [{prefix: private-artifacts/kubeflow/}]
      expiration: [{days: 14}]
)",
             "bucketRef: {name: mlpipeline}", "bucketRef: {name: another}"},
        Form{"ConfigConnector", R"(apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata: {name: mlpipeline}
spec:
  lifecycleRule:
  - action: {type: Delete}
    condition: {age: 7}
)",
             "metadata: {name: mlpipeline}\nspec:\n  lifecycleRule",
             "metadata: {name: another}\nspec:\n  lifecycleRule"},
        Form{"BucketClaim", R"(apiVersion: objectbucket.io/v1alpha1
kind: ObjectBucketClaim
metadata: {name: c}
spec:
  bucketName: mlpipeline
  additionalConfig:
    bucketLifecycle: '{"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 5}}]}'
)",
             "bucketName: mlpipeline", "bucketName: another"},
        Form{"ConfigMapJson", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: lifecycle}
data:
  rules.json: |
    {"Rules": [{"Status": "Enabled", "Prefix": "private", "Expiration": {"Days": 5}}]}
)",
             "\"Prefix\": \"private\"", "\"Prefix\": \"cache\""},
        Form{"ConfigMapXml", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: lifecycle}
data:
  rules.xml: |
    <LifecycleConfiguration><Rule><Prefix>private</Prefix><Status>Enabled</Status>
    <Expiration><Days>5</Days></Expiration></Rule></LifecycleConfiguration>
)",
             "<Prefix>private", "<Prefix>cache"},
        Form{"McIlm", R"(apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec: {template: {spec: {containers: [{name: mc, command: [sh, -c, "mc ilm rule add --expire-days 30 store/mlpipeline"]}]}}}
)",
             "store/mlpipeline", "store/another"},
        Form{"FsConfigure", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: init}
data:
  init.sh: |
    echo start
    echo "fs.configure -locationPrefix=/buckets/mlpipeline/private-artifacts/ -ttl=30d -apply" | weed shell
)",
             "/buckets/mlpipeline/private-artifacts/", "/buckets/mlpipeline/cache/"},
        Form{"KfpRetentionDays", R"(apiVersion: v1
kind: ConfigMap
metadata: {name: pipeline-install-config}
data: {bucketName: mlpipeline, ARTIFACT_RETENTION_DAYS: "30"}
)",
             "DAYS: \"30\"", "DAYS: \"-1\""}),
    [](const auto& one) { return one.param.name; });

TEST(DoctorLifecycle, KfpsRuleConcernsItsOwnBucket) {
  // Of another bucket than Argo writes to.
  const std::string text = document(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pipeline-install-config}\n"
      "data: {bucketName: another, ARTIFACT_RETENTION_DAYS: \"30\"}\n");
  EXPECT_THAT(ids_of(examine_text(text, k90Days)), IsEmpty());
}

}  // namespace
}  // namespace logstone::doctor
