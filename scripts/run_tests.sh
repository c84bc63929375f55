#!/usr/bin/env bash
# Builds and runs every test, unit tests and fuzzers under ASan+UBSan: what `make test` does once the packages are there.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
export LOGSTONE_FUZZ_RUNS=${LOGSTONE_FUZZ_RUNS:-2000}

scripts/check_format.sh
cmake --preset asan
cmake --build build/asan -j "$jobs"
ctest --test-dir build/asan --output-on-failure -j 2 --schedule-random -L unit
# The S3 store against real servers.
if [[ ! -x build/test-venv-s3/bin/weed ]] || ! cmp -s tests/store_s3/requirements.txt build/test-venv-s3/requirements.txt; then
  python3 -m venv --clear build/test-venv-s3
  build/test-venv-s3/bin/pip install -q --disable-pip-version-check -r tests/store_s3/requirements.txt
  cp tests/store_s3/requirements.txt build/test-venv-s3/
fi
ctest --test-dir build/asan --output-on-failure -L s3
# End to end: the program as people build it, one at a time because they measure nothing but load much.
make build
if [[ ! -x build/test-venv/bin/pytest ]] || ! cmp -s tests/e2e/requirements.txt build/test-venv/requirements.txt; then
  python3 -m venv --clear build/test-venv
  build/test-venv/bin/pip install -q --disable-pip-version-check -r tests/e2e/requirements.txt
  cp tests/e2e/requirements.txt build/test-venv/
fi
ctest --test-dir build/asan --output-on-failure -L e2e
