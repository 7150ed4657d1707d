#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dbgksim trace with --attach-after, --detach-after and --follow-children, on target.exe and parent.exe."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

COMMAND, NANO, PROGRAMS = sys.argv[1:4]


def trace(name, *options):
    return subprocess.run([COMMAND, "trace", "--userland", NANO, *options, str(pathlib.Path(PROGRAMS) / f"{name}.exe")],
                          capture_output=True, timeout=60, check=False)


def lines(name, *options):
    done = trace(name, "--format", "lines", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().replace("\r", "").splitlines()


def kinds(trace_lines):
    """Thread and event of each line, with the file or the code that follows."""
    return [" ".join(line.split()[1:4]) if re.search("LOAD_DLL|EXCEPTION|EXIT", line) else " ".join(line.split()[1:3])
            for line in trace_lines]


class Attach(unittest.TestCase):
    order = ["DebugActiveProcess ok", "t0 CREATE_PROCESS", "t0 LOAD_DLL ntdll.dll", "t1 CREATE_THREAD",
             "t2 CREATE_THREAD", "t0 LOAD_DLL target_dll.dll", "t3 CREATE_THREAD", "t3 EXCEPTION 0x80000003",
             "t3 EXIT_THREAD code=0x0", "t1 EXIT_THREAD code=0x10", "t2 EXIT_THREAD code=0x11",
             "t0 EXCEPTION 0x80000003", "t0 EXIT_PROCESS code=0x7"]

    def test_by_time(self):
        seen = lines("target", "--attach-after", "20ms")
        self.assertEqual(kinds(seen), self.order)
        self.assertEqual(seen[0], "# DebugActiveProcess ok")
        self.assertIn("start=0x0", seen[1])
        self.assertIn("[initial] -> CONTINUE", seen[7])
        self.assertIn("-> NOT_HANDLED", seen[11])

    def test_by_events(self):
        self.assertEqual(kinds(lines("target", "--attach-after", "6")), self.order)

    def test_at_once(self):
        self.assertEqual(kinds(lines("target", "--attach-after", "0"))[:3], self.order[:3])

    def test_more_events_come_later(self):
        times = []
        for count in range(1, 7):
            out = trace("target", "--format", "jsonl", "--attach-after", str(count)).stdout.decode().splitlines()
            times.append(next(record["time_ns"] for record in map(json.loads, out) if record["type"] == "attach"))
        self.assertEqual(times, sorted(times))
        self.assertLess(times[-1], 1000000)

    def test_program_that_ends_before(self):
        for when in "400ms", "5000":
            done = trace("target", "--attach-after", when)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stderr.strip(), b"dbgksim trace: the program ended before the attach")

    def test_explain(self):
        out = trace("target", "--explain", "--attach-after", "20ms").stdout.decode()
        for step in ("DbgKmCreateProcessApi, made up: INACTIVE until the attach commits, its thread is suspended",
                     "DbgKmLoadDllApi, made up: INACTIVE until the attach commits\n",
                     "DbgKmCreateThreadApi, its thread is resumed, nobody waits for it: freed",
                     "DbgKmLoadDllApi, nobody waits for it: freed"):
            self.assertIn(step, out)
        self.assertEqual(out.count("made up"), 5)

    def test_same_bytes(self):
        for options in ["--attach-after", "20ms"], ["--attach-after", "5", "--detach-after", "4"]:
            self.assertEqual(lines("target", *options), lines("target", *options))


class Detach(unittest.TestCase):
    def test_after_attach(self):
        for count in range(9):
            seen = lines("target", "--attach-after", "20ms", "--detach-after", str(count))
            self.assertEqual(kinds(seen[:count + 1]), Attach.order[:count + 1])
            self.assertEqual(seen[count + 1:], ["# DebugActiveProcessStop ok", "# target exit=0x7"])

    def test_after_start(self):
        for count in 0, 3:
            seen = lines("target", "--detach-after", str(count))
            self.assertEqual(seen[count:], ["# DebugActiveProcessStop ok", "# target exit=0x7"])

    def test_end_comes_first(self):
        self.assertEqual(lines("target", "--detach-after", "9999"), lines("target"))
        self.assertEqual(lines("target", "--detach-after", str(len(lines("target")))), lines("target"))

    def test_records(self):
        out = trace("target", "--format", "jsonl", "--attach-after", "20ms", "--detach-after", "2").stdout.decode()
        records = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([record["type"] for record in records],
                         ["start", "attach", "event", "event", "detach", "exit", "end"])
        self.assertEqual(records[1]["time_ns"], 20000000)
        self.assertEqual(records[-2]["exit_code"], 7)


class Children(unittest.TestCase):
    def test_follow(self):
        seen = lines("parent", "--follow-children")
        child = [line for line in seen if line.startswith("p1 ")]
        self.assertEqual({line.split()[0] for line in seen}, {"p0", "p1"})
        self.assertIn("CREATE_PROCESS target.exe", child[0])
        self.assertEqual(sum("[initial]" in line for line in seen), 2)
        self.assertTrue(child[-1].endswith("EXIT_PROCESS code=0x7"))
        self.assertTrue(seen[-1].startswith("p0 t0 EXIT_PROCESS code=0x8"))

    def test_without(self):
        seen = lines("parent")
        self.assertTrue(all(line.startswith("p0 t0 ") for line in seen))
        self.assertTrue(seen[-1].endswith("EXIT_PROCESS code=0x8"))

    def test_detach_from_all(self):
        seen = lines("parent", "--follow-children", "--detach-after", "6")
        self.assertEqual(seen[-3:], ["# DebugActiveProcessStop ok"] * 2 + ["# target exit=0x8"])


class BadUse(unittest.TestCase):
    def test_values(self):
        for options in ["--attach-after", "soon"], ["--attach-after", "ms"], ["--attach-after", "5s"], \
                       ["--attach-after", "-1"], ["--attach-after", "99999999999999999999ms"], \
                       ["--detach-after", "5ms"], ["--follow-children", "--attach-after", "5ms"]:
            done = trace("target", *options)
            self.assertEqual((done.returncode, done.stdout), (2, b""), options)
            self.assertRegex(done.stderr, rb"\Adbgksim trace: [^\n]+\n\Z")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
