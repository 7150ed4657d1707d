#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes an assembly file that holds other files: embed.py SYMBOL OUTPUT FILE...
SYMBOL is a table of struct io_embedded, ended by zeros."""
import os
import sys

symbol, output, files = sys.argv[1], sys.argv[2], sorted(sys.argv[3:], key=lambda f: os.path.basename(f))
lines = ['.section .note.GNU-stack,"",@progbits', ".section .rodata"]
for i, path in enumerate(files):
    lines += [".balign 64", f".Lbytes{i}:", f'.incbin "{os.path.abspath(path)}"', f".Lend{i}:",
              f'.Lname{i}: .asciz "{os.path.basename(path).lower()}"']
lines += ['.section .data.rel.ro,"aw"', ".balign 8", f".globl {symbol}", f".hidden {symbol}", f"{symbol}:"]
lines += [f".quad .Lname{i}, .Lbytes{i}, .Lend{i} - .Lbytes{i}" for i in range(len(files))]
lines += [".quad 0, 0, 0"]
open(output, "w").write("\n".join(lines) + "\n")
