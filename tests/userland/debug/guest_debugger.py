#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""samples/debugger.c, linked only to the builtin kernel32, prints for each sample what the native client prints.

Its lines on standard error against those of `dbgksim trace --format lines`, thread by thread, with exceptions answered not
handled and handled; then children and an attach. The samples' own output must be the same, too."""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

MODES = {"not-handled": [], "handled": ["-k"]}
# More lines than any sample ends with: answered handled, some meet their exception again for ever.
MOST_LINES = 100
# Blocks; enough for what ends, not too much for what does not.
BUDGETS = {"not-handled": "100000000", "handled": "3000000"}
TIMEOUT = 60 * int(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))


class Runner:
    def __init__(self, command, programs):
        self.command, self.programs = command, programs

    def call(self, *arguments):
        return subprocess.run([self.command, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False, cwd=self.programs)

    def guest(self, *arguments, mode="not-handled"):
        done = self.call("run", "--userland", "builtin", "--budget", BUDGETS[mode], "debugger.exe", *arguments)
        lines = done.stderr.decode().splitlines()
        return [line for line in lines if line != "the block budget is used up"], done.stdout

    def native(self, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            trace, output = pathlib.Path(folder, "trace"), pathlib.Path(folder, "output")
            self.call("trace", "--userland", "builtin", "--format", "lines", "-o", str(trace), "--program-output",
                      str(output), *arguments)
            return trace.read_text().splitlines(), output.read_bytes()


def by_thread(lines):
    """The lines of each thread in order; what two threads do at the same time is the scheduler's choice."""
    threads = collections.defaultdict(list)
    for line in lines:
        process, thread, rest = (line.split(" ", 2) + ["", ""])[:3]
        threads[(process, thread) if process.startswith("p") else ("", "")].append(rest or line)
    return [f"{' '.join(key)} {line}" for key in sorted(threads) for line in threads[key]]


def compare(what, native, guest):
    (expected, expected_output), (seen, output) = native, guest
    endless = len(expected) > MOST_LINES or len(seen) > MOST_LINES
    if endless:
        expected, seen = expected[:MOST_LINES], seen[:MOST_LINES]
    wrong = [] if len(expected) > 5 else [f"{what}: only {len(expected)} events"]
    for a, b in zip(by_thread(expected) + ["(end)"], by_thread(seen) + ["(end)"]):
        if a != b:
            return wrong + [f"{what}:", f"    native  {a}", f"    guest   {b}"]
    if not endless and expected_output != output:
        wrong += [f"{what}: the program says {output} as a guest, {expected_output} natively"]
    return wrong


def sample(run, name, mode):
    more = ["--detach-after", str(MOST_LINES + 1)] if mode == "handled" else []
    return compare(f"{name}, {mode}", run.native("--on-exception", mode, *more, name), run.guest(*MODES[mode], name, mode=mode))


def children(run):
    guest = run.guest("-p", "child_process.exe")
    wrong = [] if any(line.startswith("p1 ") for line in guest[0]) else ["children: no event of the child"]
    return wrong + compare("children", run.native("--follow-children", "child_process.exe"), guest)


def attach(run):
    guest = run.guest("-a", "5", "attach.exe")
    wrong = [] if guest[0][:1] == ["# DebugActiveProcess ok"] else ["attach: it is refused"]
    return wrong + compare("attach", run.native("--attach-after", "5ms", "attach.exe"), guest)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dbgksim", required=True)
    parser.add_argument("--samples", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    names = sorted(path.name for path in arguments.samples.glob("*.exe") if path.stem != "debugger")
    run = Runner(arguments.dbgksim, arguments.samples)
    cases = [(sample, run, name, mode) for name in names for mode in MODES] + [(children, run), (attach, run)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: case[0](*case[1:]), cases))
    for line in (line for wrong in results for line in wrong):
        print(line)
    bad = sum(bool(wrong) for wrong in results)
    print(f"{len(cases)} cases compared: {bad} differ" if bad else f"{len(cases)} cases compared: all alike")
    return 1 if bad or not names else 0


if __name__ == "__main__":
    sys.exit(main())
