#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program whose DLL is nowhere: one line that names it, exit status 2. Usage: test_missing_dll.sh COMMAND PROGRAM
for mode in run trace; do
  text=$("$1" $mode --userland wine "$2" 2>&1 >/dev/null)
  status=$?
  expected="dbgksim $mode: $2: needs absent.dll, which is neither in its folder nor in the userland"
  if [ "$status" != 2 ] || [ "$text" != "$expected" ]; then
    echo "$mode: exit status $status, printed: $text"
    exit 1
  fi
done
