#!/usr/bin/env bash
# Runs every fuzz target and prints a table: target, executions, executions a second, coverage, findings.
#
#   run.sh <executions, over all targets; 0 only builds them> [target...]
#
# Installs cargo-fuzz where it is missing. Needs no other toolchain than the one that builds Quipu: the targets
# are built with coverage, overflow checks and debug assertions, but without a sanitizer, since our own code is safe
# Rust; an allocator that refuses large pieces stands in for the one check that would be missed. Exits with 1 when
# something was found.
set -euo pipefail
cd "$(dirname "$0")"

CARGO_FUZZ_VERSION=0.13.2

# Each target with its share of all executions: small parsers are quick, whole files take longer.
TARGETS='
segment_header 12
block 6
record 6
segment_walk 1
mark 12
index_file 1
tally 10
state_rows 12
read_model_rows 10
wire 10
merge_patch 6
control_records 8
group_notes 3
event 5
requests 6
umadb 5
event_line 5
expressions 6
'

runs=${1:?how many executions}
shift
if ! cargo fuzz --version 2>/dev/null | grep -q " $CARGO_FUZZ_VERSION\$"; then
    echo "installing cargo-fuzz $CARGO_FUZZ_VERSION" >&2
    cargo install cargo-fuzz --locked --debug --version "$CARGO_FUZZ_VERSION" || {
        echo "NOT FUZZED: cargo-fuzz $CARGO_FUZZ_VERSION can not be installed here" >&2
        exit 1
    }
fi
host=$(rustc -vV | sed -n 's/^host: //p')
(cd .. && cargo fuzz build --sanitizer none --target "$host" >&2) || {
    echo 'NOT FUZZED: the targets can not be built here; a C++ compiler is needed for libFuzzer' >&2
    exit 1
}
[ "$runs" -gt 0 ] || exit 0
bin=target/$host/release
SEEDS=corpus "$bin/seeds" 2>/dev/null

shares=$(awk '{ sum += $2 } END { print sum }' <<<"$TARGETS")
known=$(cut -d' ' -f1 <<<"$TARGETS")
total=0 found=0
printf '%-16s %12s %9s %9s %9s\n' target executions exec/s coverage findings
while read -r target share; do
    [ -n "$target" ] || continue
    if [ $# -gt 0 ] && [[ " $* " != *" $target "* ]]; then continue; fi
    if [ $# -gt 0 ]; then part=$((runs / $#)); else part=$((runs * share / shares)); fi
    mkdir -p "artifacts/$target"
    log=artifacts/$target.log
    corpora=("corpus/$target")
    [ ! -d "regressions/$target" ] || corpora+=("regressions/$target")
    status=0
    nice -n 10 "$bin/$target" -runs="$part" -print_final_stats=1 -rss_limit_mb=1024 -timeout=20 \
        -artifact_prefix="artifacts/$target/" "${corpora[@]}" >"$log" 2>&1 </dev/null || status=$?
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
    executions=$(stat number_of_executed_units)
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1 | cut -d' ' -f2)
    findings=0
    if [ "$status" -ne 0 ]; then
        findings=1 found=$((found + 1))
    fi
    total=$((total + ${executions:-0}))
    printf '%-16s %12s %9s %9s %9s\n' "$target" "${executions:-?}" "$(stat average_exec_per_sec)" "${coverage:-?}" "$findings"
    if [ "$findings" -ne 0 ]; then
        grep -m 3 -E 'panicked|ERROR|allocation|Test unit written' "$log" | sed 's/^/  /'
    fi
done <<<"$TARGETS"
for target in "$@"; do
    grep -qx "$target" <<<"$known" || { echo "no target is called $target" >&2; exit 1; }
done
printf '%-16s %12s %29s\n' all "$total" "$found"
# How often, in all runs on this checkout together.
counter=corpus/executions
echo $(($(cat "$counter" 2>/dev/null || echo 0) + total)) >"$counter"
echo "executions so far on this checkout: $(cat "$counter")"
[ "$found" -eq 0 ]
