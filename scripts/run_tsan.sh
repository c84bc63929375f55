#!/usr/bin/env bash
# What has threads once more under TSan: `make sanitize`. ASan+UBSan are on in `make test` already.
set -euo pipefail
cd "$(dirname "$0")/.."
threaded=(store catalog archive nodefiles local_engine agent serve)

cmake --preset tsan
cmake --build build/tsan -j "${JOBS:-$(nproc)}" --target "${threaded[@]/%/_test}"
ctest --test-dir build/tsan --output-on-failure -j 2 -R "^($(IFS='|'; echo "${threaded[*]}"))\$"
