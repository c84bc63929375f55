#!/usr/bin/env bash
# The unit tests and fuzzers once more under ASan+UBSan (`asan`), what has threads once more under TSan (`tsan`); both
# without an argument.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
export LOGSTONE_FUZZ_RUNS=${LOGSTONE_FUZZ_RUNS:-2000}
threaded=(store catalog archive nodefiles local_engine agent serve)

which=${1:-both}

if [[ $which != tsan ]]; then
  cmake --preset asan
  cmake --build build/asan -j "$jobs"
  ctest --test-dir build/asan --output-on-failure -j 2 -L unit
fi

if [[ $which != asan ]]; then
  cmake --preset tsan
  cmake --build build/tsan -j "$jobs" --target "${threaded[@]/%/_test}"
  ctest --test-dir build/tsan --output-on-failure -j 2 -R "^($(IFS='|'; echo "${threaded[*]}"))\$"
fi
