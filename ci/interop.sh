#!/usr/bin/env bash
# Real foreign peers against the demo's processes, both sides watched. Arguments are parts of a scenario's name, and pick
# scenarios. Needs a Rust toolchain, Python 3, Node and the package registries; installs the peers by itself.
set -euo pipefail
cd "$(dirname "$0")/.."
interop/install.sh
cargo build --quiet --release --package purview-demo
exec timeout --kill-after 10 900 interop/.peers/python/bin/python interop/run.py "$@"
