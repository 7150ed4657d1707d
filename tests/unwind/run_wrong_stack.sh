#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# run_wrong_stack.sh DBGKSIM PROGRAM: no handler runs, both chances are reported, the code is the exception's.
trace=$("$1" trace --userland builtin "$2")
case $trace in
*"STATUS_ILLEGAL_INSTRUCTION, first chance"*"STATUS_ILLEGAL_INSTRUCTION, second chance"*"code 0xc000001d"*) exit 0 ;;
esac
echo "$trace" | tail -20
exit 1
