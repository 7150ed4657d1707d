#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which userland a program gets, and what is said of imports that nobody has."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMMAND, PROGRAMS, WINE = sys.argv[1:4]


def dbgksim(*arguments):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, timeout=60, check=False)


def program(name):
    return pathlib.Path(PROGRAMS) / f"{name}.exe"


def doctor(*arguments):
    """Exit status and the last line of dbgksim doctor."""
    done = dbgksim("doctor", *arguments)
    return done.returncode, done.stdout.decode().splitlines()[-1].removeprefix("program    ")


class Choice(unittest.TestCase):
    def test_all_is_builtin(self):
        self.assertEqual(doctor(program("plain")), (0, "builtin: all that plain.exe imports is builtin"))
        self.assertEqual(dbgksim("run", program("plain")).returncode, 7)

    def test_case_of_letters_does_not_count(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "PLAIN.Exe")
            copy.write_bytes(program("plain").read_bytes().replace(b"KERNEL32.dll", b"Kernel32.DLL"))
            self.assertEqual(doctor(copy)[0], 0)
            self.assertTrue(doctor(copy)[1].startswith("builtin: "))

    def test_a_dll_of_wine_is_needed(self):
        status, text = doctor("--userland", "auto", program("crt"))
        if not WINE:
            self.assertEqual(status, 3)
            self.assertIn("install", text)
            return
        self.assertEqual(status, 0)
        self.assertRegex(text, r"\A(hybrid|wine): .*(is|are) not builtin\Z")
        self.assertEqual(dbgksim("run", program("crt")).returncode, 7)

    @unittest.skipUnless(WINE, "Wine's DLLs are not installed")
    def test_what_wine_s_dlls_want_of_the_builtin_ones_counts(self):
        self.assertRegex(doctor(program("user32"))[1], r"\Awine: .*\.dll![^,]* \(\w+\.dll\).* are not builtin\Z")

    def test_by_configuration(self):
        self.assertEqual(doctor("--userland", "builtin", program("plain")), (0, "builtin: by configuration"))
        status, text = doctor("--userland", "builtin", program("user32"))
        self.assertEqual((status, text), (3, "builtin: by configuration; missing: user32.dll"))

    def test_recordings_keep_the_name(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "run.rec")
            for asked, kept in ("auto", "builtin"), ("builtin", "builtin"):
                done = dbgksim("trace", "--userland", asked, "--record", file, program("plain"))
                self.assertEqual(json.loads(file.read_text().splitlines()[0])["userland"], kept)
                again = dbgksim("replay", file)
                self.assertEqual((again.returncode, again.stdout), (0, done.stdout))


class Missing(unittest.TestCase):
    """The loader ends the program; the command says what it lacks. (Wine's loader only lacks DLLs: a function that is
    missing is missing when it is called.)"""

    def lacks(self, name, what, *userlands):
        for userland in ["builtin", *userlands]:
            for mode in "run", "trace":
                done = dbgksim(mode, "--userland", userland, program(name))
                self.assertEqual(done.returncode, 2, userland)
                self.assertEqual(done.stderr.decode(), f"dbgksim {mode}: {program(name)}: needs {what}, which is neither "
                                                       "in its folder nor in the userland\n", userland)

    def test_dll(self):
        self.lacks("absent", "absent.dll", *(["wine"] if WINE else []))

    def test_function(self):
        self.lacks("function", "kernel32.dll!NoSuchFunction")

    def test_ordinal(self):
        self.lacks("number", "kernel32.dll!#60000")

    def test_function_of_a_dll_of_its_own(self):
        self.lacks("helped", "kernel32.dll!NoSuchFunction (helper.dll)")

    def test_nobody_has_it(self):
        status, text = doctor(program("absent"))
        self.assertEqual(status, 3)
        self.assertIn("absent.dll", text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
