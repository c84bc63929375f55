#!/bin/sh
# Builds the benchmarks and the program, then measures: bench/run.sh [--size MB] [--runs N] [--only ingest,tail,...]
set -eu
cd "$(dirname "$0")/.."
cmake --preset bench > /dev/null
cmake --build build/bench -j "$(nproc)"
exec python3 bench/run.py "$@"
