#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Golden traces of the samples: golden.py check|rebase DBGKSIM [NAME...]

A case is a line of cases.txt: NAME, then options of dbgksim trace (sample:NAME's first word is the sample). Its trace in
--format lines, made stable, is in NAME.lines. check also holds every golden line against rules.txt: a line that no rule
justifies is an error, however it came there. rebase writes the files anew and shows what changed."""
import difflib
import os
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
place = re.compile(r"([A-Za-z_0-9.]+\.(?:exe|dll))\+0x([0-9a-f]+)")


def stable(text):
    """Places in code move with the compiler: each module's places get numbers in the order in which they are met; a place
    up to 15 bytes behind a known one keeps its distance."""
    known = {}

    def replace(match):
        module, offset = match[1], int(match[2], 16)
        places = known.setdefault(module, [])
        for number, start in enumerate(places, 1):
            if 0 <= offset - start <= 15:
                return f"{module}@{number}" + (f"+{offset - start}" if offset != start else "")
        places.append(offset)
        return f"{module}@{len(places)}"

    lines = []
    for line in text.splitlines():
        line = re.sub(r"dbgoff=\d+ dbgsize=\d+", "dbgoff=* dbgsize=*", line)
        lines.append(place.sub(replace, line))
    return "\n".join(lines) + "\n"


def cases():
    for line in open(os.path.join(here, "cases.txt")):
        words = line.split("#")[0].split()
        if words:
            yield words[0], words[1:]


def run(command, name, options):
    standard_input = b""
    if options and options[0].startswith("<"):
        standard_input = options[0][1:].encode() + b"\n"
        options = options[1:]
    arguments = options if any(o.startswith("sample:") for o in options) else options + ["sample:" + name]
    done = subprocess.run([command, "trace", "--format", "lines", "--userland", "builtin"] + arguments, input=standard_input,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return stable(done.stdout.decode(errors="replace") + f"exit status {done.returncode}\n")


def rules():
    for line in open(os.path.join(here, "rules.txt")):
        if line.strip() and not line.startswith("#"):
            why, _, pattern = line.rstrip("\n").partition("\t")
            yield why, re.compile(pattern)


def unjustified(text):
    """Lines of events that no rule stands for; what the program prints needs none."""
    known = list(rules())
    for line in text.splitlines():
        if re.match(r"p\d+ t\d+ |KD_", line) and not any(pattern.search(line) for _, pattern in known):
            yield line


def main():
    action, command, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    bad = 0
    for name, options in cases():
        if names and name not in names:
            continue
        path = os.path.join(here, name + ".lines")
        golden = open(path).read() if os.path.exists(path) else ""
        now = run(command, name, options)
        for line in unjustified(now if action == "rebase" else golden):
            print(f"{name}: no rule of rules.txt justifies: {line}")
            bad += 1
        if now == golden:
            continue
        sys.stdout.writelines(difflib.unified_diff(golden.splitlines(True), now.splitlines(True), f"{name}.lines", "now"))
        if action == "rebase":
            open(path, "w").write(now)
        else:
            bad += 1
    if action == "check" and not bad:
        print("all golden traces are as stored")
    sys.exit(1 if bad else 0)


main()
