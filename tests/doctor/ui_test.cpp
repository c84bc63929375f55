#include <gmock/gmock.h>

#include "doctor/ui_key_format.h"
#include "tests/doctor/doctor_fixture.h"

namespace logstone::doctor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kUiFormat =
    "value: \"private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
    "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}\"";
constexpr const char* kArgoFormat =
    "keyFormat: \"private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
    "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}\"";

Finding only(const std::string& text, const std::string& id) {
  const Examination examination = examine_text(text);
  EXPECT_THAT(ids_of(examination), Contains(id));
  return find_finding(examination, id);
}

TEST(DoctorUi, ArchiveOff) {
  const std::string text = spoiled(healthy_deployment(), "value: \"true\"", "value: \"false\"");
  const Finding finding = only(text, "ui-archive-off");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(text, "value: \"false\""));
  EXPECT_THAT(finding.edit, HasSubstr("- name: ARGO_ARCHIVE_LOGS\n  value: \"true\""));
}

TEST(DoctorUi, ArchiveNotSet) {
  const std::string text =
      spoiled(healthy_deployment(), "        - name: ARGO_ARCHIVE_LOGS\n          value: \"true\"\n", "");
  const Finding finding = only(text, "ui-archive-off");
  EXPECT_EQ(finding.place.line, line_of(text, "        env:"));
  EXPECT_THAT(finding.summary, HasSubstr("not set"));
}

TEST(DoctorUi, ArchiveFromAConfigMap) {
  const std::string reference = "valueFrom:\n            configMapKeyRef: {name: ui-settings, key: archive}\n";
  const std::string text = spoiled(healthy_deployment(), "value: \"true\"\n", reference);
  EXPECT_EQ(only(text, "setting-unknown").severity, Severity::kInfo);
  const std::string map =
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ui-settings, namespace: kubeflow}\n"
      "data: {archive: \"";
  EXPECT_THAT(ids_of(examine_text(text + map + "true\"}\n")), IsEmpty());
  EXPECT_THAT(ids_of(examine_text(text + map + "false\"}\n")), Contains("ui-archive-off"));
}

TEST(DoctorUi, KeyFormatLeftAtItsDefault) {
  const std::string text =
      spoiled(healthy_deployment(), std::string("        - name: ARGO_KEYFORMAT\n          ") + kUiFormat + "\n", "");
  const Finding finding = only(text, "key-format-differs");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(finding.summary, HasSubstr("artifacts/{{workflow.name}}"));
  EXPECT_THAT(finding.edit, HasSubstr("value: \"private-artifacts/{{workflow.namespace}}/{{workflow.name}}/"));
  // Then the workflow's status is the only way, and the TTL ends it.
  EXPECT_THAT(ids_of(examine_text(text)), Contains("ttl-hides-archive"));
}

TEST(DoctorUi, BlanksWithinTagsDoNotDiffer) {
  EXPECT_THAT(ids_of(examine_text(spoiled(healthy_deployment(), "keyFormat: \"private-artifacts/{{workflow.namespace}}",
                                          "keyFormat: \"private-artifacts/{{ workflow.namespace }}"))),
              IsEmpty());
}

TEST(DoctorUi, ANamespacedControllerKnowsItsNamespace) {
  const std::string text = spoiled(healthy_deployment(), "value: \"private-artifacts/{{workflow.namespace}}",
                                   "value: \"private-artifacts/kubeflow");
  EXPECT_THAT(ids_of(examine_text(text)), Contains("key-format-differs"));
  EXPECT_THAT(ids_of(examine_text(text + R"(---
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller, namespace: kubeflow}
spec: {template: {spec: {containers: [{name: workflow-controller, args: [--namespaced]}]}}}
)")),
              IsEmpty());
}

TEST(DoctorUi, KeyFormatThatTheUiCannotFill) {
  const std::string text = spoiled(healthy_deployment(), kUiFormat, "value: \"logs/{{workflow.uid}}/{{pod.name}}\"");
  const Finding finding = only(text, "key-format-unfillable");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_THAT(finding.summary, HasSubstr("{{workflow.uid}}"));
  // Argo's own format is one that the UI cannot follow: then Argo's has to change.
  const Examination argo = examine_text(
      spoiled(healthy_deployment(), kArgoFormat, "keyFormat: \"logs/{{workflow.creationTimestamp.H}}/{{pod.name}}\""));
  EXPECT_THAT(find_finding(argo, "key-format-differs").edit, HasSubstr("Change Argo's keyFormat"));
}

TEST(DoctorUi, ProblemsOfKeys) {
  EXPECT_TRUE(ui_key_problems("a/{{ workflow.name }}/{{pod.name}}").none());
  EXPECT_THAT(ui_key_problems("{{pod.name}}/{{pod.name}}").repeated, ElementsAre("{{pod.name}}"));
  EXPECT_THAT(ui_key_problems("{{workflow.creationTimestamp}}/{{node.name}}").unknown,
              ElementsAre("{{workflow.creationTimestamp}}", "{{node.name}}"));
  EXPECT_EQ(ui_key_problems("a+b=c/{{pod.name}}").characters, "+=");
  EXPECT_EQ(ui_key_problems("a}/{b").characters, "}{");
  EXPECT_THAT(ui_key_problems("{{workflow.name").unknown, ElementsAre("{{workflow.name"));
}

TEST(DoctorUi, LookupReadsOneKeyOnly) {
  const std::string repositories = R"(---
apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  namespace: team-a
  annotations:
    workflows.argoproj.io/default-artifact-repository: default-namespaced
data:
  default-namespaced: |
    archiveLogs: true
    s3:
      bucket: mlpipeline
      endpoint: seaweedfs.kubeflow.svc:9000
      insecure: true
      useSDKCreds: true
      keyFormat: "other/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{pod.name}}"
)";
  const std::string lookup = spoiled(healthy_deployment(), "        - name: ARGO_ARCHIVE_BUCKETNAME",
                                     "        - name: ARGO_ARTIFACT_REPOSITORIES_LOOKUP\n          value: \"true\"\n"
                                     "        - name: ARGO_ARCHIVE_BUCKETNAME");
  EXPECT_THAT(ids_of(examine_text(lookup + repositories)), Contains("key-format-differs"));
  std::string named = spoiled(repositories, "  default-namespaced: |", "  artifact-repositories: |");
  named = spoiled(named, "default-artifact-repository: default-namespaced",
                  "default-artifact-repository: artifact-repositories");
  EXPECT_THAT(ids_of(examine_text(lookup + named)), IsEmpty());
  // Without the lookup it is ARGO_KEYFORMAT again.
  EXPECT_THAT(ids_of(examine_text(healthy_deployment() + named)),
              ElementsAre("key-format-differs", ::testing::_, ::testing::_));
}

TEST(DoctorUi, BucketDiffers) {
  const std::string text = spoiled(healthy_deployment(), "value: mlpipeline", "value: elsewhere");
  const Finding finding = only(text, "bucket-differs");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(text, "value: elsewhere"));
}

TEST(DoctorUi, EndpointDiffers) {
  const std::string text = spoiled(healthy_deployment(), "value: seaweedfs", "value: minio-service");
  const Finding finding = only(text, "endpoint-differs");
  EXPECT_EQ(finding.severity, Severity::kWarning);
  EXPECT_THAT(finding.summary, HasSubstr("minio-service.kubeflow:9000"));
  const auto service = [](const std::string& name) {
    return "---\napiVersion: v1\nkind: Service\nmetadata: {name: " + name +
           ", namespace: kubeflow}\nspec: {selector: {app: store}, ports: [{port: 9000, targetPort: 8333}]}\n";
  };
  EXPECT_THAT(ids_of(examine_text(text + service("minio-service"))), Contains("endpoint-differs"));
  EXPECT_THAT(ids_of(examine_text(text + service("minio-service") + service("seaweedfs"))), IsEmpty());
}

TEST(DoctorUi, StoreOfAnotherKind) {
  const std::string text = spoiled(healthy_deployment(), "    s3:\n", "    gcs:\n");
  EXPECT_EQ(only(text, "store-kind-differs").severity, Severity::kError);
  std::string mended = spoiled(text, "- name: MINIO_HOST\n          value: seaweedfs",
                               "- name: ARGO_ARCHIVE_ARTIFACTORY\n          value: s3\n"
                               "        - name: AWS_S3_ENDPOINT\n          value: storage.googleapis.com");
  EXPECT_THAT(ids_of(examine_text(mended)), IsEmpty());
  const std::string plugin = spoiled(healthy_deployment(), "    s3:\n", "    plugin:\n");
  EXPECT_EQ(only(plugin, "store-kind-differs").severity, Severity::kError);
}

TEST(DoctorUi, GkeMetadata) {
  const std::string off = "- name: DISABLE_GKE_METADATA\n          value: \"true\"";
  const std::string on = spoiled(healthy_deployment(), off, "- name: DISABLE_GKE_METADATA\n          value: \"false\"");
  EXPECT_EQ(only(on, "gke-metadata-on").severity, Severity::kWarning);
  EXPECT_EQ(only(spoiled(healthy_deployment(), "        " + off + "\n", ""), "gke-metadata-default").severity,
            Severity::kInfo);
  const std::string gke = on +
                          "---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: x\n  annotations:\n"
                          "    iam.gke.io/gcp-service-account: x@y.iam.gserviceaccount.com\n";
  EXPECT_THAT(ids_of(examine_text(gke)), IsEmpty());
}

std::string with_variable(const std::string& name, const std::string& value) {
  return spoiled(
      healthy_deployment(), "        - name: DISABLE_GKE_METADATA",
      "        - name: " + name + "\n          value: \"" + value + "\"\n        - name: DISABLE_GKE_METADATA");
}

TEST(DoctorUi, OtherSettings) {
  EXPECT_EQ(only(with_variable("POD_LOG_CONTAINER_NAME", "step"), "log-container-name").severity, Severity::kWarning);
  EXPECT_THAT(ids_of(examine_text(with_variable("POD_LOG_CONTAINER_NAME", "main"))), IsEmpty());
  EXPECT_EQ(only(with_variable("STREAM_LOGS_FROM_SERVER_API", "true"), "logs-from-api-server").severity,
            Severity::kWarning);
  EXPECT_THAT(ids_of(examine_text(with_variable("STREAM_LOGS_FROM_SERVER_API", "false"))), IsEmpty());
  const std::string many = with_variable("DEPLOYMENT", "KUBEFLOW");
  EXPECT_EQ(only(many, "authz-off").severity, Severity::kWarning);
  EXPECT_THAT(ids_of(examine_text(spoiled(many, "        - name: DEPLOYMENT",
                                          "        - name: ENABLE_AUTHZ\n          value: \"true\"\n"
                                          "        - name: DEPLOYMENT"))),
              IsEmpty());
}

TEST(DoctorUi, WithoutTheController) {
  const std::string text = healthy_deployment();
  const Examination examination = examine_text(text.substr(text.find("kind: Secret") - 16));
  EXPECT_EQ(find_finding(examination, "controller-missing").severity, Severity::kInfo);
  EXPECT_EQ(find_finding(examination, "ttl-archive-unknown").severity, Severity::kWarning);
  EXPECT_FALSE(examination.has_errors());
}

TEST(DoctorUi, TheArtifactServersOfNamespacesAreNoUi) {
  const std::string text = healthy_deployment() + R"(---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ml-pipeline-ui-artifact, namespace: team-a}
spec: {template: {spec: {containers: [{name: ml-pipeline-ui-artifact, image: kfp-frontend}]}}}
)";
  EXPECT_THAT(ids_of(examine_text(text)), IsEmpty());
}

}  // namespace
}  // namespace logstone::doctor
