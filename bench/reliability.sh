#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reliability.sh BUILD [KILLS]: the tables of docs/reliability.md about storage: power cuts, failing disks, kills, full disks.
# Ends at the first thing that was lost.
set -eu
cd "$(dirname "$0")/.."
build=$1 kills=${2:-200}
export IDEM_SERVER="$build/src/server/idem-server" IDEM_SIMULATE="$build/tests/system/simulate"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# The rows of a test's tables; its last words when it has failed.
table() {
    "$@" >"$log" 2>&1 || { grep -v ' info: ' "$log" | tail -n 20; exit 1; }
    grep '^|' "$log"
    echo
}

table "$build/tests/crash/test_crash" full
table "$build/tests/crash/test_faults" full
python3 -B bench/kill9.py "$kills"
echo
(cd tests/system && python3 -B test_storage.py) 2>&1 | grep -v '^$'
