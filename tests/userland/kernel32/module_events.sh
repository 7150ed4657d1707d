#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# module_events.sh DBGKSIM K_MODULE: the program loads k_library four times as a module, which are events, and once as a
# data file and as an image resource, which are none.
trace=$(timeout 50 "$1" trace --userland builtin "$2") || exit 1
loads=$(printf '%s\n' "$trace" | grep -c ' LOAD_DLL  *k_library')
unloads=$(printf '%s\n' "$trace" | grep -c ' UNLOAD_DLL ')
[ "$loads" = 4 ] && [ "$unloads" = 4 ] && exit 0
echo "k_library: $loads loads and $unloads unloads, expected 4 and 4"
exit 1
