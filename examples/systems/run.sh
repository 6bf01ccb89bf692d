#!/usr/bin/env bash
# Runs the scenario of each system named (all by default) against one server binary: plainly, with the server and
# every reactor killed again and again, and rebuilt from zero. Prints what they found together at the end.
set -uo pipefail
cd "$(dirname "$0")"

systems=("$@")
[ "${#systems[@]}" -gt 0 ] || for file in */Makefile; do systems+=("${file%/Makefile}"); done
QUIPU_BINARY=$(realpath "${QUIPU_BINARY:-../../target/debug/quipu}")
export QUIPU_BINARY
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failed=()
for system in "${systems[@]}"; do
    echo "== $system"
    make --no-print-directory -C "$system" deps scenario 2>&1 | tee "$scratch/$system" || failed+=("$system")
done
echo
for system in "${systems[@]}"; do
    grep -hE '(plain|kills|rebuild): events ' "$scratch/$system" || echo "$system: no result"
done
if [ "${#failed[@]}" -gt 0 ]; then
    echo "failed: ${failed[*]}" >&2
    exit 1
fi
