#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The samples that the command has in itself: listed with their lessons, run without any file."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

COMMAND = pathlib.Path(sys.argv[1]).resolve()
SOURCES = pathlib.Path(sys.argv[2])


def dbgksim(*arguments, **options):
    return subprocess.run([COMMAND, *arguments], capture_output=True, timeout=60, check=False, **options)


class Samples(unittest.TestCase):
    def test_list_is_that_of_the_sources(self):
        lines = dbgksim("samples").stdout.decode().splitlines()
        listed = dict(re.split(r" {2,}", line, maxsplit=1) for line in lines)
        programs = {path.stem: path for path in SOURCES.glob("*.c")}
        self.assertLessEqual(listed.keys(), programs.keys())
        self.assertEqual(list(listed), sorted(listed))
        self.assertIn("threads", listed)
        for name, lesson in listed.items():
            self.assertIn(lesson, " ".join(programs[name].read_text().replace("\n *", " ").split()), name)
            self.assertGreater(len(lesson), 10, name)

    def test_no_file_is_needed(self):
        with tempfile.TemporaryDirectory() as empty:
            done = dbgksim("trace", "--format", "lines", "--program-output", "/dev/null", "sample:threads", cwd=empty)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            lines = done.stdout.decode().splitlines()
            self.assertRegex(lines[0], "CREATE_PROCESS .*threads.exe")
            self.assertEqual(sum("CREATE_THREAD" in line for line in lines), 3)
            self.assertEqual(list(pathlib.Path(empty).iterdir()), [])

    def test_run_strace_record_and_replay(self):
        self.assertEqual(dbgksim("run", "sample:threads").returncode, 0)
        self.assertIn(b"NtCreateThread", dbgksim("strace", "sample:threads").stdout)
        with tempfile.TemporaryDirectory() as folder:
            recording = str(pathlib.Path(folder) / "r.jsonl")
            recorded = dbgksim("trace", "--record", recording, "sample:threads")
            self.assertEqual(recorded.returncode, 0)
            replayed = dbgksim("replay", recording)
            self.assertEqual((replayed.returncode, replayed.stdout), (0, recorded.stdout))

    def test_unknown(self):
        for name in "nothing", "", "../threads", "threads.exe", "x" * 300:
            done = dbgksim("run", "sample:" + name)
            self.assertEqual((done.returncode, done.stdout), (2, b""), name)
            self.assertRegex(done.stderr.decode(), r"\Adbgksim run: sample:[^\n]*: no such sample[^\n]*\n\Z")

    def test_a_file_of_that_name_has_a_path(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "sample:x").write_bytes(b"no program")
            done = dbgksim("run", "./sample:x", cwd=folder)
            self.assertEqual(done.returncode, 2)
            self.assertNotIn(b"no such sample", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
