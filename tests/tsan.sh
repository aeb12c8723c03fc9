#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tsan.sh BUILD: what runs on several threads, under the thread sanitizer: the unit tests of it, and the real server
# driven over sockets by system tests that keep all of its threads busy. Then the tally. A report of a data race fails
# the run, also one of a server that a test has killed or whose exit status a test does not look at.
set -eu
cd "$(dirname "$0")/.."
build=$(cd "$1" && pwd)
out=$build/tsan
rm -rf "$out" "$build/meson-logs/testlog.json"
mkdir -p "$out"
export TSAN_OPTIONS="log_path=$out/report:second_deadlock_stack=1"
# stream, seats and gate are the names of two each
meson test -C "$build" --no-rebuild --quiet --timeout-multiplier 6 --num-processes "${JOBS:-1}" \
    auth bindings challenge clock errands guests lanes local pool recorder sandbox sketch worker \
    stream seats gate policy_file >"$out/tests.log" 2>&1 || true
status=0
python3 tests/tally.py "$build" || status=1
reports=$(find "$out" -name 'report.*' | wc -l)
find "$out" -name 'report.*' -exec cat {} + >"$out/reports"
echo "$reports with a report of the thread sanitizer, $(grep -c '^SUMMARY' "$out/reports" || true) reports"
grep '^SUMMARY' "$out/reports" | sort | uniq -c || true
[ "$reports" -eq 0 ] || status=1
exit $status
