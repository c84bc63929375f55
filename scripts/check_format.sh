#!/usr/bin/env bash
# Formatting and the rules that a compiler does not check. `--fix` formats in place.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'bench/*.h' 'bench/*.cpp')
if [[ "${1:-}" == "--fix" ]]; then
  clang-format-14 -i "${sources[@]}"
  exit 0
fi
failed=0
clang-format-14 --dry-run --Werror "${sources[@]}" || failed=1
for header in $(git ls-files 'src/*.h' 'tests/*.h'); do
  grep -q '^#pragma once' "$header" || { echo "$header: has no #pragma once"; failed=1; }
done
# Arrows point down only: what a layer links, CMake checks; headers could still be borrowed upwards.
allowed() {
  case "$1" in
    base) echo base ;;
    model) echo base model ;;
    doctor) echo base model doctor ;;
    argo) echo base model store archive argo ;;
    store) echo base store ;;
    catalog) echo base model catalog ;;
    archive) echo base model store archive ;;
    argo) echo base model store archive argo ;;
    cluster) echo base model cluster ;;
    agent) echo base model store catalog archive cluster agent ;;
    adopt) echo base model store catalog archive cluster agent adopt ;;
    serve) echo base model store catalog archive cluster serve ;;
    cli) echo base model doctor store catalog archive argo cluster agent adopt serve instance cli ;;
    *) echo base model store catalog archive argo cluster agent adopt serve instance cli ;;
  esac
}
while IFS=: read -r file include; do
  layer=$(cut -d/ -f2 <<<"$file")
  used=$(sed -E 's/.*"([a-z]+)\/.*/\1/' <<<"$include")
  [[ " $(allowed "$layer") " == *" $used "* ]] || { echo "$file: $layer may not include $used"; failed=1; }
done < <(git grep -E '^#include "[a-z]+/' -- 'src/*.h' 'src/*.cpp')
# A file has one subject; over the limit its head says why it is one thing.
while read -r lines file; do
  [[ "$file" == total ]] && continue
  if ((lines > 600)) && ! head -5 "$file" | grep -q 'One file because'; then
    echo "$file: $lines lines; split it, or say in its head \"One file because ...\""
    failed=1
  fi
done < <(wc -l "${sources[@]}")
exit $failed
