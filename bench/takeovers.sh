#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# takeovers.sh BUILD: every one of the shipped recordings' people is taken over by every other, after 475 keys, against a
# real server; and each is played alone. A server of its own for each: it would know the windows of a recording that it has had before,
# whoever sends them. Prints each verdict and a tally.
set -eu
cd "$(dirname "$0")/.."
build=$1 recording=tests/data/bbmas_excerpt.csv
said=$(mktemp) server='' data=''
trap 'stop; rm -f "$said"' EXIT

start() {
    data=$(mktemp -d)
    "$build/src/server/idem-server" --population data/default.pop --data "$data" --port 0 --demo --test-clock >"$data/address" &
    server=$!
    while ! [ -s "$data/address" ]; do sleep 0.1; done
    url=$(sed 's/.*\(http:[^#]*\).*/\1/' "$data/address")
}

stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    [ -z "$data" ] || rm -rf "$data"
    server='' data=''
}

people=$(awk -F, 'NR > 1 { print $1 }' "$recording" | sort -un)
for owner in $people; do
    at=$(awk -F, -v u="$owner" '$1 == u && ++n == 475 { print int($4 / 1000) + 1 }' "$recording")
    for other in $people; do
        [ "$owner" != "$other" ] || continue
        start
        "$build/src/cli/idem" replay "$recording" --server "$url" --speed 5000 --people 0 \
            --takeover "$owner:$other@$at" | grep '^takeover\|^owners\|locked out: [1-9]\|guard' || true
        stop
    done
done | tee "$said"
echo "$(grep -c ': noticed' "$said" || true) of $(grep -c '^takeover' "$said") takeovers noticed before the recording ended"
start
"$build/src/cli/idem" replay "$recording" --server "$url" --speed 5000 | tail -n 1
