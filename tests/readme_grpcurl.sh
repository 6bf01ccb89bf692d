#!/usr/bin/env bash
# Runs every grpcurl command of README.md, exactly as typed there, against a fresh server.
#
# Only fenced code blocks count. A command is expected to succeed, unless the comment line above it
# names a gRPC code in capitals (`# FAILED_PRECONDITION: the stream is there already`): then it must
# fail with that code. A command with `Subscribe` in it does not end by itself: it must print
# something and is then stopped. The server listens on 127.0.0.1:2113, the address that the README uses.
set -euo pipefail
cd "$(dirname "$0")/.."

quipu=${BINARY:-target/debug/quipu}
readme=${1:-README.md}
address=127.0.0.1:2113
scratch=$(mktemp -d)
server=

stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap stop EXIT

if (exec 3<>"/dev/tcp/${address/://}") 2>/dev/null; then
    echo "$address is taken: stop what listens there, the README's lines are run as typed" >&2
    exit 1
fi
QUIPU_LISTEN=$address QUIPU_DATA=$scratch/data "$quipu" serve >"$scratch/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
    if QUIPU_ENDPOINT=http://$address "$quipu" info >/dev/null 2>&1; then ready=yes; break; fi
    sleep 0.1
done
if [ -z "${ready:-}" ]; then
    echo 'the server does not answer; it said:' >&2
    cat "$scratch/server.log" >&2
    exit 1
fi

# Codes are FAILED_PRECONDITION in the protocol and FailedPrecondition in what grpcurl prints.
plain() { tr -d '_' | tr '[:upper:]' '[:lower:]'; }

passed=0
failed=0
run() { # line number, command, expected code or nothing
    local line=$1 command=$2 code=$3 status=0 fault=
    if [[ $command == *Subscribe* ]]; then
        timeout --kill-after=2 3 bash -c "$command" </dev/null >"$scratch/out" 2>&1 || status=$?
        [ "$status" -eq 124 ] && [ -s "$scratch/out" ] && status=0
    else
        timeout 20 bash -c "$command" </dev/null >"$scratch/out" 2>&1 || status=$?
    fi
    if [ -n "$code" ]; then
        if [ "$status" -eq 0 ]; then fault="succeeded, expected $code"
        elif ! plain <"$scratch/out" | grep -qF "$(plain <<<"$code")"; then fault="failed without $code"
        fi
    elif [ "$status" -ne 0 ]; then fault="failed with exit code $status"
    fi
    if [ -z "$fault" ]; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    printf '%s:%s: %s\n%s\n' "$readme" "$line" "$fault" "$command" >&2
    sed 's/^/    /' "$scratch/out" >&2
}

# A command goes on while its quotes, here-document or trailing backslash are open.
complete() { [[ $1 != *'\' ]] && [ -z "$(bash -nc "$1" 2>&1)" ]; }

number=0 start=0 in_block=no command= code=
while IFS= read -r text || [ -n "$text" ]; do
    number=$((number + 1))
    if [[ -z $command && $text == '```'* ]]; then
        if [ "$in_block" = yes ]; then in_block=no; else in_block=yes; fi
        code=
        continue
    fi
    [ "$in_block" = yes ] || continue
    if [ -z "$command" ]; then
        text=${text#\$ }
        if [[ $text =~ ^#[[:space:]] ]]; then
            code=
            if [[ $text =~ (^|[^A-Z_])(INVALID_ARGUMENT|FAILED_PRECONDITION|NOT_FOUND|ALREADY_EXISTS|OUT_OF_RANGE|RESOURCE_EXHAUSTED|UNAVAILABLE|DATA_LOSS)([^A-Z_]|$) ]]; then
                code=${BASH_REMATCH[2]}
            fi
            continue
        fi
        if ! [[ $text =~ (^|\|[[:space:]]*)grpcurl[[:space:]] ]]; then
            code=
            continue
        fi
        start=$number
        command=$text
    else
        command+=$'\n'$text
    fi
    if complete "$command"; then
        run "$start" "$command" "$code"
        command= code=
    fi
done <"$readme"

if [ -n "$command" ]; then
    echo "$readme:$start: the command does not end" >&2
    exit 1
fi
echo "README: $passed grpcurl commands passed, $failed failed"
[ "$passed" -gt 0 ] || { echo 'README has no grpcurl command' >&2; exit 1; }
[ "$failed" -eq 0 ]
