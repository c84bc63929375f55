#!/usr/bin/env bash
# Installs Debian packages: `build` what the program needs, `test` also what the tests need, `bench` also its peers.
# Does nothing when all are there.
set -euo pipefail

build=(g++ make cmake ninja-build pkg-config ccache libzstd-dev libxxhash-dev libsqlite3-dev libyaml-cpp-dev
  nlohmann-json3-dev libexpected-dev libcli11-dev libboost1.81-dev libcurl4-openssl-dev libssl-dev zlib1g-dev libpugixml-dev)
test=(libgtest-dev libgmock-dev clang-format-14 python3 python3-venv curl openssl zstd gzip xxhash chromium)
bench=(nginx-light)

packages=("${build[@]}")
case "${1:-build}" in
  build) ;;
  test) packages+=("${test[@]}") ;;
  bench) packages+=("${test[@]}" "${bench[@]}") ;;
  *) echo "usage: $0 [build|test|bench]" >&2; exit 2 ;;
esac

missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" == "install ok installed" ]] || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  exit 0
fi

run_as_root=()
if [[ $(id -u) -ne 0 ]]; then
  run_as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${run_as_root[@]}" apt-get update -qq
"${run_as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
