#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run_stepper.sh DBGKSIM PROGRAM FUNCTIONS: the program must come through that many functions.
output=$("$1" run --userland builtin "$2")
code=$?
echo "$output"
case $code,$output in
"0,functions $3, "*) exit 0 ;;
esac
echo "exit code $code"
exit 1
