#include "doctor/kustomization.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/doctor/doctor_fixture.h"

namespace logstone::doctor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

Examination examine_folder(const TempFolder& folder, const std::string& name = "") {
  auto examination = examine({folder.path(name)}, "", {});
  if (!examination) {
    ADD_FAILURE() << examination.error().message();
    return {};
  }
  return *std::move(examination);
}

/// The healthy deployment as a base, and overlays that change it.
class DoctorKustomization : public ::testing::Test {
 protected:
  DoctorKustomization() {
    folder_.write("base/all.yaml", healthy_deployment());
    folder_.write("base/kustomization.yaml", "resources: [all.yaml]\n");
  }
  void overlay(const std::string& text) { folder_.write("prod/kustomization.yaml", "resources: [../base]\n" + text); }
  Examination examine_overlay() { return examine_folder(folder_, "prod"); }

  TempFolder folder_;
};

TEST_F(DoctorKustomization, BaseIsNoDeploymentBesideItsOverlay) {
  overlay("");
  folder_.write("base/unused.yaml", "kind: ConfigMap\nmetadata: {name: x}\n");
  const Examination examination = examine_folder(folder_);
  EXPECT_THAT(examination.deployments, ElementsAre(EndsWith("prod")));
  EXPECT_THAT(ids_of(examination), IsEmpty());
  EXPECT_EQ(examination.unused, 1u);
}

TEST_F(DoctorKustomization, StrategicMergePatchInAFile) {
  overlay("patches:\n- path: ui.yaml\n");
  const std::string patch = R"(apiVersion: apps/v1
kind: Deployment
metadata: {name: ml-pipeline-ui}
spec:
  template:
    spec:
      containers:
      - name: ml-pipeline-ui
        env:
        - name: ARGO_ARCHIVE_LOGS
          value: "false"
)";
  folder_.write("prod/ui.yaml", patch);
  const Finding finding = find_finding(examine_overlay(), "ui-archive-off");
  EXPECT_THAT(finding.place.file_name(), EndsWith("prod/ui.yaml"));
  EXPECT_EQ(finding.place.line, line_of(patch, "value: \"false\""));
  // The other variables are still there.
  EXPECT_THAT(ids_of(examine_overlay()), Not(Contains("bucket-differs")));
}

TEST_F(DoctorKustomization, InlinePatchWithItsLines) {
  const std::string text = R"(patches:
- patch: |-
    kind: ConfigMap
    apiVersion: v1
    metadata:
      name: workflow-controller-configmap
    data:
      artifactRepository: |
        archiveLogs: false
        s3: {bucket: mlpipeline, endpoint: "seaweedfs.kubeflow:9000", insecure: true, keyFormat: 'x/{{workflow.uid}}/{{pod.name}}'}
)";
  overlay(text);
  const Finding finding = find_finding(examine_overlay(), "archive-logs-off");
  EXPECT_THAT(finding.place.file_name(), EndsWith("prod/kustomization.yaml"));
  EXPECT_EQ(finding.place.line, 1 + line_of(text, "archiveLogs: false"));
}

TEST_F(DoctorKustomization, JsonPatches) {
  overlay(R"(patches:
- target: {kind: Deployment, name: ml-pipeline-.*}
  patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/env/0/value
      value: "no"
patchesJson6902:
- target: {version: v1, kind: Secret, name: store-keys}
  path: keys.json
)");
  folder_.write(
      "prod/keys.json",
      R"([{"op": "remove", "path": "/stringData/secretkey"}, {"op": "add", "path": "/stringData/a~1b", "value": "x"}])");
  const Examination examination = examine_overlay();
  EXPECT_THAT(find_finding(examination, "ui-archive-off").summary, HasSubstr("is no"));
  EXPECT_THAT(find_finding(examination, "secret-key-missing").summary, HasSubstr("a/b, accesskey"));
}

TEST_F(DoctorKustomization, DeletedObjectsAreGone) {
  overlay(R"(patchesStrategicMerge:
- |-
  apiVersion: v1
  kind: Secret
  metadata: {name: store-keys}
  $patch: delete
)");
  EXPECT_THAT(ids_of(examine_overlay()), Contains("secret-missing"));
}

TEST_F(DoctorKustomization, NullTakesAwayAndValueFromReplacesValue) {
  overlay(R"(patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ml-pipeline-ui}
    spec:
      template:
        spec:
          containers:
          - name: ml-pipeline-ui
            env:
            - name: ARGO_KEYFORMAT
              $patch: delete
            - name: ARGO_ARCHIVE_LOGS
              valueFrom: {configMapKeyRef: {name: ui, key: archive}}
configMapGenerator:
- name: ui
  literals: [archive=false]
)");
  const Examination examination = examine_overlay();
  EXPECT_THAT(find_finding(examination, "ui-archive-off").place.file_name(), EndsWith("prod/kustomization.yaml"));
  EXPECT_THAT(find_finding(examination, "key-format-differs").summary, HasSubstr("not set"));
}

TEST_F(DoctorKustomization, GeneratorsMergeEnvironmentFiles) {
  folder_.write("base/kustomization.yaml",
                "resources: [all.yaml]\nconfigMapGenerator:\n- name: ui\n  literals: ['archive=\"true\"', other=1]\n"
                "secretGenerator:\n- name: more\n  files: [key=key.txt]\n");
  folder_.write("base/key.txt", "x");
  overlay(R"(patches:
- patch: |-
    [{"op": "replace", "path": "/spec/template/spec/containers/0/env/0",
      "value": {"name": "ARGO_ARCHIVE_LOGS", "valueFrom": {"configMapKeyRef": {"name": "ui", "key": "archive"}}}}]
  target: {kind: Deployment, name: ml-pipeline-ui}
configMapGenerator:
- name: ui
  behavior: merge
  envs: [ui.env]
)");
  folder_.write("prod/ui.env", "# none\nunrelated=1\n");
  EXPECT_THAT(ids_of(examine_overlay()), IsEmpty());
  folder_.write("prod/ui.env", "# off\narchive=false\n");
  const Finding finding = find_finding(examine_overlay(), "ui-archive-off");
  EXPECT_THAT(finding.place.file_name(), EndsWith("prod/ui.env"));
  EXPECT_EQ(finding.place.line, 2);
}

TEST_F(DoctorKustomization, NamespaceMovesAll) {
  overlay("namespace: team\n");
  // UI and Secret move together; the addresses in texts do not.
  const Examination examination = examine_overlay();
  EXPECT_THAT(ids_of(examination), Not(Contains("secret-other-namespace")));
  EXPECT_THAT(ids_of(examination), Not(Contains("key-format-differs")));
}

TEST_F(DoctorKustomization, NamePrefixLeavesTextsBehind) {
  overlay("namePrefix: dev-\nnameSuffix: -1\n");
  const Examination examination = examine_overlay();
  // Kustomize renames the Secret and the UI's reference, but not the name within the ConfigMap's text.
  EXPECT_THAT(ids_of(examination), IsEmpty());
  ManifestFiles files;
  const auto built = build_kustomization(files, folder_.path("prod"));
  const auto ui = std::find_if(built.resources.begin(), built.resources.end(),
                               [](const Resource& one) { return one.name() == "dev-ml-pipeline-ui-1"; });
  ASSERT_NE(ui, built.resources.end());
  const Node& variable = ui->root.at({"spec", "template", "spec", "containers"})->items[0].at({"env"})->items[4];
  EXPECT_EQ(variable.text_at({"valueFrom", "secretKeyRef", "name"}), "dev-store-keys-1");
}

TEST_F(DoctorKustomization, ReplacementsAndVars) {
  folder_.write("base/all.yaml", spoiled(healthy_deployment(), "bucket: mlpipeline", "bucket: \"$(bucket)\""));
  overlay("resources: []\n");
  // Nobody replaces it: it is not judged.
  EXPECT_THAT(ids_of(examine_folder(folder_, "base")), IsEmpty());
  const std::string config = "configMapGenerator:\n- name: install\n  literals: [bucketName=other]\n";
  overlay(config + R"(replacements:
- source: {kind: ConfigMap, name: install, fieldPath: data.bucketName}
  targets:
  - select: {kind: ConfigMap, name: workflow-controller-configmap}
    fieldPaths: [data.artifactRepository]
    options: {delimiter: '"', index: 3}
)");
  EXPECT_THAT(find_finding(examine_overlay(), "bucket-differs").summary, HasSubstr("writes to other"));
  overlay(config +
          "vars:\n- name: bucket\n  objref: {kind: ConfigMap, name: install, apiVersion: v1}\n"
          "  fieldref: {fieldpath: data.bucketName}\n");
  EXPECT_THAT(find_finding(examine_overlay(), "bucket-differs").summary, HasSubstr("writes to other"));
}

TEST_F(DoctorKustomization, ComponentsWorkOnWhatIsThere) {
  folder_.write("extra/kustomization.yaml",
                "kind: Component\npatches:\n- target: {kind: Deployment, name: ml-pipeline-ui}\n  patch: |-\n"
                "    - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: \"false\"}\n");
  overlay("components: [../extra]\n");
  EXPECT_THAT(ids_of(examine_overlay()), Contains("ui-archive-off"));
  EXPECT_THAT(examine_folder(folder_).deployments, SizeIs(1));
}

TEST_F(DoctorKustomization, PatchesOfWhatIsElsewhereAreRead) {
  folder_.write(
      "remote/kustomization.yaml",
      "resources:\n- https://github.com/argoproj/argo-workflows/manifests/base?ref=v4.0.0\npatches:\n- path: c.yaml\n");
  folder_.write(
      "remote/c.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: workflow-controller-configmap}\ndata:\n"
      "  artifactRepository: |\n    archiveLogs: false\n    s3: {bucket: b, endpoint: e, useSDKCreds: true}\n");
  const Examination examination = examine_folder(folder_, "remote");
  EXPECT_EQ(find_finding(examination, "remote-resource").place.line, 2);
  EXPECT_EQ(find_finding(examination, "archive-logs-off").place.line, 6);
}

TEST_F(DoctorKustomization, WhatIsMissingIsTold) {
  overlay(
      "patches:\n- path: nowhere.yaml\n- patch: |-\n    kind: ConfigMap\n    metadata: {name: unknown}\n"
      "configMapGenerator:\n- name: x\n  files: [gone.txt]\n");
  const Examination examination = examine_overlay();
  EXPECT_THAT(ids_of(examination), Contains("kustomization-incomplete").Times(2));
  EXPECT_THAT(ids_of(examination), Contains("patch-not-applied"));
}

TEST_F(DoctorKustomization, CirclesEnd) {
  folder_.write("a/kustomization.yaml", "resources: [../b]\n");
  folder_.write("b/kustomization.yaml", "resources: [../a]\n");
  const Examination examination = examine_folder(folder_, "a");
  EXPECT_THAT(ids_of(examination), Contains("kustomization-incomplete"));
}

TEST_F(DoctorKustomization, WorkflowsAndRulesBesideBelongToIt) {
  overlay("");
  folder_.write("flows/w.yaml",
                "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: w, namespace: kubeflow}\n"
                "spec: {artifactGC: {strategy: OnWorkflowDeletion}}\n");
  folder_.write("flows/rules.json", R"({"Rules": [{"Expiration": {"Days": 3}}]})");
  const auto examination = examine({folder_.path("prod"), folder_.path("flows")}, "", {});
  ASSERT_TRUE(examination);
  EXPECT_THAT(examination->deployments, SizeIs(1));
  EXPECT_THAT(ids_of(*examination), ElementsAre("artifact-gc-deletes-logs", "lifecycle-expires"));
}

TEST(DoctorReading, FilesThatDefineTheSameAreDeploymentsOfTheirOwn) {
  TempFolder folder;
  folder.write("one.yaml", healthy_deployment());
  folder.write("two.yaml", spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: false"));
  const Examination examination = examine_folder(folder);
  EXPECT_THAT(examination.deployments, SizeIs(2));
  EXPECT_THAT(find_finding(examination, "archive-logs-off").deployments, ElementsAre(EndsWith("two.yaml")));
}

TEST(DoctorReading, BrokenDocumentsTakeNoOtherWithThem) {
  const std::string text = "a: [\n" +
                           std::string("---\n{{- if .Values.on }}\nkind: {{ .Values.kind }}\n{{- end }}\n---\n") +
                           spoiled(healthy_deployment(), "archiveLogs: true", "archiveLogs: false");
  const Examination examination = examine_text(text);
  EXPECT_EQ(find_finding(examination, "unreadable").severity, Severity::kWarning);
  EXPECT_EQ(find_finding(examination, "helm-template").severity, Severity::kInfo);
  EXPECT_EQ(find_finding(examination, "archive-logs-off").place.line, line_of(text, "archiveLogs: false"));
}

TEST(DoctorReading, ChartsAreForHelm) {
  TempFolder folder;
  folder.write("chart/Chart.yaml", "name: x\n");
  folder.write("chart/templates/a.yaml", "{{- if .Values.a }}\nkind: ConfigMap\n{{- end }}\n");
  const Examination examination = examine_folder(folder);
  EXPECT_THAT(ids_of(examination), ElementsAre("helm-chart"));
  EXPECT_THAT(examination.findings[0].edit, HasSubstr("helm template"));
}

TEST(DoctorReading, NothingToRead) {
  TempFolder folder;
  folder.write("notes.yaml", "just words\n");
  for (const std::string& path : {folder.path("notes.yaml"), folder.path("gone.yaml"), folder.path()}) {
    const auto examination = examine({path}, "", {});
    ASSERT_FALSE(examination) << path;
    EXPECT_TRUE(examination.error().kind == ErrorKind::kInvalidInput ||
                examination.error().kind == ErrorKind::kNotFound);
    EXPECT_FALSE(examination.error().reason.empty());
  }
  EXPECT_EQ(examine({"-"}, "", {}).error().kind, ErrorKind::kInvalidInput);
  EXPECT_EQ(examine({folder.path("gone.yaml")}, "", {}).error().kind, ErrorKind::kInvalidInput);
}

TEST(DoctorReading, AliasesAndMergeKeys) {
  const auto documents = read_documents("base: &b {a: 1, c: 2}\nuse:\n  <<: *b\n  c: 3\n", Place{});
  ASSERT_THAT(documents, SizeIs(1));
  EXPECT_EQ(documents[0].root.text_at({"use", "a"}), "1");
  EXPECT_EQ(documents[0].root.text_at({"use", "c"}), "3");
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  EXPECT_THAT(read_documents(bomb, Place{})[0].problem, HasSubstr("million"));
}

TEST(DoctorReading, JsonIsDocumented) {
  const Examination examination =
      examine_text(spoiled(healthy_deployment(), "value: mlpipeline", "value: \"a\\xffb\""));
  const std::string json = to_json(examination);
  for (const char* part : {"\"errors\": 1", "\"id\": \"bucket-differs\"", "\"severity\": \"error\"",
                           "\"line\": ", "\"file\": \"(standard input)\"", "\"deployments\": ["}) {
    EXPECT_THAT(json, HasSubstr(part));
  }
}

}  // namespace
}  // namespace logstone::doctor
