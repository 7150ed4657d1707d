#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run_guest.sh DBGKSIM PROGRAM: runs a guest program that checks the builtin DLLs, alone and under a debugger. Its exit code
# must be 0; what failed is in its debug strings.
"$1" run --userland builtin "$2" || { echo "alone: exit code $?"; failed=1; }
trace=$("$1" trace --userland builtin "$2") || failed=1
case $trace in
*"EXIT_PROCESS        code 0"*) ;;
*) failed=1 ;;
esac
test -z "$failed" && exit 0
echo "$trace" | tail -40
exit 1
