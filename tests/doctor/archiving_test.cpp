#include <gmock/gmock.h>

#include "tests/doctor/doctor_fixture.h"

namespace logstone::doctor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Doctor, HealthyDeploymentHasNoFinding) {
  const Examination examination = examine_text(healthy_deployment());
  EXPECT_THAT(ids_of(examination), IsEmpty());
  EXPECT_FALSE(examination.has_errors());
  EXPECT_EQ(examination.documents, 4u);
}

TEST(Doctor, ArchiveLogsOff) {
  const std::string text = spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: false");
  const Examination examination = examine_text(text);
  const Finding finding = find_finding(examination, "archive-logs-off");
  EXPECT_EQ(finding.severity, Severity::kError);
  EXPECT_EQ(finding.place.line, line_of(text, "archiveLogs: false"));
  EXPECT_THAT(finding.edit, HasSubstr("archiveLogs: true"));
  EXPECT_TRUE(examination.has_errors());
  // Nothing archives, so that the TTL, of the defaults and of the persistence agent, deletes the only copy.
  EXPECT_EQ(find_finding(examination, "ttl-before-archive").severity, Severity::kError);
}

TEST(Doctor, ArchiveLogsInWorkflowDefaultsIsEnough) {
  std::string text = spoiled(healthy_deployment(), "    archiveLogs: true\n", "");
  EXPECT_THAT(ids_of(examine_text(text)), Contains("archive-logs-off"));
  text = spoiled(text, "    spec:\n      ttlStrategy", "    spec:\n      archiveLogs: true\n      ttlStrategy");
  EXPECT_THAT(ids_of(examine_text(text)), IsEmpty());
}

TEST(Doctor, NoArtifactRepository) {
  const std::string text = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
)";
  EXPECT_EQ(find_finding(examine_text(text), "no-artifact-repository").severity, Severity::kError);
  // A namespace with a repository of its own is not concerned: the others may be.
  const std::string with_namespace = text + R"(---
apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  annotations: {workflows.argoproj.io/default-artifact-repository: v1}
data:
  v1: |
    archiveLogs: true
    gcs: {bucket: b, keyFormat: "{{workflow.uid}}/{{pod.name}}"}
)";
  EXPECT_EQ(find_finding(examine_text(with_namespace), "no-artifact-repository").severity, Severity::kWarning);
}

TEST(Doctor, RepositoryThatIsNoYaml) {
  const Examination examination =
      examine_text(spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: [true"));
  EXPECT_EQ(find_finding(examination, "config-unreadable").severity, Severity::kError);
  EXPECT_THAT(ids_of(examination), Not(Contains("no-artifact-repository")));
}

TEST(Doctor, ControllerConfigInOneKey) {
  const std::string text = R"(
apiVersion: v1
kind: ConfigMap
metadata: {name: argo-workflow-controller-configmap}
data:
  config: |
    artifactRepository:
      archiveLogs: false
      s3: {bucket: b, endpoint: s3.amazonaws.com, useSDKCreds: true, keyFormat: "{{workflow.uid}}/{{pod.name}}"}
)";
  const Finding finding = find_finding(examine_text(text), "archive-logs-off");
  EXPECT_EQ(finding.place.line, line_of(text, "archiveLogs: false"));
  EXPECT_THAT(ids_of(examine_text(spoiled(text, "archiveLogs: false", "archiveLogs: true"))), IsEmpty());
}

TEST(Doctor, NamespaceRepositoryThatDoesNotArchive) {
  const std::string text = healthy_deployment() + R"(---
apiVersion: v1
kind: ConfigMap
metadata:
  name: artifact-repositories
  namespace: team-a
  annotations:
    workflows.argoproj.io/default-artifact-repository: minio
data:
  minio: |
    archiveLogs: false
    s3:
      bucket: mlpipeline
      endpoint: seaweedfs.kubeflow.svc:9000
      insecure: true
      useSDKCreds: true
      keyFormat: "private-artifacts/team-a/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}"
)";
  const Finding finding = find_finding(examine_text(text), "archive-logs-off");
  EXPECT_EQ(finding.place.line, line_of(text, "archiveLogs: false"));
  // For that namespace the written-out format is the UI's.
  EXPECT_THAT(ids_of(examine_text(spoiled(text, "archiveLogs: false", "archiveLogs: true"))), IsEmpty());
}

TEST(Doctor, WorkflowThatArchivesNot) {
  const std::string workflow = R"(---
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: w, namespace: kubeflow}
spec:
  archiveLogs: false
  templates:
  - name: main
    archiveLocation:
      archiveLogs: false
)";
  // The repository's word wins while it is true.
  EXPECT_THAT(ids_of(examine_text(healthy_deployment() + workflow)), IsEmpty());
  const Examination off =
      examine_text(spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: false") + workflow);
  EXPECT_EQ(find_finding(off, "workflow-archive-off").severity, Severity::kError);
  const Examination alone = examine_text(workflow);
  EXPECT_EQ(find_finding(alone, "workflow-archive-off").severity, Severity::kWarning);
}

TEST(Doctor, KeyFormats) {
  const std::string format =
      "keyFormat: \"private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/"
      "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}\"";
  const auto with = [&](const std::string& other) {
    return examine_text(spoiled(healthy_deployment(), format, "keyFormat: \"" + other + '"'));
  };
  EXPECT_EQ(find_finding(with("{{workflow.name}}/{{workflow.uid}}"), "key-format-shared").severity, Severity::kError);
  EXPECT_EQ(find_finding(with("{{workflow.name}}/{{pod.name}}"), "key-format-repeats").severity, Severity::kInfo);
  EXPECT_EQ(find_finding(with("{{workflow.nam}}/{{pod.name}}"), "key-format-invalid").severity, Severity::kError);
}

TEST(Doctor, BareControllerDeploymentHasNoRepository) {
  const std::string text = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: workflow-controller}
spec: {template: {spec: {containers: [{name: workflow-controller, image: x}]}}}
)";
  EXPECT_THAT(ids_of(examine_text(text)), ElementsAre("no-artifact-repository"));
}

TEST(Doctor, ListsOfObjectsAreTakenApart) {
  const std::string text = R"({"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "workflow-controller-configmap"},
   "data": {"artifactRepository": "archiveLogs: false\ns3: {bucket: b, endpoint: e, useSDKCreds: true}\n"}}]})";
  const Examination examination = examine_text(text);
  EXPECT_EQ(find_finding(examination, "archive-logs-off").place.line, 3);
  EXPECT_THAT(ids_of(examination), Not(Contains("secret-missing")));
}

}  // namespace
}  // namespace logstone::doctor
