#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs emu_bench and event_bench, or with the words `queue`, `restore` or `strace` other measurements, and prints their
figures beside the aims.

A ratio compares two figures of one turn, measured one after the other; the median of the turns is shown. All times are
processor time of the measuring process, user and system."""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile

TURNS = 5


def output_of(*command):
    output = subprocess.run(command, capture_output=True, text=True, check=False)
    if output.returncode != 0:
        sys.exit(f"{' '.join(command)}: {output.stderr.strip() or output.returncode}")
    return output.stdout.splitlines()


def figures(*command):
    """The lines of a program as {name: [[figure or word, ...], ...]}."""
    lines = {}
    for line in output_of(*command):
        name, *values = line.split(maxsplit=4)
        lines.setdefault(name, []).append(values)
    return lines


def row(what, measured, aim, reached):
    print(f"{what:<56} {measured:>24}   {aim:<22} {'yes' if reached else 'no' if reached is not None else ''}".rstrip())


def at_least(what, value, aim, unit=""):
    row(what, f"{value:.3f}{unit}", f">= {aim}{unit}", value >= aim)


def at_most(what, value, aim, unit):
    row(what, f"{value:.2f}{unit}", f"<= {aim}{unit}", value <= aim)


def guest_speed():
    """The aims are for real code; the loops of a few instructions show what a block costs at worst."""
    for ours, bare, block, name in figures(EMU_BENCH, "guest", SHA256)["guest"]:
        for what, time, aim in (("library with BLOCK hook", block, 0.98), ("library without hooks", bare, 0.90)):
            value = float(time) / float(ours)
            if name.startswith("C:"):
                at_least(f"{name}: speed, {what} = 1", value, aim)
            else:
                row(f"{name}: speed, {what} = 1", f"{value:.3f}", "", None)


def events():
    turns = []
    for _ in range(TURNS):
        ours, bare = map(float, figures(EMU_BENCH, "stops")["stop"][0])
        lines = figures(EVENT_BENCH, "events", NANO, INT3)
        turns.append((float(lines["event"][0][0]), ours, bare, float(lines["peak"][0][0])))
    event, stop, bare, peak = (statistics.median(turn[i] for turn in turns) for i in range(4))
    row("library: stop, save, restore, restart", f"{bare:.0f} ns", "", None)
    row("cpu_run to an int3 on two fibers", f"{stop:.0f} ns", "", None)
    row("debug event: int3, wait, continue", f"{event:.0f} ns", "", None)
    at_most("debug event, library's stop and restart = 1", statistics.median(t[0] / t[2] for t in turns), 3, "")
    at_least("debug events per second", 1e3 / event, 1, " million")
    row("peak memory of that", f"{peak:.1f} MB", "", None)


def processes(name, userland, program, count, aim):
    lines = [figures(EVENT_BENCH, "processes", userland, program, str(count)) for _ in range(TURNS)]
    each, first = (statistics.median(float(l["process"][0][i]) for l in lines) for i in range(2))
    at_most(f"process from create to exit, {name}", each, aim, " ms")
    row("the same, the first one with its machine", f"{first:.2f} ms", "", None)
    row("peak memory of that", f"{max(float(l['peak'][0][0]) for l in lines):.1f} MB", "", None)


def command_and_its_dlls():
    """The whole command on a sample by the clock on the wall, and how large the DLLs inside it are."""
    turns = []
    for _ in range(20):
        start = time.monotonic()
        output_of(COMMAND, "trace", "--userland", "builtin", "sample:hello")
        turns.append(1e3 * (time.monotonic() - start))
    at_most("dbgksim trace sample:hello, wall", min(turns), 20, " ms")
    size = next(line.split()[1] for line in output_of(COMMAND, "doctor") if line.startswith("builtin "))
    at_most("builtin DLLs in the library", float(size), 512, " KB")


def queue(*command):
    """Tables as they are printed, then their ratios: cost of one event among very many, and among few."""
    lines = output_of(*command)
    ratios = [line.split(maxsplit=2)[1:] for line in lines if line.startswith("ratio ")]
    print("\n".join(line for line in lines if not line.startswith("ratio ")))
    row("cost per event", "ratio", "aim", None)
    for value, what in ratios:
        at_most(what, float(value), 2, "")


def restore(*command):
    """Restoring so many written pages of a process, beside copying these pages alone."""
    row("written pages", "restore, memcpy", "aim", None)
    for pages, ours, bare in (map(float, line.split()[1:]) for line in output_of(*command)):
        row(f"{pages:.0f}", f"{ours:.0f}, {bare:.0f} ns", "", None)
        if pages >= 64:
            at_most("the ratio", ours / bare, 1.5, "")


def processor_time(*command):
    """Milliseconds of a command and the lines that it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = output_of(*command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime), len(lines)


def strace(command, oracle, archiver):
    """Whole runs with and without strace, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(os.path.join(folder, "a.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(200):
                archive.writestr(f"folder{i % 10}/file{i}.txt", f"line {i}\n" * 400)
        seven = [archiver], ["--map", folder + "=C:\\data"]
        cases = [("7za l, an archive of 200 files", *seven, ["l", "C:\\data\\a.zip"]),
                 ("7za t, the same", *seven, ["t", "C:\\data\\a.zip"]),
                 ("evtrace and its debuggee", [oracle + "/evtrace.exe"], [], ["hello.exe"])]
        row("whole run", "without, with", "aim", None)
        for what, program, options, arguments in cases:
            if not os.path.exists(program[0]):
                row(what, "no such program", "", None)
                continue
            turns = []
            for _ in range(TURNS):
                plain, _ = processor_time(command, "run", *options, *program, *arguments)
                traced, lines = processor_time(command, "strace", "--program-output", "/dev/null", *options, *program,
                                               *arguments)
                turns.append((traced / plain, plain, traced))
            ratio, plain, traced = (statistics.median(turn[i] for turn in turns) for i in range(3))
            row(f"{what}: {lines} lines", f"{plain:.0f}, {traced:.0f} ms", "", None)
            at_most("without strace = 1", ratio, 2, "")


if sys.argv[1] == "strace":
    strace(*sys.argv[2:])
    sys.exit()
if sys.argv[1] == "restore":
    restore(*sys.argv[2:])
    sys.exit()
if sys.argv[1] == "queue":
    queue(*sys.argv[2:])
    sys.exit()
EMU_BENCH, EVENT_BENCH, SHA256, NANO, INT3, EXIT, HELLO, SNAPSHOT_BENCH, PAGES, COMMAND = sys.argv[1:11]


def snapshots():
    """A case of a fuzzer: restore, continue, eight pages written, int3, wait."""
    turns = [tuple(map(float, figures(SNAPSHOT_BENCH, NANO, PAGES)["case"][0])) for _ in range(TURNS)]
    ours, bare = (statistics.median(turn[i] for turn in turns) for i in range(2))
    row("library: 8 pages by D bits, TLB flush, run", f"{bare:.0f} ns", "", None)
    row("snapshot: restore, continue, run, debug event", f"{ours:.0f} ns", "", None)
    at_least("cases with 8 written pages per second", 1e6 / ours, 50, " thousand")
    at_most("such a case, library's = 1", statistics.median(turn[0] / turn[1] for turn in turns), 1.5, "")


row("figure", "measured", "aim", None)
guest_speed()
events()
snapshots()
processes("nano ntdll", NANO, EXIT, 200, 2)
processes("hello on the builtin DLLs", "builtin", "sample:hello", 200, 2)
command_and_its_dlls()
processes("hello on Wine's DLLs", "wine", HELLO, 10, 60)
