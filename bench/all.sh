#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# all.sh BUILD: every benchmark, each with the machine's limit measured beside it in the same run.
set -eu
cd "$(dirname "$0")/.."
build=$1 data=${IDEM_DATA:-../shared/data}

"$build/bench/bench_edge" data/default.pop
echo
"$build/bench/bench_score" data/default.pop
echo
"$build/bench/bench_server" "$build/src/server/idem-server" data/default.pop
echo
"$build/bench/bench_gate" "$build/src/server/idem-server" data/default.pop
echo
train=$data/aalto_train.csv.gz test=$data/aalto_test.csv.gz
if [ -r "$train" ] && [ -r "$test" ]; then
    echo 'the Aalto protocol, from two CSV files to the figures: train on 1,129 people, verify 500 (goal < 3 s)'
    "$build/src/cli/idem" eval verify --population "$train" "$test"
else
    echo "the Aalto protocol: not run, $train is not there (IDEM_DATA names the folder of the recordings)"
fi
