#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# setup.sh run|demo|debs|test: installs what is missing of packages.txt, and says so. Nothing to do costs a blink.
set -eu
list=$(dirname "$0")/packages.txt
wanted=
while read -r who package command; do
    case $who in \#* | '') continue ;; esac
    [ "$who" = run ] || [ "$who" = "$1" ] || [ "$1" = test ] || continue
    [ -n "$command" ] && command -v "$command" >/dev/null && continue
    wanted="$wanted $package"
done <"$list"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "setup: not a Debian; this must be there already:$wanted" >&2
    exit 0
fi
# shellcheck disable=SC2086 # a list of words
have=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' $wanted 2>/dev/null | sed -n 's/ installed$//p')
missing=
for package in $wanted; do
    printf '%s\n' "$have" | grep -qx "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
echo "setup: installing with apt${as_root:+ (by sudo)}:$missing" >&2
$as_root apt-get update -q >&2
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >&2
