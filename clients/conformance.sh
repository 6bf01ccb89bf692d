#!/usr/bin/env bash
# Runs the conformance program of each client named (all by default) against one server binary, and prints a
# table of scenarios and languages. Fails when a scenario fails or is missing in one of them.
#
# Each program prints `ok <scenario>` or `FAIL <scenario>: <why>`; scenarios.txt lists them.
set -uo pipefail
cd "$(dirname "$0")"

languages=("$@")
[ "${#languages[@]}" -gt 0 ] || languages=(rust python typescript go)
QUIPU_BINARY=$(realpath "${QUIPU_BINARY:-../target/debug/quipu}")
export QUIPU_BINARY
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for language in "${languages[@]}"; do
    echo "== $language"
    make --no-print-directory -C "$language" conformance 2>&1 | tee "$scratch/$language" ||
        echo "$language: its conformance program ended with an error" >&2
done

failed=0
printf '\n%-18s' scenario
printf '%12s' "${languages[@]}"
echo
while read -r scenario _; do
    printf '%-18s' "$scenario"
    for language in "${languages[@]}"; do
        if grep -qE "^ok $scenario( |\$)" "$scratch/$language"; then
            printf '%12s' ok
        else
            if grep -q "^FAIL $scenario:" "$scratch/$language"; then printf '%12s' FAIL; else printf '%12s' missing; fi
            failed=$((failed + 1))
        fi
    done
    echo
done <scenarios.txt
if [ "$failed" -gt 0 ]; then
    grep -h '^FAIL ' "$scratch"/* >&2
    echo "$failed scenarios failed or are missing" >&2
    exit 1
fi
echo "all scenarios passed in ${languages[*]}"
