#!/usr/bin/env bash
# Installs the foreign peers: Python's into .peers, Node's into node/node_modules, curl from Debian. What is there already,
# in the versions of the lock files, stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

apt=(timeout 300 apt-get -qq -o Dpkg::Use-Pty=0)
debian() {
  "${apt[@]}" update
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install --yes --no-install-recommends "$@"
}

command -v curl >/dev/null || debian curl ca-certificates
curl --version | grep -q HTTP2 || { echo 'curl does not know HTTP/2' >&2; exit 1; }
command -v python3 >/dev/null || debian python3 python3-venv
# Debian's python3 comes without what makes environments.
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
command -v npm >/dev/null || debian nodejs npm

# fresh STAMP FILES...: whether STAMP was made from these files as they are now.
fresh() {
  local stamp=$1
  shift
  [ -f "$stamp" ] && [ "$(cat "$@" | sha256sum)" = "$(cat "$stamp")" ]
}

if ! fresh .peers/python.stamp requirements.txt; then
  rm -rf .peers/python
  timeout 120 python3 -m venv .peers/python
  timeout 600 .peers/python/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --requirement requirements.txt
  sha256sum <requirements.txt >.peers/python.stamp
fi
if ! fresh .peers/node.stamp node/package.json node/package-lock.json || [ ! -d node/node_modules ]; then
  # Nothing that these packages run at installation is needed.
  (cd node && timeout 600 npm ci --ignore-scripts --no-progress --loglevel=error)
  mkdir -p .peers
  cat node/package.json node/package-lock.json | sha256sum >.peers/node.stamp
fi
