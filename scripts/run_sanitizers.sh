#!/usr/bin/env bash
# The unit tests once more under ASan+UBSan and under TSan.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
export LOGSTONE_FUZZ_RUNS=${LOGSTONE_FUZZ_RUNS:-2000}

for preset in asan tsan; do
  cmake --preset "$preset"
  cmake --build "build/$preset" -j "$jobs"
  ctest --test-dir "build/$preset" --output-on-failure -j 2 -L unit
done
