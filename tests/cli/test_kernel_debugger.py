#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dbgksim trace --kernel-debugger, on g_kernel_debugger.exe and g_int2d.exe."""
import json
import pathlib
import subprocess
import sys
import unittest

COMMAND, NANO, PROGRAMS = sys.argv[1:4]


def trace(name, *options, answers=b"yellow\nyes\nmore",
          mask=("--kd-print-mask", "0xf")):
    return subprocess.run([COMMAND, "trace", "--userland", NANO, *mask, *options, str(pathlib.Path(PROGRAMS) / f"{name}.exe")],
                          input=answers, capture_output=True, timeout=60, check=False)


SAID = ['KD_PRINT component=101 level=3 "hello, kernel\\n"', 'KD_PRINT component=77 level=2 "of component 77"',
        'KD_LOAD_SYMBOLS size=0x%x "C:\\\\app\\\\g_kernel_debugger.exe"',
        'KD_UNLOAD_SYMBOLS size=0x%x "C:\\\\app\\\\g_kernel_debugger.exe"', 'KD_COMMAND_STRING "test" ".reboot"',
        'KD_PROMPT max=2 "yes or no? " -> "ye"', 'KD_PROMPT max=8 "yes or no? " -> "yes"']


class KernelDebugger(unittest.TestCase):
    def lines(self, *options):
        done = trace("g_kernel_debugger", "--kernel-debugger", "--format", "lines", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode().splitlines()

    def said(self, seen):
        size = int(seen[2].split()[3][5:], 16)
        return ["p0 t0 " + (line % size if "%" in line else line) for line in SAID]

    def test_undebugged(self):
        seen = self.lines("--undebugged")
        self.assertEqual(seen, self.said(seen) + ["p0 t0 KD_EXCEPTION 0x80000003 first=1 np=1 -> NOT_HANDLED",
                                                  "p0 t0 KD_EXCEPTION 0xc0000420 first=1 np=0 -> NOT_HANDLED",
                                                  "# target exit=0x3"])

    def test_handled(self):
        seen = self.lines("--undebugged", "--on-exception", "handled")
        self.assertEqual(seen[-3:], ["p0 t0 KD_EXCEPTION 0x80000003 first=1 np=1 -> CONTINUE",
                                     "p0 t0 KD_EXCEPTION 0xc0000420 first=1 np=0 -> CONTINUE", "# target exit=0x1"])

    def test_beside_a_debugger(self):
        """Prints and exceptions are the debugger's, the other services are not."""
        seen = self.lines()
        self.assertEqual(sum("OUTPUT_STRING" in line for line in seen), 2)
        self.assertEqual([line.split()[2] for line in seen if " KD_" in line],
                         ["KD_LOAD_SYMBOLS", "KD_UNLOAD_SYMBOLS", "KD_COMMAND_STRING", "KD_PROMPT", "KD_PROMPT"])
        self.assertEqual(sum(line.startswith("p0 t0 EXCEPTION") for line in seen), 4)

    def test_after_a_detach(self):
        seen = self.lines("--detach-after", "2")
        self.assertEqual(seen[2], "# DebugActiveProcessStop ok")
        self.assertEqual(seen[-1], "# target exit=0x3")

    def test_the_filter_of_prints(self):
        """Without a mask nothing but errors is shown, by whichever debugger."""
        for options in ["--undebugged"], []:
            done = trace("g_kernel_debugger", "--kernel-debugger", "--format", "lines", *options, mask=())
            self.assertEqual(done.returncode, 0)
            self.assertNotIn(b"hello", done.stdout)
            self.assertNotIn(b"component 77", done.stdout)
        done = trace("g_debug_filter", "--format", "lines", mask=()).stdout.decode()
        self.assertEqual([line.split('"')[1] for line in done.splitlines() if "OUTPUT_STRING" in line],
                         ["by default", "by its component", "by a mask", "by the mask of all"])
        for wrong in "0", "x", "0x100000000", "":
            self.assertEqual(trace("g_int2d", mask=("--kd-print-mask", wrong)).returncode, 2, wrong)

    def test_jsonl(self):
        done = trace("g_kernel_debugger", "--kernel-debugger", "--undebugged", "--format", "jsonl")
        records = [json.loads(line) for line in done.stdout.decode().splitlines()]
        kd = [record for record in records if record["type"] == "kd"]
        self.assertEqual([record["event"] for record in kd],
                         ["PRINT", "PRINT", "LOAD_SYMBOLS", "UNLOAD_SYMBOLS", "COMMAND_STRING", "PROMPT", "PROMPT",
                          "EXCEPTION", "EXCEPTION"])
        self.assertEqual((kd[0]["text"], kd[0]["component"], kd[0]["level"]), ("hello, kernel\n", 101, 3))
        self.assertEqual((kd[2]["base"], kd[2]["symbols_of"]), ("0x140000000", kd[2]["pid"]))
        self.assertEqual((kd[4]["text"], kd[4]["command"]), ("test", ".reboot"))
        self.assertEqual(kd[6]["reply"], "yes")
        self.assertEqual((kd[7]["code_name"], kd[7]["answer"]), ("STATUS_BREAKPOINT", "DBG_EXCEPTION_NOT_HANDLED"))
        self.assertEqual(records[-2]["exit_code"], 3)

    def test_text(self):
        done = trace("g_kernel_debugger", "--kernel-debugger", "--undebugged")
        self.assertIn(b'KD PROMPT           "yes or no? " -> "yes"\n', done.stdout)
        self.assertIn(b"KD EXCEPTION        STATUS_BREAKPOINT, first chance, at g_kernel_debugger!breakpoint -> "
                      b"not handled\n", done.stdout)

    def test_without_input(self):
        done = trace("g_kernel_debugger", "--kernel-debugger", "--undebugged", answers=b"")
        self.assertIn(b'KD PROMPT           "yes or no? " -> ""\n', done.stdout)

    def test_contradictions(self):
        for options in (["--undebugged"], ["--kernel-debugger", "--undebugged", "--attach-after", "1"],
                        ["--kernel-debugger", "--undebugged", "--follow-children"],
                        ["--kernel-debugger", "--record", "x"]):
            done = trace("g_int2d", *options)
            self.assertEqual(done.returncode, 2, options)
            self.assertEqual(done.stdout, b"")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
