#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# with_folder.sh DBGKSIM PROGRAM: runs a program of the builtin userland that sees an empty folder as C:\out.
folder=$(mktemp -d) || exit 99
"$1" run --userland builtin --map "$folder=C:\\out:rw" "$2"
status=$?
rm -r "$folder"
exit $status
