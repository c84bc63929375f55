// The tests' program is also their shim, and the engine that they kill: it starts itself again with other arguments.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "base/file.h"
#include "cluster/local/local_cluster.h"

namespace {

/// Runs an engine on a folder until it is killed; submits the folder's `submit.yaml`, if there is something in it.
int run_engine(const std::string& folder) {
  logstone::LocalClusterSettings settings;
  settings.folder = folder;
  settings.shim_command = {"/proc/self/exe", "pod-shim"};
  auto engine = logstone::LocalCluster::open(settings);
  if (!engine) return 1;
  logstone::Submission submission;
  submission.yaml = logstone::read_file(settings.folder / "submit.yaml").value_or("");
  if (!submission.yaml.empty() && !(*engine)->submit({submission})) return 2;
  while (true) ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "pod-shim") == 0) return logstone::run_pod_shim(argv[2]);
  if (argc == 3 && std::strcmp(argv[1], "engine") == 0) return run_engine(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
