// What the tests of the whole engine share: an engine on a folder of its own, and what to wait for.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/local/local_cluster.h"
#include "tests/local/engine/pod_fixture.h"

namespace logstone::local::test {

class EngineTest : public ::testing::Test {
 protected:
  [[nodiscard]] LocalClusterSettings settings() const;
  void SetUp() override { reopen(); }
  /// Ends the engine, if one runs, and starts one on the same folder.
  void reopen(const std::function<void(LocalClusterSettings&)>& change = {});
  /// Submits one manifest; its (first) workflow's uid.
  std::string submit(const std::string& yaml, const std::map<std::string, std::string>& parameters = {});
  /// Waits until it has a final phase.
  Workflow finish(const std::string& uid);
  Workflow run(const std::string& yaml, const std::map<std::string, std::string>& parameters = {});
  [[nodiscard]] bool wait_gone(const std::string& uid);
  [[nodiscard]] std::vector<Pod> pods(const std::string& uid) {
    return engine_->list_pods(uid).value_or(std::vector<Pod>{});
  }
  /// The one node with this display name.
  [[nodiscard]] static Node node(const Workflow& workflow, const std::string& display_name);
  /// The log of a pod's container, read through the engine to its end.
  [[nodiscard]] std::string log(const Pod& pod, const std::string& container = "main");
  [[nodiscard]] std::string log(const Workflow& workflow, const std::string& display_name);
  [[nodiscard]] Pod pod_of(const std::string& uid, const std::string& node_id);
  [[nodiscard]] std::filesystem::path log_folder(const Pod& pod) const;
  /// Files and folders below a folder of the engine's.
  [[nodiscard]] std::size_t entries(const std::string& name) const;

  TempFolder folder_;
  TempFolder shared_{"/var/tmp"};  ///< Pods see it; what is below /tmp is their own.
  std::unique_ptr<LocalCluster> engine_;
};

/// A workflow of one template `main`, whose body is given without its indentation.
[[nodiscard]] std::string one_step(const std::string& script, const std::string& spec = "");

}  // namespace logstone::local::test
