#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dbgksim explore: its output, its exit statuses, and that what it prints can be run again.

Usage: test_command.py DBGKSIM
"""

import re
import shlex
import subprocess
import sys

DBGKSIM = sys.argv[1]
failures = []


def explore(*arguments):
    run = subprocess.run([DBGKSIM, "explore", *arguments], capture_output=True, text=True, timeout=60, check=False)
    return run.returncode, run.stdout, run.stderr


def expect(condition, what):
    if not condition:
        failures.append(what)


def main():
    status, out, _ = explore("--list")
    scenarios = [line.split()[0] for line in out.splitlines()]
    expect(status == 0 and len(scenarios) >= 12 and "detach-keep" in scenarios, f"--list: {out}")

    status, out, _ = explore("--preemptions", "1", "detach-keep", "close")
    expect(status == 0, f"status {status} although nothing is to be found")
    lines = out.splitlines()
    expect(len(lines) == 2 and all(re.fullmatch(
        r"[a-z-]+: all \d+ schedules with at most 1 preemption, up to \d+ choices each: nothing found \(\d+/s\)", line)
        for line in lines), f"summary: {out}")

    status, out, _ = explore("--random", "50", "--seed", "5", "detach-keep")
    expect(status == 0 and "50 random schedules (seed 5)" in out, f"--random: {out}")

    status, out, _ = explore("--limit", "3", "detach-keep")
    expect(status == 0 and "detach-keep: 3 of the schedules" in out, f"--limit: {out}")

    status, out, _ = explore("--without-port-mutex", "detach-keep")
    expect(status == 1 and "asleep, in " in out, f"status {status}: {out}")
    again = re.search(r"^Again: dbgksim explore (.*)$", out, re.MULTILINE)
    expect(again, f"no command to run again: {out}")
    if again:
        first = explore(*shlex.split(again.group(1)))
        expect(first[0] == 1 and "sleeps in DbgkpQueueMessage" in first[1] and "\nasleep: " in first[1],
               f"again: {first}")
        expect(first == explore(*shlex.split(again.group(1))), "a replay differs from the one before")
        steps = out.split(":\n\n", 1)[1].split("\n\nAgain", 1)[0]
        expect(first[1].startswith(steps), f"other steps: {first[1]}")

    status, out, _ = explore("--compare", "--preemptions", "1", "close")
    expect(status == 0 and re.search(r"\| close \| all \d+: nothing \| all \d+: freed in \d+ \|", out),
           f"--compare: {out}")

    for bad in (["no-such-scenario"], ["--no-such-option"], ["--preemptions", "x"], ["--preemptions", "256"],
                ["--preemptions", "-1"], ["--random", "0"], ["--replay", "s1:"], ["--replay"],
                ["--replay", "s1:1=1", "close", "detach-keep"], ["--replay", "s1:x", "close"],
                ["--replay", "s1:2=1,1=1", "close"], ["--seed", "18446744073709551616"]):
        status, out, error = explore(*bad)
        expect(status == 2 and len(error.splitlines()) == 1 and not out, f"{bad}: status {status}, {error}")

    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
