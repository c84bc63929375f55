#include "tests/local/engine/engine_fixture.h"

#include <condition_variable>
#include <mutex>
#include <sstream>

namespace logstone::local::test {

namespace fs = std::filesystem;

LocalClusterSettings EngineTest::settings() const {
  LocalClusterSettings settings;
  settings.folder = folder_.path();
  settings.shim_command = shim_command();
  return settings;
}

void EngineTest::reopen(const std::function<void(LocalClusterSettings&)>& change) {
  engine_.reset();
  auto wanted = settings();
  if (change) change(wanted);
  auto opened = LocalCluster::open(wanted);
  ASSERT_TRUE(opened) << opened.error().message();
  engine_ = *std::move(opened);
}

std::string EngineTest::submit(const std::string& yaml, const std::map<std::string, std::string>& parameters) {
  Submission submission;
  submission.yaml = folder_.own_tmp(yaml);
  submission.parameters = parameters;
  const auto submitted = engine_->submit({submission});
  EXPECT_TRUE(submitted) << submitted.error().message();
  return submitted && !submitted->empty() ? submitted->front().uid : "";
}

Workflow EngineTest::finish(const std::string& uid) {
  Workflow workflow;
  EXPECT_TRUE(wait_until([&] {
    auto got = engine_->get_workflow(uid);
    if (!got) return false;
    workflow = *std::move(got);
    return is_final(workflow.phase);
  })) << workflow.manifest_json;
  return workflow;
}

Workflow EngineTest::run(const std::string& yaml, const std::map<std::string, std::string>& parameters) {
  return finish(submit(yaml, parameters));
}

bool EngineTest::wait_gone(const std::string& uid) {
  return wait_until([&] {
    const auto got = engine_->get_workflow(uid);
    return !got && got.error().kind == ErrorKind::kNotFound && pods(uid).empty();
  });
}

Node EngineTest::node(const Workflow& workflow, const std::string& display_name) {
  for (const auto& one : workflow.nodes)
    if (one.display_name == display_name) return one;
  ADD_FAILURE() << "no node " << display_name << " in " << workflow.manifest_json;
  return {};
}

Pod EngineTest::pod_of(const std::string& uid, const std::string& node_id) {
  for (auto& pod : pods(uid))
    if (pod.node_id == node_id) return pod;
  ADD_FAILURE() << "no pod of node " << node_id;
  return {};
}

std::string EngineTest::log(const Pod& pod, const std::string& container) {
  std::mutex mutex;
  std::condition_variable changed;
  bool more = true;
  const StreamIdentity stream{pod.node_id, pod.name, pod.uid, container, 0};
  auto reader = engine_->open_log(pod.workflow_uid, stream, {}, [&] {
    const std::lock_guard lock(mutex);
    more = true;
    changed.notify_all();
  });
  EXPECT_TRUE(reader) << reader.error().message();
  if (!reader) return {};
  std::string text;
  while (true) {
    const auto batch = (*reader)->read(1 << 20);
    EXPECT_TRUE(batch) << batch.error().message();
    if (!batch) return text;
    EXPECT_FALSE(batch->gap);
    for (const auto& piece : batch->pieces) {
      text += piece.text;
      if (piece.ends_line) text += '\n';
    }
    if (batch->end) return text;
    if (!batch->pieces.empty()) continue;
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::minutes(2), [&] { return more; })) {
      ADD_FAILURE() << "the log does not end: " << text;
      return text;
    }
    more = false;
  }
}

std::string EngineTest::log(const Workflow& workflow, const std::string& display_name) {
  return log(pod_of(workflow.id.uid, node(workflow, display_name).id));
}

fs::path EngineTest::log_folder(const Pod& pod) const {
  return folder_.path() / "pods" / (pod.name_space + "_" + pod.name + "_" + pod.uid);
}

std::size_t EngineTest::entries(const std::string& name) const {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator it(folder_.path() / name, error), end; !error && it != end; it.increment(error)) ++count;
  return count;
}

std::string one_step(const std::string& script, const std::string& spec) {
  std::string yaml =
      "apiVersion: argoproj.io/v1alpha1\n"
      "kind: Workflow\n"
      "metadata: {generateName: one-}\n"
      "spec:\n"
      "  entrypoint: main\n";
  std::istringstream spec_lines(spec);
  for (std::string line; std::getline(spec_lines, line);) yaml += "  " + line + "\n";
  yaml +=
      "  templates:\n"
      "    - name: main\n"
      "      script:\n"
      "        image: debian:12\n"
      "        command: [sh]\n"
      "        source: |\n";
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line);) yaml += "          " + line + "\n";
  return yaml;
}

}  // namespace logstone::local::test
