#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares `dbgksim trace --format lines` of the oracle's programs with the traces stored beside their sources.

The only differences allowed are those of rules.txt. Lines of several threads are compared thread by thread: their
interleaving is the scheduler's choice. Exit status 77 (skipped) if the oracle is not there."""
import argparse
import difflib
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

MODES = {"nh": "not-handled", "k": "handled"}
SKIPPED = 77
SHOWN = 300


class Rule:
    def __init__(self, name):
        self.name, self.why, self.files, self.actions, self.used = name, "", [], [], False

    def applies(self, file):
        return any(fnmatch.fnmatchcase(file, pattern) for pattern in self.files)


def fail(text):
    print(f"compare.py: {text}", file=sys.stderr)
    sys.exit(2)


def parse_action(rule, key, value):
    both = key == "both"
    if both:
        key, _, value = value.partition(":")
        value = value.strip()
    if key == "skip":
        return both, "skip", None, None
    if key == "replace":
        pattern, arrow, text = value.partition(" => ")
        if not arrow:
            fail(f"rule {rule.name}: replace without =>")
        return both, "replace", re.compile(pattern, re.MULTILINE), text
    if key == "delete":
        return both, "delete", re.compile(value), None
    if key == "insert":
        text, before, pattern = value.partition(" before ")
        if not before:
            fail(f"rule {rule.name}: insert without before")
        return both, "insert", re.compile(pattern), text
    return fail(f"rule {rule.name}: unknown key {key}")


def read_rules(path):
    rules = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        header = re.fullmatch(r"\[(.+)\]", line)
        if header:
            rules.append(Rule(header.group(1)))
            continue
        key, colon, value = line.partition(": ")
        if not colon or not rules:
            fail(f"{path}:{number}: not a rule")
        rule = rules[-1]
        if key == "why":
            rule.why = value.strip()
        elif key == "files":
            rule.files = value.split()
        else:
            rule.actions.append(parse_action(rule, key, value))
    for rule in rules:
        if not rule.why or not rule.files or not rule.actions:
            fail(f"rule {rule.name}: why, files and an action are needed")
    return rules


def act(lines, action, pattern, text):
    if action == "delete":
        return [line for line in lines if not pattern.search(line)]
    if action == "replace":
        return pattern.sub(text, "\n".join(lines)).split("\n")
    for i, line in enumerate(lines):
        if pattern.search(line):
            return lines[:i] + [text] + lines[i:]
    return lines


def apply_rules(rules, file, wine, lines):
    for rule in rules:
        if not rule.applies(file):
            continue
        for both, action, pattern, text in rule.actions:
            if action == "skip" or not (wine or both):
                continue
            changed = act(lines, action, pattern, text)
            rule.used |= changed != lines
            lines = changed
    return lines


def skipped(rules, file):
    for rule in rules:
        if rule.applies(file) and any(action == "skip" for _, action, _, _ in rule.actions):
            rule.used = True
            return True
    return False


def by_thread(lines):
    """The lines of each thread together, threads in order of appearance."""
    threads = {}
    for line in lines:
        match = re.match(r"p\d+ t\d+ ", line)
        threads.setdefault(match.group() if match else "", []).append(line)
    return [line for key in threads for line in threads[key]]


def lines_of(data):
    return data.decode("utf-8", errors="replace").replace("\r", "").splitlines()


def run(command, userland, program, mode, folder):
    trace, output = folder / "trace", folder / "output"
    done = subprocess.run(
        [command, "trace", "--userland", userland, "--format", "lines", "--on-exception", MODES[mode],
         "--budget", "20000000", "-o", trace, "--program-output", output, program],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
    problem = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0:
        problem = f"exit status {done.returncode}: {problem}"
    return {"ev": trace.read_bytes() if trace.exists() else b"",
            "out": output.read_bytes() if output.exists() else b""}, problem


def compare(rules, file, stored, actual):
    expected = apply_rules(rules, file, True, lines_of(stored))
    ours = apply_rules(rules, file, False, lines_of(actual))
    if file.endswith(".ev"):
        expected, ours = by_thread(expected), by_thread(ours)
    if expected == ours:
        return True
    print(f"{file}: differs")
    # A program that loops in its handlers prints thousands of lines: the first ones tell why.
    diff = list(difflib.unified_diff(expected[:SHOWN], ours[:SHOWN], "expected", "dbgksim", lineterm="", n=1))
    for line in diff[:40]:
        print("    " + line)
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dbgksim", required=True)
    parser.add_argument("--oracle", required=True, type=pathlib.Path)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--rules", type=pathlib.Path, action="append", help="default: rules.txt; repeatable")
    parser.add_argument("--userland", default="wine")
    parser.add_argument("samples", nargs="*", help="default: all that have stored traces")
    arguments = parser.parse_args()
    traces = arguments.oracle / "wine-traces"
    if not traces.is_dir():
        print(f"skipped: no stored traces in {arguments.oracle}")
        return SKIPPED
    files = arguments.rules or [pathlib.Path(__file__).with_name("rules.txt")]
    rules = [rule for file in files for rule in read_rules(file)]
    good, compared = True, 0
    for stored in sorted(traces.glob("*.ev")):
        sample, mode, _ = stored.name.split(".")
        if arguments.samples and sample not in arguments.samples:
            continue
        if all(skipped(rules, f"{sample}.{mode}.{kind}") for kind in ("ev", "out")):
            continue
        with tempfile.TemporaryDirectory() as folder:
            program = arguments.programs / f"{sample}.exe"
            try:
                actual, problem = run(arguments.dbgksim, arguments.userland, program, mode, pathlib.Path(folder))
            except subprocess.TimeoutExpired:
                actual, problem = {"ev": b"", "out": b""}, "no end after 120 s"
        if problem:
            print(f"{sample}.{mode}: {problem}")
            good = False
        for kind, data in actual.items():
            file = traces / f"{sample}.{mode}.{kind}"
            if skipped(rules, file.name):
                continue
            good &= compare(rules, file.name, file.read_bytes(), data)
        compared += 1
    unused = [rule.name for rule in rules if not rule.used]
    if unused and not arguments.samples:
        print(f"rules that changed nothing: {', '.join(unused)}")
        good = False
    print(f"{compared} traces compared: {'as expected' if good else 'DIFFERENT'}")
    return 0 if good and compared else 1


if __name__ == "__main__":
    sys.exit(main())
