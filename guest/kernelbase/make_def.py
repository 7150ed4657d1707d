#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes kernelbase.def from kernel32.def: each name forwards to kernel32, or where that forwards to."""
import sys

lines = open(sys.argv[1]).read().splitlines()
out = ["LIBRARY kernelbase.dll", "EXPORTS", "KernelBaseGetGlobalData"]
for line in lines[lines.index("EXPORTS") + 1:]:
    name, _, target = line.split(";")[0].strip().partition("=")
    if name:
        out.append(f"{name}={target or 'kernel32.' + name}")
open(sys.argv[2], "w").write("\n".join(out) + "\n")
