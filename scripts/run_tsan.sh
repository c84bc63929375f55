#!/usr/bin/env bash
# What has threads once more under TSan: all of it (`make sanitize`), or the suites that are named, as CI does.
# ASan+UBSan are on in `make test` already.
set -euo pipefail
cd "$(dirname "$0")/.."
threaded=("$@")
if [[ $# -eq 0 ]]; then
  threaded=(store catalog archive nodefiles local_engine agent serve)
fi

# The archive's tests that have one thread: TSan would see nothing in them for minutes.
export GTEST_FILTER='-SegmentProperty.*:SegmentDamage.*:BlockEntries.*:LogView.*'

cmake --preset tsan
cmake --build build/tsan -j "${JOBS:-$(nproc)}" --target "${threaded[@]/%/_test}"
ctest --test-dir build/tsan --output-on-failure -j 2 -R "^($(IFS='|'; echo "${threaded[*]}"))\$"
