#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The dbgksim command: exit statuses, messages, streams and formats, on guest programs with the nano userland."""
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

COMMAND, NANO, PROGRAMS = sys.argv[1:4]


def program(name):
    return str(pathlib.Path(PROGRAMS) / f"{name}.exe")


def dbgksim(*arguments, **options):
    return subprocess.run([COMMAND, *arguments], capture_output=True, timeout=60, check=False, **options)


def run(name, *options):
    return dbgksim("run", "--userland", NANO, *options, program(name))


def trace(name, *options):
    return dbgksim("trace", "--userland", NANO, *options, program(name))


class BadUse(unittest.TestCase):
    def refused(self, *arguments):
        done = dbgksim(*arguments)
        self.assertEqual(done.returncode, 2, arguments)
        self.assertEqual(done.stdout, b"", arguments)
        self.assertRegex(done.stderr.decode(), r"\Adbgksim[^\n]+\n\Z", arguments)
        return done.stderr.decode()

    def test_commands(self):
        self.refused()
        self.assertIn("frobnicate", self.refused("frobnicate"))

    def test_options(self):
        self.refused("run")
        self.refused("trace")
        self.assertIn("--colour", self.refused("trace", "--colour", "x.exe"))
        self.refused("trace", "--format")
        self.assertIn("xml", self.refused("trace", "--format", "xml", "x.exe"))
        self.refused("trace", "--on-exception", "maybe", "x.exe")
        self.refused("run", "--seed", "twelve", "x.exe")
        self.refused("run", "--seed", "-1", "x.exe")
        self.refused("run", "--budget", "0", "x.exe")
        self.refused("run", "--map", "/tmp", "x.exe")
        self.refused("run", "--format", "lines", "x.exe")
        self.refused("trace", "--explain", "--format", "lines", "x.exe")
        self.refused("doctor", "x.exe", "y.exe")

    def test_programs(self):
        self.assertIn("/nonexistent/x.exe", self.refused("run", "--userland", NANO, "/nonexistent/x.exe"))
        self.assertIn("/nonexistent/x.exe", self.refused("trace", "--userland", NANO, "/nonexistent/x.exe"))
        with tempfile.NamedTemporaryFile(suffix=".exe") as file:
            self.refused("trace", "--userland", NANO, file.name)
            file.write(b"not a program at all" * 100)
            file.flush()
            self.assertIn(pathlib.Path(file.name).name, self.refused("run", "--userland", NANO, file.name))
        self.refused("run", "--userland", NANO, NANO)
        self.refused("run", "--userland", "/nonexistent", program("g_hello"))

    def test_files(self):
        self.refused("trace", "--userland", NANO, "-o", "/nonexistent/trace", program("g_hello"))
        self.refused("run", "--userland", NANO, "--program-output", "/nonexistent/out", program("g_hello"))
        with tempfile.TemporaryDirectory() as folder:
            file = folder + "/both"
            self.refused("trace", "--userland", NANO, "-o", file, "--program-output", file, program("g_hello"))


class Help(unittest.TestCase):
    def test_help_and_version(self):
        for arguments in ["--help"], ["-h"], ["run", "--help"], ["trace", "-h"], ["doctor", "--help"]:
            done = dbgksim(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
            self.assertLess(max(map(len, done.stdout.splitlines())), 121)
        self.assertRegex(dbgksim("--version").stdout, rb"\Adbgksim \d+\.\d+\.\d+\n\Z")

    def test_doctor(self):
        done = dbgksim("doctor", "--userland", NANO)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(b"nicorn", done.stdout)


class Run(unittest.TestCase):
    def test_exit_code_and_output(self):
        self.assertEqual(run("g_exit42").returncode, 42)
        done = run("g_hello")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.strip(), b"hello")

    def test_low_8_bits(self):
        self.assertEqual(run("g_int3_unhandled").returncode, 0x03)

    def test_program_output_file(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("g_hello", "--program-output", folder + "/out")
            self.assertEqual(done.stdout, b"")
            self.assertEqual(pathlib.Path(folder, "out").read_bytes().strip(), b"hello")

    def test_log_names_a_missing_service_once(self):
        with tempfile.TemporaryDirectory() as folder:
            done = run("g_hostile", "--log", folder + "/log")
            self.assertEqual(done.stderr, b"")
            remarks = pathlib.Path(folder, "log").read_text(encoding="utf-8").splitlines()
            missing = [line.split(" ", 1)[1] for line in remarks if line.endswith(" is not implemented")]
            self.assertTrue(missing)
            self.assertEqual(len(missing), len(set(missing)))

    def test_deadlock(self):
        done = run("g_deadlock")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"\Adbgksim run: [^\n]*deadlock[^\n]*\n\Z")

    def test_budget(self):
        done = run("g_spin", "--budget", "100000")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"\Adbgksim run: [^\n]*budget[^\n]*\n\Z")

    def test_full_disk(self):
        done = run("g_hello", "--program-output", "/dev/full")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"could not be written", done.stderr)

    def test_interrupt(self):
        with subprocess.Popen([COMMAND, "run", "--userland", NANO, program("g_spin")], stderr=subprocess.PIPE) as child:
            time.sleep(1)
            child.send_signal(signal.SIGINT)
            error = child.communicate(timeout=20)[1]
        self.assertEqual(child.returncode, 130)
        self.assertRegex(error, rb"\Adbgksim run: [^\n]*interrupt[^\n]*\n\Z")


LINES = r"""p0 t0 CREATE_PROCESS g_int3_veh\.exe base=0x[0-9a-f]+ start=g_int3_veh\.exe\+0x[0-9a-f]+ dbgoff=\d+ dbgsize=\d+ teb=nz name=null uni=1 hT=1
p0 t0 LOAD_DLL ntdll\.dll dbgoff=\d+ dbgsize=\d+ name="ntdll\.dll" uni=1
p0 t0 EXCEPTION 0x80000003 first=1 flags=0x0 at ntdll\.dll\+0x[0-9a-f]+ rip=ntdll\.dll\+0x[0-9a-f]+ efl\.TF=0 dr6=0x0 np=1 0x0 \[initial\] -> CONTINUE
p0 t0 EXCEPTION 0x80000003 first=1 flags=0x0 at g_int3_veh\.exe\+0x[0-9a-f]+ rip=g_int3_veh\.exe\+0x[0-9a-f]+ efl\.TF=0 dr6=0x0 np=1 0x0 -> NOT_HANDLED
p0 t0 EXIT_PROCESS code=0x0
"""


class Idt(unittest.TestCase):
    def test_table(self):
        lines = dbgksim("idt").stdout.decode().splitlines()
        self.assertIn("limit FFF", lines[0])
        self.assertRegex(lines[4], r"^03 +KiBreakpointTrap +fffff80000010030  10   3    - +interrupt present$")
        self.assertRegex(lines[9], r"^08 +KiDoubleFaultAbort .* IST1 ")
        self.assertRegex(lines[-1], r"^30-FF +KiUnexpectedInterrupt ")

    def test_changes(self):
        text = dbgksim("idt", "--gate", "3:to=KiInvalidOpcodeFault,ist=4,dpl=1,type=15,selector=0x33", "--gate",
                       "6:absent", "--gate", "6:present", "--gate", "7:to=0x1234,absent", "--gate", "8:type=0",
                       "--gate", "limit:0x3ff").stdout.decode()
        self.assertRegex(text, r"\n03 +KiInvalidOpcodeFault +fffff80000010060  33   1    IST4  trap +present\n")
        self.assertRegex(text, r"\n06 +KiInvalidOpcodeFault .* interrupt present\n")
        self.assertRegex(text, r"\n07 +\(no code\) +0000000000001234 .* absent\n")
        self.assertRegex(text, r"\n08 .* none +present\n")
        self.assertRegex(text, r"\n40-FF .* past the limit\n\Z")

    def test_bad_changes(self):
        for gate in ("3", "3:", "3:foo", "256:absent", "x:absent", "3:dpl=4", "3:ist=8", "3:type=16", "3:to=KiNothing",
                     "3:selector=0x10000", "limit:0x1000", "limit:x", "limit:99999"):
            done = dbgksim("idt", "--gate", gate)
            self.assertEqual(done.returncode, 2, gate)
            self.assertEqual(done.stdout, b"", gate)
            self.assertRegex(done.stderr.decode(), r"\Adbgksim idt: --gate [^\n]+\n\Z", gate)

    def test_double_and_triple_fault(self):
        done = run("g_privileged", "--gate", "13:absent")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"*** STOP: 0x0000007F (0x0000000000000008, ", done.stderr)
        done = run("g_privileged", "--gate", "13:absent", "--gate", "8:absent")
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"*** triple fault: ", done.stderr)

    def test_explain(self):
        text = trace("g_privileged", "--explain", "--gate", "13:absent").stdout.decode()
        self.assertRegex(text, r"IDT\[0x0d\] +not present: #NP, error code 0x6b\n.*IDT\[0x08\] +gate DPL 0, stack IST 1, leads to "
                               r"KiDoubleFaultAbort\n.*KiDoubleFaultAbort .*\n.*KeBugCheckEx +0x0000007f")
        text = trace("g_privileged", "--explain", "--gate", "13:absent", "--gate", "8:absent").stdout.decode()
        self.assertRegex(text, r"triple fault +#DF could not be delivered either")
        text = trace("g_divide", "--explain").stdout.decode()
        self.assertRegex(text, r"KiPreprocessFault +the divisor is not 0: STATUS_INTEGER_OVERFLOW\n")
        self.assertRegex(text, r"KiDebugRoutine +not asked, the process has a debug port\n")


class Trace(unittest.TestCase):
    def test_lines(self):
        done = trace("g_int3_veh", "--format", "lines")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertRegex(done.stdout.decode(), rf"\A{LINES}\Z")

    def test_handled(self):
        out = trace("g_int3_unhandled", "--format", "lines", "--on-exception", "handled").stdout.decode()
        self.assertEqual(out.count("-> CONTINUE"), 2)
        self.assertTrue(out.endswith("p0 t0 EXIT_PROCESS code=0x7\n"), out)
        out = trace("g_int3_unhandled", "--format", "lines").stdout.decode()
        self.assertIn(" first=0 ", out)
        self.assertTrue(out.endswith("p0 t0 EXIT_PROCESS code=0x80000003\n"), out)

    def test_text(self):
        done = trace("g_int3_veh")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        out = done.stdout.decode()
        self.assertNotIn("\033", out)
        self.assertRegex(out, r"STATUS_BREAKPOINT, first chance, at ntdll!\w+(\+0x[0-9a-f]+)? \(first breakpoint\) -> con")
        self.assertRegex(out, r"at g_int3_veh!breakpoint -> not handled\n +[0-9a-f]{16}  int3\n")
        columns = {line.index(word) for line in out.splitlines() for word in ("LOAD_DLL", "EXCEPTION", "EXIT_PROCESS")
                   if word in line}
        self.assertEqual(len(columns), 1, out)

    def test_text_of_an_access_violation(self):
        out = trace("g_access_violation").stdout.decode()
        self.assertRegex(out, r"STATUS_ACCESS_VIOLATION, first chance, at g_access_violation![\w+]+, reading 0x[0-9a-f]+")
        self.assertRegex(out, r", writing 0x[0-9a-f]+ ")

    def test_jsonl(self):
        done = trace("g_debug_string", "--format", "jsonl")
        records = [json.loads(line) for line in done.stdout.decode().splitlines()]
        self.assertEqual(records[0]["type"], "start")
        self.assertEqual(records[0]["schema"], 1)
        self.assertEqual(records[-1], {"type": "end", "reason": "exit", "events": len(records) - 2,
                                       "time_ns": records[-1]["time_ns"]})
        events = records[1:-1]
        self.assertTrue(all(event["type"] == "event" for event in events))
        self.assertEqual([event["number"] for event in events], list(range(1, len(events) + 1)))
        self.assertEqual([event["event"] for event in events][:4],
                         ["CREATE_PROCESS", "LOAD_DLL", "EXCEPTION", "OUTPUT_DEBUG_STRING"])
        self.assertEqual(events[2]["code"], "0x80000003")
        self.assertEqual(events[2]["answer"], "DBG_CONTINUE")
        self.assertTrue(events[2]["first_breakpoint"])
        self.assertEqual(events[3]["text"], "hello, debugger")
        self.assertEqual(events[-1]["exit_code"], 0)

    def test_explain(self):
        out = trace("g_int3_veh", "--explain").stdout.decode()
        path = ["#BP, vector 3", "IDT[0x03]", "KiBreakpointTrap", "KiDispatchException", "DbgkForwardException",
                "DbgkpSendApiMessage", "DbgkpSuspendProcess", "DbgkpQueueMessage", "NtWaitForDebugEvent",
                "EXCEPTION ", "NtDebugContinue", "DbgkpWakeTarget", "DbgkForwardException",
                "KiUserExceptionDispatcher"]
        at = out.rindex("#BP, vector 3")
        for step in path:
            found = out.find(step, at)
            self.assertGreaterEqual(found, at, f"{step} is not in its place:\n{out}")
            at = found
        records = [json.loads(line) for line in
                   trace("g_int3_veh", "--explain", "--format", "jsonl").stdout.decode().splitlines()]
        probes = [record for record in records if record["type"] == "probe"]
        self.assertIn("DISPATCH", {probe["probe"] for probe in probes})
        sequence = [probe["sequence"] for probe in probes]
        self.assertEqual(sequence, sorted(sequence))

    def test_explain_tells_why_no_port_is_asked(self):
        hidden = "there is one, but the thread is hidden (HideFromDebugger)"
        out = trace("g_hide", "--explain").stdout.decode()
        self.assertIn("STATUS_BREAKPOINT to the debug port, first chance: " + hidden, out)
        self.assertRegex(out, r"DbgkExitProcess +nothing is sent, the thread is hidden \(HideFromDebugger\)\n")
        self.assertNotIn("there is none", out)
        out = trace("g_int3_unhandled", "--explain").stdout.decode()
        self.assertIn("STATUS_BREAKPOINT to the exception port, second chance: there is none\n", out)
        self.assertNotIn("hidden", out)
        out = trace("g_int3_unhandled", "--explain", "--detach-after", "3").stdout.decode()
        self.assertIn("STATUS_BREAKPOINT to the debug port, first chance: there is none\n", out)

    def test_explain_keeps_output_in_its_place(self):
        lines = trace("g_hello", "--explain").stdout.decode().splitlines()
        output = next(i for i, line in enumerate(lines) if line.strip() == "hello")
        self.assertIn("back in user mode", "".join(lines[:output]))
        self.assertIn("PsTerminateProcess", "".join(lines[output:output + 3]))

    def test_explain_changes_nothing(self):
        plain = trace("g_threads").stdout.decode().splitlines()
        explained = trace("g_threads", "--explain").stdout.decode().splitlines()
        self.assertEqual([line for line in explained if not re.match(" +[|]|$", line)], plain)

    def test_streams(self):
        with tempfile.TemporaryDirectory() as folder:
            file, output = pathlib.Path(folder, "trace"), pathlib.Path(folder, "output")
            done = trace("g_hello", "--format", "lines", "-o", str(file))
            self.assertEqual(done.stdout.strip(), b"hello")
            self.assertNotIn("hello\n", file.read_text())
            self.assertTrue(all(line.startswith("p0 t0 ") for line in file.read_text().splitlines()))
            done = trace("g_hello", "--format", "lines", "--program-output", str(output))
            self.assertEqual(output.read_bytes().strip(), b"hello")
            self.assertEqual(done.stdout.decode(), file.read_text())

    def test_one_stream_keeps_lines_and_order(self):
        lines = trace("g_hello", "--format", "lines").stdout.decode().replace("\r", "").splitlines()
        self.assertIn("hello", lines)
        self.assertTrue(all(line == "hello" or line.startswith("p0 t0 ") for line in lines), lines)
        self.assertTrue(lines[-1].startswith("p0 t0 EXIT_PROCESS"))
        self.assertLess(lines.index("hello"), len(lines) - 1)

    def test_colour_only_on_a_terminal(self):
        for environment, coloured in ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), \
                                     ({"TERM": "dumb"}, False):
            master, slave = pty.openpty()
            subprocess.run([COMMAND, "trace", "--userland", NANO, program("g_exit42")], stdout=slave, timeout=60,
                           env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment}, check=True)
            os.close(slave)
            out = b""
            try:
                while piece := os.read(master, 65536):
                    out += piece
            except OSError:
                pass
            os.close(master)
            self.assertEqual(b"\033[" in out, coloured, environment)

    def test_deadlock(self):
        done = trace("g_deadlock")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, rb"\Adbgksim trace: [^\n]*deadlock[^\n]*\n\Z")
        self.assertIn(b"who waits for what", done.stdout)

    def test_same_input_same_bytes(self):
        for options in ["--format", "lines"], ["--format", "jsonl"], ["--explain"], ["--random-schedule", "--seed", "7"]:
            self.assertEqual(trace("g_interleave", *options).stdout, trace("g_interleave", *options).stdout, options)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
