#include "tests/doctor/doctor_fixture.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

namespace logstone::doctor {

std::string healthy_deployment() {
  return R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: workflow-controller-configmap
  namespace: kubeflow
data:
  artifactRepository: |
    archiveLogs: true
    s3:
      endpoint: "seaweedfs.kubeflow.svc:9000"
      insecure: true
      bucket: mlpipeline
      keyFormat: "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}"
      accessKeySecret:
        name: store-keys
        key: accesskey
      secretKeySecret:
        name: store-keys
        key: secretkey
  workflowDefaults: |
    spec:
      ttlStrategy:
        secondsAfterCompletion: 3600
---
apiVersion: v1
kind: Secret
metadata:
  name: store-keys
  namespace: kubeflow
stringData:
  accesskey: one
  secretkey: two
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ml-pipeline-ui
  namespace: kubeflow
spec:
  template:
    spec:
      containers:
      - name: ml-pipeline-ui
        env:
        - name: ARGO_ARCHIVE_LOGS
          value: "true"
        - name: ARGO_KEYFORMAT
          value: "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}"
        - name: ARGO_ARCHIVE_BUCKETNAME
          value: mlpipeline
        - name: MINIO_HOST
          value: seaweedfs
        - name: MINIO_ACCESS_KEY
          valueFrom:
            secretKeyRef:
              name: store-keys
              key: accesskey
        - name: DISABLE_GKE_METADATA
          value: "true"
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ml-pipeline-persistenceagent
  namespace: kubeflow
spec:
  template:
    spec:
      containers:
      - name: ml-pipeline-persistenceagent
        env:
        - name: TTL_SECONDS_AFTER_WORKFLOW_FINISH
          value: "86400"
)";
}

std::string spoiled(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "the fixture has no " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

Examination examine_text(const std::string& text, const WantedRetention& wanted) {
  auto examination = examine({"-"}, text, wanted);
  if (!examination) {
    ADD_FAILURE() << examination.error().message();
    return {};
  }
  return *std::move(examination);
}

std::vector<std::string> ids_of(const Examination& examination) {
  std::vector<std::string> ids;
  for (const Finding& finding : examination.findings) ids.push_back(finding.id);
  return ids;
}

Finding find_finding(const Examination& examination, const std::string& id) {
  const auto found = std::find_if(examination.findings.begin(), examination.findings.end(),
                                  [&](const Finding& finding) { return finding.id == id; });
  if (found != examination.findings.end()) return *found;
  std::string all;
  for (const std::string& one : ids_of(examination)) all += one + ' ';
  ADD_FAILURE() << "no finding " << id << " among: " << all;
  return {};
}

int line_of(const std::string& text, const std::string& part) {
  const std::size_t at = text.find(part);
  if (at == std::string::npos) return -1;
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "logstone-doctor-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void TempFolder::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << text;
}

std::string TempFolder::path(const std::string& name) const { return (name.empty() ? path_ : path_ / name).string(); }

}  // namespace logstone::doctor
