#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the export lists of kernel32 and kernelbase: make_def.py KERNEL32_DEF KERNELBASE_DEF LIST...
A list has a name a line, or name=dll.target for a forwarder. kernelbase forwards each name to kernel32, or to where that
forwards to."""
import sys

names = {}
for path in sys.argv[3:]:
    for line in open(path):
        name, _, target = line.split(";")[0].strip().partition("=")
        if name and name in names:
            sys.exit(f"{path}: {name} is exported already")
        if name:
            names[name] = target
kernel32 = ["LIBRARY kernel32.dll", "EXPORTS"]
kernelbase = ["LIBRARY kernelbase.dll", "EXPORTS", "KernelBaseGetGlobalData"]
for name, target in sorted(names.items()):
    kernel32.append(f"{name}={target}" if target else name)
    kernelbase.append(f"{name}={target or 'kernel32.' + name}")
open(sys.argv[1], "w").write("\n".join(kernel32) + "\n")
open(sys.argv[2], "w").write("\n".join(kernelbase) + "\n")
