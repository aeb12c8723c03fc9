#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Compiles the edge side of libidem to WebAssembly: sdk/dist/idem-edge.wasm.
#
# The sources are the library's own, unchanged: all of src/window and src/guard, and of src/base what they call. The
# module is a reactor (no main) and must import nothing: a page then sees at a glance that the
# code can neither reach the network nor the document. The check at the end refuses anything else.
set -eu
cd "$(dirname "$0")/../.."
out=sdk/dist/idem-edge.wasm
max_bytes=98304
clang=${WASM_CC:-clang}

sources="$(ls src/wasm/*.c src/window/*.c src/guard/*.c) src/base/error.c src/base/bytes.c"
newest=$(ls -t $sources include/idem/*.h src/base/*.h src/window/*.h src/guard/*.h src/wasm/*.h src/wasm/build.sh 2>/dev/null |
    head -n 1)
if [ -f "$out" ] && [ "$out" -nt "$newest" ]; then
    exit 0
fi
mkdir -p sdk/dist
# shellcheck disable=SC2086 # the list of files is meant to be split
"$clang" --target=wasm32-wasi --sysroot=/usr -isystem /usr/include/wasm32-wasi \
    -mexec-model=reactor -std=c11 -O2 -fno-builtin-snprintf -DNDEBUG -Iinclude -Isrc \
    -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -ffp-contract=off -fno-fast-math -ffunction-sections -fdata-sections -fvisibility=hidden \
    -Wl,--gc-sections -Wl,--strip-all -Wl,-z,stack-size=65536 -Wl,--max-memory=4194304 \
    -o "$out.tmp" $sources
size=$(wc -c <"$out.tmp")
if [ "$size" -gt "$max_bytes" ]; then
    echo "build.sh: $out would be $size bytes, the limit is $max_bytes" >&2
    rm -f "$out.tmp"
    exit 1
fi
if grep -qa wasi_snapshot "$out.tmp"; then
    echo "build.sh: $out would import system calls, it must import nothing" >&2
    rm -f "$out.tmp"
    exit 1
fi
mv "$out.tmp" "$out"
echo "wasm: $out, $size bytes"
