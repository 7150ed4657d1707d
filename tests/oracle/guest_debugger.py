#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A debugger that runs inside the machine sees what the native client sees.

evtrace.exe, a plain Win32 debugger, runs as a guest and debugs each of the oracle's programs; its lines must be those
of `dbgksim trace --format lines`. Then attach, attach with detach, and inherited debuggers, by the rules of spec 4.5.
Lines of several threads are compared thread by thread, as in compare.py. Exit status 77 (skipped) without them."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from compare import SKIPPED, by_thread, lines_of

MODES = {"nh": ([], "not-handled"), "k": (["-k"], "handled")}
# Answered handled, these meet their exception again for ever: only the first events are compared.
ENDLESS = {("s03_av", "k"), ("s04_av_unhandled", "k"), ("s08_hwbp", "k"), ("s20_fastfail", "k")}
ENDLESS_LINES = 200
ENDLESS_BLOCKS = "5000000"
NOT_SAMPLES = ("evtrace", "loop", "perfdbg", "perfee")
TIMEOUT = 60 * int(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))


class Runner:
    def __init__(self, command, programs, userland):
        self.command, self.programs, self.userland = command, programs, userland

    def call(self, *arguments):
        return subprocess.run([self.command, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False, cwd=self.programs)

    def guest(self, *arguments, budget="20000000"):
        """Event lines and other output of evtrace as a guest."""
        with tempfile.TemporaryDirectory() as folder:
            done = self.call("run", "--userland", self.userland, "--budget", budget, "--map", f"{folder}=C:\\trace:rw",
                             "evtrace.exe", "-o", "C:\\trace\\x.ev", *arguments)
            trace = pathlib.Path(folder, "x.ev")
            return lines_of(trace.read_bytes() if trace.exists() else b""), lines_of(done.stdout), done.returncode

    def native(self, *arguments):
        """Event lines and program output of the native client."""
        with tempfile.TemporaryDirectory() as folder:
            trace, output = pathlib.Path(folder, "trace"), pathlib.Path(folder, "output")
            done = self.call("trace", "--userland", self.userland, "--format", "lines", "-o", str(trace),
                             "--program-output", str(output), *arguments)
            return lines_of(trace.read_bytes()), lines_of(output.read_bytes()), done.returncode


def difference(what, expected, seen):
    for i, (a, b) in enumerate(zip(expected + ["(end)"], seen + ["(end)"])):
        if a != b:
            return [f"{what}, line {i + 1}:", f"    native  {a}", f"    guest   {b}"]
    return [] if len(expected) == len(seen) else [f"{what}: {len(expected)} lines natively, {len(seen)} as a guest"]


def sample(run, name, mode):
    flags, answer = MODES[mode]
    what = f"{name}.{mode}"
    if (name, mode) in ENDLESS:
        seen, _, _ = run.guest(*flags, f"{name}.exe", budget=ENDLESS_BLOCKS)
        expected, _, _ = run.native("--on-exception", answer, "--detach-after", str(ENDLESS_LINES), f"{name}.exe")
        seen, expected = seen[:ENDLESS_LINES], expected[:ENDLESS_LINES]
        short = [f"{what}: only {len(seen)} lines"] if len(seen) < ENDLESS_LINES else []
        return short + difference(what, expected, seen)
    seen, output, status = run.guest(*flags, f"{name}.exe")
    expected, native_output, native_status = run.native("--on-exception", answer, f"{name}.exe")
    if status or native_status:
        return [f"{what}: exit status {status} as a guest, {native_status} natively"]
    return (difference(what, by_thread(expected), by_thread(seen)) +
            difference(f"{what}, program output", native_output, output))


def attach_rules(lines):
    """What spec 4.5 says of an attach that is followed to the end."""
    wrong = []

    def check(condition, text):
        if not condition:
            wrong.append(f"attach: {text}")

    events = [re.match(r"p0 t(\d+) (\w+) ?(.*)", line).groups() for line in lines if line.startswith("p0 ")]
    kinds = [kind for _, kind, _ in events]
    check(lines[:1] == ["# DebugActiveProcess ok"], "the attach succeeds")
    check(kinds[:2] == ["CREATE_PROCESS", "LOAD_DLL"] and events[1][2].startswith("ntdll.dll"),
          "CREATE_PROCESS, then LOAD_DLL of ntdll")
    check("EXCEPTION" in kinds, "there is a breakpoint")
    if wrong:
        return wrong
    at = kinds.index("EXCEPTION")
    breaker = events[at][0]
    check(re.match(r"0x80000003 first=1 .*\[initial\]", events[at][2]), "the breakpoint is the first")
    create = [i for i, event in enumerate(events) if event[:2] == (breaker, "CREATE_THREAD")]
    check(create and create[0] < at and "start=ntdll.dll+" in events[create[0]][2],
          "CREATE_THREAD of the break-in thread precedes its breakpoint")
    check((breaker, "EXIT_THREAD", "code=0x0") in events[at:], "the break-in thread ends")
    modules = [text.split()[0] for _, kind, text in events if kind == "LOAD_DLL"]
    check(len(modules) == len(set(modules)), "no module is told twice")
    check("kernel32.dll" in modules and not any(name.endswith(".exe") for name in modules), "the loader's list, no EXE")
    fake = [kind for kind in kinds[:create[0] if create else at] if kind in ("CREATE_THREAD", "LOAD_DLL")][1:]
    check(fake == sorted(fake), "threads are told before modules")
    check(kinds.count("EXIT_PROCESS") == 1 and kinds[-1] == "EXIT_PROCESS", "EXIT_PROCESS is the last")
    return wrong


def attach(run):
    seen, output, _ = run.guest("-a", "100", "loop.exe", "300")
    expected, native_output, _ = run.native("--attach-after", "100ms", "loop.exe", "300")
    said = [] if "loop end dbg=1" in output else [f"attach: the program says {output}"]
    return attach_rules(seen) + said + difference("attach", expected, seen) + \
        difference("attach, program output", native_output, output)


def attach_and_detach(run):
    seen, output, _ = run.guest("-a", "100", "-d", "50", "loop.exe", "300")
    expected, native_output, _ = run.native("--attach-after", "100ms", "--detach-after", "8", "loop.exe", "300")
    wrong = []
    # ERROR_SEM_TIMEOUT of the wait, then the detach, then the program's own end.
    if seen[-2:] != ["# timeout(le=121) DebugActiveProcessStop=1", "# target wait=0 exit=0x66"]:
        wrong.append(f"detach: {seen[-2:]}")
    if expected[-2:] != ["# DebugActiveProcessStop ok", "# target exit=0x66"]:
        wrong.append(f"native detach: {expected[-2:]}")
    if output != ["loop end dbg=0"] or native_output != output:
        wrong.append(f"after the detach the program says {output}, natively {native_output}")
    return wrong + difference("detach", expected[:-2], seen[:-2])


def children(run):
    """The inner evtrace starts a program without a debugger: it inherits the outer one, so an attach is refused."""
    program = ["evtrace.exe", "-a", "0", "hello.exe"]
    seen, output, _ = run.guest("-p", *program)
    expected, native_output, _ = run.native("--follow-children", *program)
    wrong = [] if "DebugActiveProcess failed 87" in output else ["children: a second debugger was not refused"]
    wrong += [] if any(line.startswith("p1 ") for line in seen) else ["children: no event of the child"]
    return wrong + difference("children", by_thread(expected), by_thread(seen)) + \
        difference("children, program output", sorted(native_output), sorted(output))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dbgksim", required=True)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--userland", default="wine", help="wine, or hybrid: over the builtin kernel32")
    parser.add_argument("samples", nargs="*", help="default: all, and the attach cases")
    arguments = parser.parse_args()
    names = sorted(path.stem for path in arguments.programs.glob("*.exe") if path.stem not in NOT_SAMPLES)
    if not names:
        print(f"skipped: no programs in {arguments.programs}")
        return SKIPPED
    run = Runner(arguments.dbgksim, arguments.programs, arguments.userland)
    cases = [(sample, run, name, mode) for name in arguments.samples or names for mode in MODES]
    if not arguments.samples:
        cases += [(attach, run), (attach_and_detach, run), (children, run)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: case[0](*case[1:]), cases))
    for line in (line for wrong in results for line in wrong):
        print(line)
    bad = sum(bool(wrong) for wrong in results)
    print(f"{len(cases)} cases compared: {bad} differ" if bad else f"{len(cases)} cases compared: all alike")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
