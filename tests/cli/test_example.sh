#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs into an empty folder and builds the example outside the tree, by pkg-config, against what was installed.
# Usage: test_example.sh SOURCE-DIRECTORY BUILD-DIRECTORY PREFIX LIBDIR
set -euo pipefail
source=$1 build=$2 prefix=$3 libdir=$4
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$root"
cp -r "$source/examples/unit-test" "$root/example"
export PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_PATH=$root$prefix/$libdir/pkgconfig
export LD_LIBRARY_PATH=$root$prefix/$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
pkg-config --exists --print-errors dbgksim
make -C "$root/example" test
"$root$prefix/bin/dbgksim" --version
