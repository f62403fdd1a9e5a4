#!/usr/bin/env bash
# Runs a test of public clients:  run.sh RPC_HOST FILE.    Exit 77: skipped, Node.js or the packages
# are missing (harness/test fetches them with npm where it can).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if ! command -v node >/dev/null; then
  echo "skipped: no Node.js on this machine"
  exit 77
fi
if [[ ! -d node_modules/ws || ! -d node_modules/jayson ]]; then
  echo "skipped: the clients are not installed (npm ci in tests/live/npm)"
  exit 77
fi
ORRERY_RPC_HOST=$1 exec node --test "$2"
