#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run_cxx.sh DBGKSIM PROGRAM: the order in which C++ destroys and catches.
output=$("$1" run --userland builtin "$2")
code=$?
expected="~inner ~middle ~outer int
~inner rethrow ~handler ~middle ~outer pointer
~inner ~middle ~outer any
~inner ~middle ~inner ~middle inside ~outer int
done"
test "$code" = 0 && test "$output" = "$expected" && exit 0
echo "exit code $code"
echo "$output"
exit 1
