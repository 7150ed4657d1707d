#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the table machine_samples, a C file, from sources of samples: sample_list.py OUTPUT SOURCE...
A sample is called like its file; its lesson is the first paragraph of the comment behind the licence,
without its name before it."""
import os
import re
import sys


def lesson(path):
    comments = re.findall(r"/\*(.*?)\*/", open(path).read(), re.DOTALL)
    lines = [line.strip().lstrip("*").strip() for line in comments[1].strip().split("\n")]
    paragraph = lines[:lines.index("")] if "" in lines else lines
    name = os.path.splitext(os.path.basename(path))[0]
    return " ".join(paragraph).removeprefix(name + ": ")


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


lines = ["/* Made by scripts/sample_list.py. */", '#include "machine/embedded.h"', "",
         "const struct dbgksim_sample machine_samples[] = {"]
for source in sorted(sys.argv[2:], key=os.path.basename):
    name = os.path.splitext(os.path.basename(source))[0]
    lines.append("    {%s, %s}," % (quoted(name), quoted(lesson(source))))
lines += ["    {NULL, NULL},", "};"]
open(sys.argv[1], "w").write("\n".join(lines) + "\n")
