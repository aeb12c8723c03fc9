#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# all.sh BUILD seeds: writes the seeds of binary formats anew (make_seeds.c).
# all.sh BUILD SECONDS: builds the sources with clang's coverage and sanitizers, then runs every fuzz_NAME.c on a
# copy of corpus/NAME for so many seconds. The first finding ends it; its input stays in BUILD/NAME.
set -eu
cd "$(dirname "$0")/.."
build=$1 seconds=$2
[ -f "$build/build.ninja" ] || CC=clang meson setup "$build" --buildtype=debugoptimized \
    -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link \
    -Dc_link_args=-fsanitize=address,undefined >/dev/null
# Archives only: the programs are not needed and have mains of their own.
archives=$(ninja -C "$build" -t targets all | sed -n 's/^\(src.*\.a\): .*/\1/p')
# shellcheck disable=SC2086 # lists of words
ninja --quiet -C "$build" $archives
libs=$(pkg-config --libs jansson libcbor libsodium yaml-0.1 sqlite3 libmicrohttpd zlib gnutls)" -lhttp_parser"
if [ "$seconds" = seeds ]; then
    # shellcheck disable=SC2086
    clang -std=c11 -g -O1 -D_GNU_SOURCE -fsanitize=address,undefined -Iinclude -Isrc -o "$build/make_seeds" \
        fuzz/make_seeds.c -Wl,--start-group $(printf "$build/%s " $archives) -Wl,--end-group $libs -lpthread -lm
    exec "$build/make_seeds" fuzz/corpus
fi
for source in fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    dir=$build/fuzz-$name
    mkdir -p "$dir/corpus"
    # shellcheck disable=SC2086
    clang -std=c11 -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iinclude -Isrc -o "$dir/fuzz" "$source" \
        -Wl,--start-group $(printf "$build/%s " $archives) -Wl,--end-group $libs -lpthread -lm
    for seed in "fuzz/corpus/$name"/*; do
        [ ! -f "$seed" ] || cp "$seed" "$dir/corpus/"
    done
    echo "fuzz: $name, $seconds s"
    (cd "$dir" && UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        ./fuzz -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 corpus >log 2>&1) ||
        { tail -40 "$dir/log" >&2; echo "fuzz: $name FAILED, see $dir" >&2; exit 1; }
    sed -n 's/^stat::number_of_executed_units: */  runs: /p' "$dir/log"
done
