#include "model/key_values.h"

#include <gtest/gtest.h>

#include "model/argo_names.h"

namespace logstone {
namespace {

Node node(const std::string& id, const std::string& name, const std::string& type) {
  Node out;
  out.id = id;
  out.name = name;
  out.type = type;
  out.template_name = "work";
  return out;
}

WorkflowRecord sample() {
  WorkflowRecord record;
  record.id = {"c", "team-a", "wf", "u-1"};
  record.created = *parse_rfc3339("2026-01-31T23:59:58Z");
  record.labels = {{"app.kubernetes.io/part-of", "shop"}};
  record.annotations = {{"a/b", "x y"}};
  record.nodes = {node("wf-1", "wf.a", "Retry"), node("wf-3", "wf.a(1)", "Pod"), node("wf-4", "wf.b(7)", "Pod")};
  record.nodes[0].children = {"wf-2", "wf-3"};
  record.nodes[2].pod_name = "pod-of-b";
  record.manifest_json = R"({
    "spec": {"entrypoint": "main", "priority": 7, "arguments": {"parameters": [{"name": "p", "value": "1"}, {}]}},
    "status": {"storedWorkflowTemplateSpec": {"serviceAccountName": "sa", "entrypoint": "other"},
               "nodes": {"wf-3": {"inputs": {"parameters": [{"name": "i", "value": "z"}]}}}}})";
  return record;
}

TEST(KeyValuesTest, EveryTag) {
  const WorkflowRecord record = sample();
  const TagValues values = pod_key_values(record, argo_pod_name("wf", "wf.a(1)", "work"));
  const auto format = KeyFormat::parse(
      "{{workflow.namespace}}/{{workflow.name}}/{{workflow.uid}}/{{workflow.labels.app.kubernetes.io/part-of}}/"
      "{{workflow.annotations.a/b}}/{{workflow.parameters.p}}/{{workflow.serviceAccountName}}/"
      "{{workflow.mainEntrypoint}}/{{workflow.priority}}/{{workflow.creationTimestamp.s}}/{{node.name}}/{{retries}}/"
      "{{inputs.parameters.i}}");
  EXPECT_EQ(*format->render(values), "team-a/wf/u-1/shop/x y/1/sa/main/7/1769903998/wf.a(1)/1/z");
}

TEST(KeyValuesTest, WithoutManifestOrNode) {
  WorkflowRecord record = sample();
  record.manifest_json = "{";
  const TagValues values = pod_key_values(record, "pod-of-b");
  EXPECT_EQ(values.at("node.name"), "wf.b(7)");
  EXPECT_FALSE(values.contains("retries"));  // Of a loop, not an attempt.
  EXPECT_FALSE(values.contains("workflow.mainEntrypoint"));
  EXPECT_FALSE(pod_key_values(record, "other").contains("node.name"));
  record.created = {};
  EXPECT_FALSE(workflow_key_values(record).contains("workflow.creationTimestamp.Y"));
}

}  // namespace
}  // namespace logstone
