#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# all.sh RELEASE SANITIZED: every test in both builds, the SDK's in node, the page's in a browser, alone and against
# programs that drive it; then the tally.
# Nothing stops at a failure: the tally at the end tells of all of them, and its status is this script's.
#
# Most of the time most of these wait: for people to type, for a server to give up. So more of them run at once than there
# are processors, the browsers beside all the rest. Who types in a browser types at the recorded moments and comes first;
# the rest can wait, and no test asks how long something took.
set -eu
cd "$(dirname "$0")/.."
release=$1 sanitized=$2
at_once=${IDEM_TESTS_AT_ONCE:-$(($(nproc) * 2))}
out=$release/results
# An earlier run's results must not count for one that could not run.
rm -rf "$out" "$release/meson-logs/testlog.json" "$sanitized/meson-logs/testlog.json"
mkdir -p "$out"
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

echo 'tests: SDK in node' >&2
(cd console && npm run -s test) >"$out/sdk.tap" 2>&1 || echo "# exit $?" >>"$out/sdk.tap"
(
    cd tests/browser
    [ node_modules/.installed -nt package-lock.json ] || { npm ci --loglevel=error && touch node_modules/.installed; }
) >"$out/browser.tap" 2>&1 || true # no browser then: each of the three says so

browse() {
    IDEM_SERVER="$PWD/$release/src/server/idem-server" node "tests/browser/$1.mjs" >"$out/$2.tap" 2>&1 ||
        echo "# exit $?" >>"$out/$2.tap"
}
echo 'tests: page in a browser, and programs that drive it' >&2
(browse run browser && browse console console) &
browse adversaries adversaries &
echo 'tests: release build' >&2
nice -n 10 meson test -C "$release" --no-rebuild --quiet --num-processes "$at_once" --timeout-multiplier 2 \
    >"$out/release.log" 2>&1 || true
echo 'tests: address and undefined-behaviour sanitizers' >&2
nice -n 10 meson test -C "$sanitized" --no-rebuild --quiet --num-processes "$at_once" --timeout-multiplier 4 \
    >"$out/sanitized.log" 2>&1 || true
wait
exec python3 tests/tally.py "$release" "$sanitized" "$out/sdk.tap" "$out/browser.tap" "$out/console.tap" \
    "$out/adversaries.tap"
