#!/usr/bin/env bash
# What an empty store costs: the time from the command to the first answer over HTTP, the resident
# memory once it is idle, and the space on disk. Five starts, each in a fresh directory.
set -euo pipefail
cd "$(dirname "$0")/.."

quipu=${BINARY:-target/release/quipu}
port=${PORT:-2199}
for _ in 1 2 3 4 5; do
    scratch=$(mktemp -d)
    began=$(date +%s%N)
    "$quipu" serve --listen "127.0.0.1:$port" --data "$scratch/data" 2>"$scratch/log" &
    server=$!
    trap 'kill $server 2>/dev/null || true; rm -rf "$scratch"' EXIT
    until { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; do
        kill -0 "$server" 2>/dev/null || { cat "$scratch/log" >&2; exit 1; }
    done
    printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
    read -r answer <&3
    exec 3>&-
    took=$((($(date +%s%N) - began) / 1000000))
    resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$server/status")
    disk=$(du -sk "$scratch/data" | cut -f1)
    echo "$took ms to ${answer%$'\r'}, $resident KiB resident, $disk KiB on disk"
    kill "$server"
    wait "$server" || true
    rm -rf "$scratch"
done
