#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build-debs.sh DIR: the Debian packages of this tree, into DIR. Needs the packages of packages.txt, and no network once the
# console's are there (console/node_modules). Two runs on one commit give the same bytes.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
make -s -C console >&2

version=$(sed -n "s/^project([^:]*version: '\([^']*\)'.*/\1/p" meson.build)
in_git=$(git rev-parse --is-inside-work-tree 2>/dev/null || true)
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    if [ "$in_git" = true ]; then
        SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    else
        SOURCE_DATE_EPOCH=$(stat -c %Y meson.build)
    fi
fi
export SOURCE_DATE_EPOCH

# A copy, so that nothing is left in the tree and nothing of it but what is in git gets in.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/idem-$version
mkdir "$tree"
if [ "$in_git" = true ]; then
    git ls-files -z --cached --others --exclude-standard
else
    find . -path './build*' -prune -o -path ./var -prune -o -name node_modules -prune -o -path ./console/dist -prune \
        -o -path ./sdk/dist -prune -o -type f -print0
fi | tar --null --ignore-failed-read --files-from - --create | tar --extract --directory "$tree"
cp -r console/dist "$tree/console/dist"
cp -r "$tree/packaging/debian" "$tree/debian"
cat >"$tree/debian/changelog" <<EOF
idem ($version) unstable; urgency=medium

  * See the log of the repository.

 -- the idem authors <idem@localhost.localdomain>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
EOF

cd "$tree"
if ! dpkg-buildpackage --build=binary --no-sign --jobs=auto >"$work/log" 2>&1; then
    cat "$work/log" >&2
    exit 1
fi
rm -f "$out"/idem*_*.deb "$out"/idem*_*.buildinfo "$out"/idem*_*.changes
cp "$work"/*.deb "$work"/*.buildinfo "$work"/*.changes "$out"
ls "$out"/*.deb
