#!/usr/bin/env bash
# Builds and runs every test: what `make test` does once the packages are there.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}

scripts/check_format.sh
cmake --preset test
cmake --build build/test -j "$jobs"
ctest --test-dir build/test --output-on-failure -j 2 --schedule-random -L unit
# End to end: the program as people build it, one at a time because they measure nothing but load much.
make build
ctest --test-dir build/test --output-on-failure -L e2e
