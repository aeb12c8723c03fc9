#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# takeovers.sh BUILD: every one of the shipped recordings' people is taken over by every other, after 475 keys, against a
# real server; and each is played alone. Prints each verdict and a tally.
set -eu
cd "$(dirname "$0")/.."
build=$1 recording=tests/data/bbmas_excerpt.csv
data=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$data"' EXIT
"$build/src/server/idem-server" --population data/default.pop --data "$data" --port 0 --test-clock >"$data/address" &
server=$!
while ! [ -s "$data/address" ]; do sleep 0.1; done
url=$(sed 's/.*\(http:[^#]*\).*/\1/' "$data/address")
people=$(awk -F, 'NR > 1 { print $1 }' "$recording" | sort -un)
for owner in $people; do
    at=$(awk -F, -v u="$owner" '$1 == u && ++n == 475 { print int($4 / 1000) + 1 }' "$recording")
    for other in $people; do
        [ "$owner" = "$other" ] ||
            "$build/src/cli/idem" replay "$recording" --server "$url" --speed 5000 --people 0 \
                --takeover "$owner:$other@$at" | grep '^takeover\|^owners\|locked out: [1-9]' || true
    done
done | tee "$data/said"
echo "$(grep -c ': noticed' "$data/said" || true) of $(grep -c '^takeover' "$data/said") takeovers noticed before the recording ended"
"$build/src/cli/idem" replay "$recording" --server "$url" --speed 5000 | tail -n 1
