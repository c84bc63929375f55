// The tests' program is also their shim: the engine starts it again with this first argument.
#include <gtest/gtest.h>

#include <cstring>

#include "cluster/local/local_cluster.h"

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "pod-shim") == 0) return logstone::run_pod_shim(argv[2]);
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
