#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# all.sh RELEASE SANITIZED: every test in both builds, the SDK's in node, the page's in a browser, alone and against
# programs that drive it; then the tally.
# Nothing stops at a failure: the tally at the end tells of all of them, and its status is this script's.
set -eu
cd "$(dirname "$0")/.."
release=$1 sanitized=$2
out=$release/results
# An earlier run's results must not count for one that could not run.
rm -rf "$out" "$release/meson-logs/testlog.json" "$sanitized/meson-logs/testlog.json"
mkdir -p "$out"
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

echo 'tests: release build' >&2
meson test -C "$release" --no-rebuild --quiet >"$out/release.log" 2>&1 || true
echo 'tests: address and undefined-behaviour sanitizers' >&2
meson test -C "$sanitized" --no-rebuild --quiet --timeout-multiplier 4 >"$out/sanitized.log" 2>&1 || true
echo 'tests: SDK in node' >&2
(cd console && npm run -s test) >"$out/sdk.tap" 2>&1 || echo "# exit $?" >>"$out/sdk.tap"
# Both wait for recorded people to type, most of the time: side by side.
echo 'tests: page in a browser, and programs that drive it' >&2
(
    cd tests/browser
    [ node_modules/.installed -nt package-lock.json ] || { npm ci --loglevel=error && touch node_modules/.installed; }
    IDEM_SERVER=$OLDPWD/$release/src/server/idem-server node adversaries.mjs
) >"$out/adversaries.tap" 2>&1 || echo "# exit $?" >>"$out/adversaries.tap" &
export IDEM_SERVER="$PWD/$release/src/server/idem-server"
node tests/browser/run.mjs >"$out/browser.tap" 2>&1 || echo "# exit $?" >>"$out/browser.tap"
node tests/browser/console.mjs >"$out/console.tap" 2>&1 || echo "# exit $?" >>"$out/console.tap"
wait
exec python3 tests/tally.py "$release" "$sanitized" "$out/sdk.tap" "$out/browser.tap" "$out/console.tap" \
    "$out/adversaries.tap"
