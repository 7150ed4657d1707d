#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dbgksim strace: filters, totals, unfinished and resumed calls, formats, streams; on programs with the nano userland."""
import collections
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

COMMAND, NANO, PROGRAMS, OWN_PROGRAMS = sys.argv[1:5]
LINE = re.compile(r"\[(\d+):(\d+)\] (?:<\.\.\. )?([A-Za-z_]\w*)(?:\(| resumed>)")


def dbgksim(*arguments, **options):
    return subprocess.run([COMMAND, *arguments], capture_output=True, timeout=60, check=False, **options)


def program(name):
    return str(pathlib.Path(OWN_PROGRAMS if name == "wx86" else PROGRAMS) / f"{name}.exe")


def strace(name, *options, output=True):
    """Lines of strace itself, apart from what the program prints."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "trace")
        done = dbgksim("strace", "--userland", NANO, *options, "-o", str(file), program(name))
        return file.read_text().splitlines(), done


def calls(name, *options):
    return [m.group(3) for line in strace(name, *options)[0] if (m := LINE.match(line)) and "resumed>" not in line]


class Calls(unittest.TestCase):
    def test_lines(self):
        lines, done = strace("g_hello")
        self.assertEqual(done.returncode, dbgksim("run", "--userland", NANO, program("g_hello")).returncode)
        self.assertTrue(any(re.match(r"\[16:20\] NtWriteFile\(0x\w+<File [^>]*>, NULL, NULL, NULL, -> \{STATUS_SUCCESS, \d+\}, "
                                     r"\"[^\"]+\", \d+, NULL, NULL\) = STATUS_SUCCESS$", line) for line in lines), lines)
        self.assertRegex(lines[-1], r"\[16:20\] \+\+\+ process 16 ends with 0x0 \+\+\+")
        self.assertTrue(any(re.match(r"\[16:20\] NtTerminateProcess\(-1, 0\) = \?$", line) for line in lines))

    def test_program_output_has_lines_of_its_own(self):
        both = dbgksim("strace", "--userland", NANO, program("g_hello")).stdout.decode().splitlines()
        plain = dbgksim("run", "--userland", NANO, program("g_hello")).stdout.decode().splitlines()
        self.assertTrue(plain)
        self.assertEqual([line for line in both if not line.startswith("[")], plain)
        # Before its own output stands no later call.
        write = next(i for i, line in enumerate(both) if "NtWriteFile" in line)
        self.assertLessEqual(abs(both.index(plain[0]) - write), 1)

    def test_status(self):
        self.assertEqual(strace("g_exit42")[1].returncode, 42)

    def test_unfinished_calls_are_resumed(self):
        for name in ("g_interleave", "g_wait", "g_debugger", "g_threads", "g_create_by_hand"):
            waiting, resumed = {}, 0
            for line in strace(name)[0]:
                match = LINE.match(line)
                if not match:
                    self.assertRegex(line, r"\[\d+:\d+\] (\+\+\+|---) .* (\+\+\+|---)$")
                    continue
                thread, service = match.group(1, 2), match.group(3)
                if line.endswith(" <unfinished ...>"):
                    self.assertNotIn(thread, waiting, line)
                    waiting[thread] = service
                elif "resumed>" in line:
                    self.assertEqual(waiting.pop(thread, None), service, line)
                    resumed += 1
                else:
                    self.assertNotIn(thread, waiting, line)
                    self.assertRegex(line, r"\) = (STATUS_\w+|DBG_\w+|\?.*|0x[0-9a-f]{8})$")
            self.assertGreater(resumed, 0, name)

    def test_exceptions_have_their_final_codes(self):
        expected = {"g_divide": ["INTEGER_DIVIDE_BY_ZERO", "INTEGER_OVERFLOW"], "g_ud2": ["ILLEGAL_INSTRUCTION"],
                    "g_privileged": ["PRIVILEGED_INSTRUCTION"], "wx86": ["WX86_BREAKPOINT", "PRIVILEGED_INSTRUCTION"]}
        for name, codes in expected.items():
            lines = [line for line in strace(name)[0] if "] --- " in line]
            self.assertEqual({line.split()[2] for line in lines}, {f"STATUS_{code}" for code in codes}, name)
            records = [json.loads(line) for line in strace(name, "--format", "jsonl")[0]]
            exceptions = [r for r in records if r["type"] == "exception"]
            self.assertEqual([r["first_chance"] for r in exceptions], ["first chance" in line for line in lines])
            self.assertTrue(all(int(r["code"], 16) >> 28 != 1 for r in exceptions), exceptions)

    def test_a_call_that_never_ends(self):
        lines, done = strace("g_deadlock")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"deadlock", done.stderr)
        open_calls = [line for line in lines if line.endswith("<unfinished ...>")]
        self.assertTrue(open_calls)
        self.assertGreater(len(open_calls), sum("resumed>" in line for line in lines))

    def test_exceptions(self):
        lines = strace("g_int3_veh")[0]
        self.assertTrue(any(re.match(r"\[16:20\] --- STATUS_BREAKPOINT at 0x[0-9a-f]+, first chance ---$", line)
                            for line in lines))
        self.assertTrue(any(re.match(r"\[16:20\] NtContinue(Ex)?\(\{ContextFlags 0x\w+, rip 0x\w+, .*\) = "
                                     r"\? \(another context\)$", line) for line in lines), lines)

    def test_debugger_and_debuggee(self):
        lines = strace("g_debugger")[0]
        text = "\n".join(lines)
        self.assertRegex(text, r"NtCreateDebugObject\(-> 0x\w+<DebugObject>, DEBUG_ALL_ACCESS")
        self.assertRegex(text, r"-> \{DbgCreateProcessStateChange, \d+:\d+, process 0x\w+, thread 0x\w+")
        self.assertRegex(text, r"NtDebugContinue\(0x\w+<DebugObject>, &\d+:\d+, DBG_\w+\) = STATUS_SUCCESS")
        self.assertGreaterEqual(len({m.group(1) for line in lines if (m := LINE.match(line))}), 2)

    def test_the_same_again(self):
        self.assertEqual(strace("g_interleave")[0], strace("g_interleave")[0])
        self.assertEqual(strace("g_interleave", "--random-schedule", "--seed", "3")[0],
                         strace("g_interleave", "--random-schedule", "--seed", "3")[0])


class Filters(unittest.TestCase):
    everything = staticmethod(lambda: calls("g_virtual_memory"))

    def test_name_and_glob(self):
        every = self.everything()
        for pattern in ("NtAllocateVirtualMemory", "NtQuery*", "*Memory", "Nt?lose"):
            self.assertEqual(calls("g_virtual_memory", "-e", pattern),
                             [name for name in every if fnmatch.fnmatchcase(name, pattern)], pattern)
        self.assertIn("NtAllocateVirtualMemory", every)

    def test_families(self):
        every = self.everything()
        memory = calls("g_virtual_memory", "-e", "memory")
        self.assertEqual(set(memory), {name for name in every if "VirtualMemory" in name or "View" in name or
                                       "InstructionCache" in name} & set(every))
        self.assertNotIn("NtWriteFile", memory)

    def test_negation(self):
        every = self.everything()
        self.assertEqual(calls("g_virtual_memory", "-e", "!memory"), [n for n in every if n not in
                                                                     calls("g_virtual_memory", "-e", "memory")])
        self.assertEqual(calls("g_virtual_memory", "-e", "memory,!NtAllocate*"),
                         [n for n in calls("g_virtual_memory", "-e", "memory") if not n.startswith("NtAllocate")])
        self.assertEqual(calls("g_virtual_memory", "-e", "all"), every)
        self.assertEqual(calls("g_virtual_memory", "-e", "!all"), [])

    def test_bad_use(self):
        for arguments in (["-e", "frobnicate"], ["-e", ""], ["-e", "memory,,"], ["-e", "!"], ["--format", "lines"], ["-e"]):
            done = dbgksim("strace", *arguments, program("g_hello"))
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            self.assertRegex(done.stderr.decode(), r"\Adbgksim strace: [^\n]+\n\Z")
        self.assertEqual(dbgksim("strace").returncode, 2)
        self.assertIn(b"strace", dbgksim("--help").stdout)
        self.assertIn(b"--summary", dbgksim("strace", "--help").stdout)


class Totals(unittest.TestCase):
    def totals(self, name):
        lines = strace(name, "-c")[0]
        rows = [line.split() for line in lines[1:]]
        self.assertEqual(lines[0].split(), ["calls", "failures", "virtual", "ms", "service"])
        return {row[3]: (int(row[0]), int(row[1]), float(row[2])) for row in rows}

    def test_totals_are_those_of_the_calls(self):
        for name in ("g_hello", "g_virtual_memory", "g_threads"):
            records = [json.loads(line) for line in
                       dbgksim("strace", "--userland", NANO, "--format", "jsonl", "--program-output", "/dev/null",
                               program(name)).stdout.decode().splitlines()]
            counted = collections.Counter(r["service"] for r in records if r["type"] == "call")
            totals = self.totals(name)
            every = totals.pop("total")
            self.assertEqual({service: row[0] for service, row in totals.items()}, dict(counted))
            self.assertEqual(every[0], sum(counted.values()))
            failed = collections.Counter(r["service"] for r in records if r["type"] == "call" and
                                         int(r.get("status", "0x0"), 16) >= 0x80000000)
            self.assertEqual({s: row[1] for s, row in totals.items() if row[1]}, dict(failed))
            self.assertEqual(every[1], sum(failed.values()))

    def test_order_and_time(self):
        lines = strace("g_timer", "-c")[0][1:-1]
        numbers = [int(line.split()[0]) for line in lines]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertGreater(sum(row[2] for name, row in self.totals("g_timer").items() if "Wait" in name), 0)


class Jsonl(unittest.TestCase):
    def test_records(self):
        lines, done = strace("g_interleave", "--format", "jsonl")
        records = [json.loads(line) for line in lines]
        self.assertEqual(records[0]["type"], "start")
        self.assertEqual(records[-1]["type"], "end")
        made = [r for r in records if r["type"] == "call"]
        self.assertEqual(records[-1]["calls"], len(made))
        self.assertEqual(sorted(r["number"] for r in made), list(range(1, len(made) + 1)))
        for r in made:
            self.assertEqual(len(r["values"]), len(r["arguments"]), r)
            self.assertTrue(r["outcome"] == "unfinished" or r["end_ns"] >= r["time_ns"])
            if r["outcome"] == "returns":
                self.assertRegex(r["status"], r"^0x[0-9a-f]+$")
        write = next(r for r in made if r["service"] == "NtWriteFile")
        self.assertEqual(write["names"][:2], ["FileHandle", "Event"])
        self.assertIn("<File ", write["arguments"][0])
        waits = [r for r in made if r["service"] == "NtWaitForSingleObject"]
        self.assertTrue(waits and all("<" in r["arguments"][0] for r in waits))

    def test_the_same_calls_as_text(self):
        text = collections.Counter(calls("g_threads"))
        made = collections.Counter(json.loads(line)["service"] for line in strace("g_threads", "--format", "jsonl")[0]
                                   if '"type":"call"' in line)
        self.assertEqual(text, made)


unittest.main(argv=sys.argv[:1], verbosity=1)
