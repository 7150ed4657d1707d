#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dbgksim trace --record and dbgksim replay: the same bytes, where a run differs, recordings that are cut off or wrong."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

COMMAND, NANO, GUESTS, ATTACH, SAMPLES, PROGRAM = sys.argv[1:7]
MUTATIONS = 240


def dbgksim(*arguments, **options):
    return subprocess.run([COMMAND, *map(str, arguments)], capture_output=True, timeout=120, check=False,
                          **{"input": b"", **options})


def guest(name):
    return pathlib.Path(GUESTS) / f"{name}.exe"


def nano(name, *options, folder=GUESTS):
    return ["--userland", NANO, *options, pathlib.Path(folder) / f"{name}.exe"]


def sample(name, *options):
    return [*options, pathlib.Path(SAMPLES) / f"{name}.exe"]


def lines_of(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "run.rec"

    def record(self, arguments, **options):
        return dbgksim("trace", "--record", self.file, *arguments, **options)

    def replay(self, *options, **more):
        return dbgksim("replay", *options, self.file, **more)

    def refused(self, done, status=2):
        self.assertEqual((done.returncode, done.stdout), (status, b""))
        self.assertRegex(done.stderr.decode(errors="replace"), r"\Adbgksim replay: [^\n]+\n\Z")
        return done.stderr.decode(errors="replace")

    def rewrite(self, change):
        """Applies `change` to the parsed lines of the recording."""
        lines = lines_of(self.file)
        change(lines)
        self.file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


class SameBytes(Case):
    def same(self, arguments, **options):
        plain = dbgksim("trace", *arguments, **options)
        recorded = self.record(arguments, **options)
        self.assertEqual((recorded.returncode, recorded.stdout, recorded.stderr),
                         (plain.returncode, plain.stdout, plain.stderr), "recording changes the run")
        done = self.replay(cwd="/")
        self.assertEqual((done.returncode, done.stdout), (plain.returncode, plain.stdout), done.stderr)
        self.assertEqual(done.stderr.replace(b"dbgksim replay:", b"dbgksim trace:"), plain.stderr)
        return lines_of(self.file)

    def test_guests(self):
        for name in "g_hello", "g_int3_veh", "g_int3_unhandled", "g_access_violation", "g_threads", "g_interleave", \
                    "g_timer", "g_debug_string", "g_load_dll", "g_user_apc":
            with self.subTest(name):
                self.same(nano(name))

    def test_formats(self):
        for options in ["--format", "lines"], ["--format", "jsonl"], ["--explain"], ["--explain", "--format", "jsonl"]:
            with self.subTest(options):
                self.same(nano("g_int3_veh", *options))

    def test_answers(self):
        lines = self.same(nano("g_int3_unhandled", "--on-exception", "handled"))
        self.assertNotIn("DBG_EXCEPTION_NOT_HANDLED", [line.get("answer") for line in lines])
        lines = self.same(nano("g_int3_unhandled"))
        self.assertIn("DBG_EXCEPTION_NOT_HANDLED", [line.get("answer") for line in lines])

    def test_attach_and_detach(self):
        for options in ["--attach-after", "20ms"], ["--attach-after", "5"], ["--attach-after", "20ms", "--detach-after", "4"], \
                       ["--detach-after", "3"], ["--attach-after", "20ms", "--format", "jsonl", "--explain"]:
            with self.subTest(options):
                lines = self.same(nano("target", *options, folder=ATTACH))
                types = [line["type"] for line in lines]
                self.assertEqual("attach" in types, "--attach-after" in options)
                self.assertEqual("detach" in types, "--detach-after" in options)

    def test_program_that_ends_before_the_attach(self):
        self.same(nano("target", "--attach-after", "400ms", folder=ATTACH))

    def test_children(self):
        lines = self.same(nano("parent", "--follow-children", folder=ATTACH))
        self.assertEqual({line["process"] for line in lines if line["type"] == "event"}, {0, 1})
        self.assertIn("C:\\app\\target.exe", [line.get("path") for line in lines])

    def test_random_schedules(self):
        seen = set()
        for seed in range(8):
            lines = self.same(nano("g_interleave", "--random-schedule", "--seed", str(seed)))
            self.assertEqual(lines[0]["schedule"]["policy"], "random")
            seen.add(lines[-1]["schedule"])
        self.assertGreater(len(seen), 1)

    def test_standard_input(self):
        text = bytes(range(256)) * 3
        lines = self.same(nano("g_echo"), input=text)
        self.assertEqual(bytes.fromhex("".join(line["bytes"] for line in lines if line["type"] == "input")), text)
        self.assertEqual(self.replay(input=b"other").stdout, self.record(nano("g_echo"), input=text).stdout)

    def test_arguments_and_roots(self):
        (self.folder / "data").mkdir()
        lines = self.same(["--map", f"{self.folder}/data=C:\\data", *nano("g_hello"), "a b", "\"", "ü", ""])
        self.assertEqual(lines[0]["arguments"], ["a b", "\"", "ü", ""])
        self.assertEqual(lines[0]["roots"], [{"host": f"{self.folder}/data", "guest": "C:\\data", "writable": False}])

    def test_eras(self):
        for era in "xp", "win7", "win10":
            self.assertEqual(self.same(nano("g_threads", "--era", era))[0]["era"], era)

    def test_runs_without_an_end_of_their_own(self):
        self.assertEqual(self.same(nano("g_deadlock"))[-1]["reason"], "DBGKSIM_DEADLOCK")
        self.assertEqual(self.same(nano("g_spin", "--budget", "100000"))[-1]["reason"], "DBGKSIM_BUDGET")

    def test_default_userland(self):
        for name, *options in ["breakpoint"], ["breakpoint", "--on-exception", "handled"], ["first_chance"], \
                ["debug_string", "--format", "lines"], ["threads", "--random-schedule", "--seed", "3"], \
                ["dll_load", "--format", "jsonl"], ["breakpoint", "--explain"]:
            with self.subTest(name, options=options):
                lines = self.same(sample(name, *options))
                self.assertIn("C:\\windows\\system32\\kernel32.dll", [line.get("path") for line in lines])

    def test_children_and_input_of_the_default_userland(self):
        text = b"first line\r\nsecond line\nthe third has no end"
        for options in [], ["--follow-children"], ["--follow-children", "--random-schedule", "--seed", "5"]:
            with self.subTest(options):
                lines = self.same([*options, PROGRAM], input=text)
                self.assertEqual(bytes.fromhex("".join(l["bytes"] for l in lines if l["type"] == "input")), text)
                self.assertEqual(len({l["process"] for l in lines if l["type"] == "event"}), 2 if options else 1)
                self.assertIn(b"the child read 3 lines", self.replay().stdout)

    def test_attach_and_detach_on_the_default_userland(self):
        for options in ["--attach-after", "50ms"], ["--attach-after", "8", "--detach-after", "4"]:
            with self.subTest(options):
                lines = self.same([*options, PROGRAM, "wait"])
                types = [line["type"] for line in lines]
                self.assertEqual((types.count("attach"), types.count("detach"), types.count("exit")),
                                 (1, 1, 1) if "--detach-after" in options else (1, 0, 0))

    def test_files_that_programs_read_and_write(self):
        data = self.folder / "data"
        data.mkdir()
        (data / "in.txt").write_bytes(b"some text")
        given = ["--map", f"{data}=C:\\data:rw"]
        # Wine's C runtime takes another way if the file is there.
        plain = self.record(["--userland", "wine", *given, PROGRAM, "copy"])
        self.assertIn(b"copy of some text", plain.stdout)
        files = {line["path"]: line for line in lines_of(self.file) if line["type"] == "file"}
        self.assertEqual(files["C:\\data\\in.txt"]["sha256"], hashlib.sha256(b"some text").hexdigest())
        self.assertNotIn("C:\\data\\out.txt", files)
        self.assertIn("C:\\data\\out.txt is there: the recorded run did not find it", self.refused(self.replay(*given)))
        self.assertEqual(self.replay("--force", *given).returncode, 1)
        (data / "out.txt").unlink()
        self.assertEqual(self.replay(*given).stdout, plain.stdout)
        (data / "out.txt").unlink()
        (data / "in.txt").write_bytes(b"other text")
        self.assertIn("C:\\data\\in.txt has changed", self.refused(self.replay(*given)))
        self.assertRegex(self.replay("--force", *given).stderr, rb"differs   (time_ns, )?(schedule, )?output\n")

    def test_hashes_are_those_of_sha256sum(self):
        self.record(nano("g_load_dll"))
        paths = {"ntdll.dll": NANO}
        found = {line["path"].rsplit("\\", 1)[1]: line for line in lines_of(self.file) if line["type"] == "file"}
        self.assertEqual(set(found), {"ntdll.dll", "g_load_dll.exe", "g_dll.dll"})
        for name, line in found.items():
            content = (pathlib.Path(paths.get(name, GUESTS)) / name).read_bytes()
            self.assertEqual((line["size"], line["sha256"]), (len(content), hashlib.sha256(content).hexdigest()))


class Replay(Case):
    def test_until(self):
        self.record(nano("g_int3_veh", "--format", "lines"))
        whole = self.replay().stdout.decode().splitlines()
        for count in range(1, len(whole) + 1):
            done = self.replay("--until", count)
            lines = done.stdout.decode().splitlines()
            self.assertEqual((done.returncode, done.stderr, lines[:count]), (0, b"", whole[:count]))
            self.assertRegex(lines[count], rf"\A# stopped at event {count}, [0-9.]+ ms: \w+ of \d+:\d+ waits for its answer\Z")
        state = self.replay("--until", 4).stdout.decode().splitlines()[4:]
        self.assertEqual(len(state), 3)
        self.assertRegex(state[1], r"\A# process \d+ +g_int3_veh\.exe\Z")
        self.assertRegex(state[2], r"\A#   thread \d+ +rip [0-9a-f]{16}  rsp [0-9a-f]{16}  g_int3_veh!breakpoint\+0x1\Z")
        self.assertIn("only 5 events", self.refused(self.replay("--until", len(whole) + 1)))

    def test_until_with_every_step(self):
        self.record(nano("g_int3_veh"))
        out = self.replay("--until", 4, "--explain").stdout.decode().splitlines()
        steps = [line.split()[1] for line in out if line.lstrip().startswith("|")]
        self.assertIn("KiBreakpointTrap", steps)
        self.assertEqual(steps[-1], "NtWaitForDebugEvent")
        self.assertRegex(out[-3], r"\Astopped at event 4,")

    def test_until_shows_every_thread(self):
        self.record(nano("g_threads"))
        number = max(line["number"] for line in lines_of(self.file) if line.get("event") == "CREATE_THREAD")
        out = self.replay("--until", number, "--format", "jsonl").stdout.decode()
        records = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        state = [record for record in records if record["type"] == "state"]
        self.assertEqual([(s["number"], s["pending"]) for s in state], [(number, "CREATE_THREAD")])
        threads = {record["tid"] for record in records if record["type"] == "thread"}
        started = {r["tid"] for r in records if r.get("event") in ("CREATE_PROCESS", "CREATE_THREAD")}
        ended = {r["tid"] for r in records if r.get("event") == "EXIT_THREAD"}
        self.assertLessEqual(started - ended, threads)

    def test_other_formats(self):
        self.record(nano("g_int3_veh"))
        for options in ["--format", "lines"], ["--format", "jsonl"], ["--explain"], ["--explain", "--format", "jsonl"]:
            plain = dbgksim("trace", *nano("g_int3_veh", *options))
            self.assertEqual(self.replay(*options).stdout, plain.stdout, options)
        self.record(nano("g_int3_veh", "--explain"))
        self.assertEqual(self.replay("--format", "lines").stdout,
                         dbgksim("trace", *nano("g_int3_veh", "--format", "lines")).stdout)

    def test_streams(self):
        plain = self.record(nano("g_hello", "--format", "lines"))
        done = self.replay("-o", self.folder / "trace", "--program-output", self.folder / "output")
        self.assertEqual((done.returncode, done.stdout), (plain.returncode, b""))
        self.assertEqual((self.folder / "output").read_bytes().strip(), b"hello")
        self.assertNotIn(b"hello\n", (self.folder / "trace").read_bytes())

    def test_things_that_move_together(self):
        there, here = self.folder / "there", self.folder / "here"
        there.mkdir()
        shutil.copy(guest("g_hello"), there)
        self.file = there / "run.rec"
        plain = dbgksim("trace", "--record", "run.rec", "--userland", NANO, "g_hello.exe", cwd=there)
        self.assertEqual(plain.returncode, 0)
        there.rename(here)
        self.file = here / "run.rec"
        self.assertEqual(self.replay().stdout, plain.stdout)
        (self.folder / "elsewhere").mkdir()
        (here / "g_hello.exe").rename(self.folder / "elsewhere/g_hello.exe")
        self.assertIn("is missing", self.refused(self.replay()))
        self.assertEqual(self.replay("--program", self.folder / "elsewhere/g_hello.exe").stdout, plain.stdout)

    def test_folders_that_move(self):
        (self.folder / "a").mkdir()
        plain = self.record(["--map", f"{self.folder}/a=C:\\data", *nano("g_hello")])
        (self.folder / "a").rename(self.folder / "b")
        self.assertEqual(self.replay("--map", f"{self.folder}/b=C:\\data").stdout, plain.stdout)
        self.refused(self.replay("--map", f"{self.folder}/b=C:\\other"))

    def test_a_recording_does_not_decide_what_is_written(self):
        plain = self.record(["--map", f"{self.folder}=C:\\out:rw", *nano("g_hello")])
        self.assertIn("--map DIR=C:\\out:rw", self.refused(self.replay()))
        self.assertEqual(self.replay("--map", f"{self.folder}=C:\\out:rw").stdout, plain.stdout)


class Differs(Case):
    def setUp(self):
        super().setUp()
        self.programs = self.folder / "programs"
        self.programs.mkdir()

    def recorded(self, name, *options):
        shutil.copy(guest(name), self.programs)
        self.record(nano(name, *options, folder=self.programs))
        return self.programs / f"{name}.exe"

    def report(self, done):
        """The event (or 0: not at an event), the recorded and the new line, and the members that differ."""
        self.assertEqual(done.returncode, 1, done.stderr)
        match = re.search(r"differs from the recorded one (at|after) event (\d+) \(line (\d+)\)\n"
                          r"  recorded  ({.*})\n  now       ({.*})\n  differs   (.*)\n", done.stderr.decode())
        self.assertTrue(match, done.stderr)
        self.assertEqual(json.loads(self.file.read_text().splitlines()[int(match[3]) - 1]), json.loads(match[4]))
        return int(match[2]) if match[1] == "at" else 0, json.loads(match[4]), json.loads(match[5]), match[6].split(", ")

    def test_changed_program(self):
        program = self.recorded("g_debug_string")
        content = program.read_bytes()
        at = content.index(b"hello, debugger")
        program.write_bytes(content[:at] + b"j" + content[at + 1:])
        message = self.refused(self.replay())
        self.assertIn("g_debug_string.exe has changed", message)
        self.assertIn(hashlib.sha256(content).hexdigest(), message)
        self.assertIn(hashlib.sha256(program.read_bytes()).hexdigest(), message)
        number, recorded, now, names = self.report(self.replay("--force"))
        self.assertEqual((number, recorded["text"], now["text"], names), (4, "hello, debugger", "jello, debugger", ["text"]))

    def test_changed_dll(self):
        shutil.copy(guest("g_dll").with_suffix(".dll"), self.programs)
        self.recorded("g_load_dll")
        with open(self.programs / "g_dll.dll", "ab") as file:
            file.write(b"x")
        self.assertIn("C:\\app\\g_dll.dll has changed", self.refused(self.replay()))
        done = self.replay("--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        (self.programs / "g_dll.dll").unlink()
        self.assertIn("C:\\app\\g_dll.dll is missing", self.refused(self.replay()))
        self.assertEqual(self.replay("--force").returncode, 1)

    def test_new_dll(self):
        shutil.copy(guest("g_dll").with_suffix(".dll"), self.programs)
        self.recorded("g_load_dll")
        shutil.copy(guest("g_dll").with_suffix(".dll"), self.programs / "G_None.dll")
        self.assertIn("C:\\app\\g_none.dll is there: the recorded run did not find it", self.refused(self.replay()))

    def test_changed_answer(self):
        self.record(nano("g_int3_unhandled"))
        events = [line for line in lines_of(self.file) if line["type"] == "event"]
        changed = next(e for e in events if e["event"] == "EXCEPTION" and not e["first_breakpoint"])
        self.assertTrue(changed["first_chance"])

        def change(lines):
            next(line for line in lines if line.get("number") == changed["number"])["answer"] = "DBG_CONTINUE"
        self.rewrite(change)
        done = self.replay("--format", "lines")
        number, recorded, now, _ = self.report(done)
        self.assertEqual(number, changed["number"] + 1)
        self.assertEqual((recorded["event"], recorded["first_chance"]), ("EXCEPTION", False))
        self.assertEqual((now["event"], now["exit_code"]), ("EXIT_PROCESS", 7))
        shown = done.stdout.decode().splitlines()
        self.assertEqual(len(shown), changed["number"])
        self.assertTrue(shown[-1].endswith("-> CONTINUE"))

    def test_changed_input(self):
        self.record(nano("g_echo"), input=b"abc")

        def change(lines):
            next(line for line in lines if line["type"] == "input")["bytes"] = b"abd".hex()
        self.rewrite(change)
        _, recorded, _, names = self.report(self.replay())
        self.assertEqual((recorded["event"], names), ("EXIT_THREAD", ["output"]))

    def test_changed_seed(self):
        self.record(nano("g_interleave", "--random-schedule", "--seed", "1"))
        _, _, _, names = self.report(self.replay("--seed", "2"))
        self.assertIn("schedule", names)

    def test_changed_era(self):
        self.record(nano("g_threads", "--era", "win10"))
        for era in "xp", "win7":
            done = self.replay("--era", era)
            self.assertIn(done.returncode, (0, 1))

    def test_each_recorded_member_counts(self):
        self.record(nano("g_int3_veh"))
        good = self.file.read_text()
        lines = lines_of(self.file)
        tried = 0
        for i, line in enumerate(lines):
            if line["type"] != "event":
                continue
            for name in line:
                if name in ("type", "number", "answer"):
                    continue
                wrong = json.loads(good.splitlines()[i])
                wrong[name] = not wrong[name] if isinstance(wrong[name], bool) else \
                    wrong[name] + 1 if isinstance(wrong[name], int) else "other"
                self.file.write_text("\n".join([*good.splitlines()[:i], json.dumps(wrong), *good.splitlines()[i + 1:]]) + "\n")
                number, _, _, names = self.report(self.replay())
                self.assertEqual((number, names), (line["number"], [name]))
                tried += 1
        self.assertGreater(tried, 60)

    def test_more_or_fewer_events(self):
        self.record(nano("g_int3_veh"))
        self.rewrite(lambda lines: lines.__delitem__(-2))
        number, recorded, now, _ = self.report(self.replay())
        self.assertEqual((number, recorded["type"], now["event"]), (0, "end", "EXIT_PROCESS"))
        self.record(nano("g_int3_veh"))

        def more(lines):
            lines.insert(-1, {**lines[-2], "number": lines[-2]["number"] + 1})
        self.rewrite(more)
        number, recorded, now, _ = self.report(self.replay())
        self.assertEqual((recorded["event"], now["type"]), ("EXIT_PROCESS", "end"))

    def test_other_version(self):
        self.record(nano("g_int3_veh"))
        self.rewrite(lambda lines: lines[0].update(version="0.0.7"))
        self.assertEqual(self.replay().returncode, 0)

        def change(lines):
            next(line for line in lines if line["type"] == "event")["base"] = "0x1"
        self.rewrite(change)
        done = self.replay()
        self.assertEqual(self.report(done)[0], 1)
        self.assertIn(b"was recorded by dbgksim 0.0.7", done.stderr)


class Cut(Case):
    def interrupted(self, seconds, name, *options):
        with subprocess.Popen([COMMAND, "trace", "--record", self.file, *map(str, nano(name, *options))],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            time.sleep(seconds)
            child.send_signal(signal.SIGINT)
            out = child.communicate(timeout=60)[0]
        self.assertEqual(child.returncode, 130)
        self.assertEqual(lines_of(self.file)[-1]["reason"], "DBGKSIM_INTERRUPTED")
        done = self.replay()
        self.assertEqual((done.returncode, done.stdout), (130, out), done.stderr)

    def test_interrupted_while_it_runs(self):
        for seconds in 0.5, 0.7:
            self.interrupted(seconds, "g_spin", "--format", "jsonl")

    def test_interrupted_while_it_sleeps(self):
        for seconds in 0.5, 0.53, 0.6:
            self.interrupted(seconds, "g_sleep", "--format", "jsonl")

    def test_interrupted_before_an_attach(self):
        self.interrupted(0.5, "g_spin", "--format", "jsonl", "--attach-after", "999999999ms")

    def test_killed_run(self):
        with subprocess.Popen([COMMAND, "trace", "--record", self.file, *map(str, nano("g_spin", "--format", "lines"))],
                              stdout=subprocess.PIPE) as child:
            time.sleep(1)
            child.kill()
            child.communicate(timeout=60)
        events = [line for line in lines_of(self.file) if line["type"] == "event"]
        self.assertTrue(events)
        done = self.replay()
        self.assertEqual(done.returncode, 3)
        self.assertEqual(len(done.stdout.splitlines()), len(events))
        self.assertIn(f"cut off after event {len(events)}".encode(), done.stderr)

    def test_cut_anywhere(self):
        self.record(nano("g_int3_veh", "--format", "lines"))
        whole = self.file.read_bytes()
        shown = self.replay().stdout.splitlines()
        header = whole.index(b"\n") + 1
        for size in [header, header + 1, *range(header, len(whole) - 1, 331), len(whole) - 1]:
            self.file.write_bytes(whole[:size])
            complete = whole[:size].rpartition(b"\n")[0].split(b"\n")
            events = sum(line.startswith(b'{"type":"event"') for line in complete)
            done = self.replay()
            self.assertEqual((done.returncode, done.stdout.splitlines()), (3, shown[:events]))
            self.assertRegex(done.stderr, rb"\Adbgksim replay: [^\n]* cut off after event %d\n\Z" % events)
        self.record(nano("target", "--attach-after", "20ms", folder=ATTACH))
        self.file.write_bytes(self.file.read_bytes().split(b"\n")[0] + b"\n")
        self.assertIn(b"cut off after event 0", self.replay().stderr)
        for size in 0, 1, header - 1:
            self.file.write_bytes(whole[:size])
            self.assertIn("not a recording", self.refused(self.replay()))


class Hostile(Case):
    def test_help(self):
        done = dbgksim("replay", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertLess(max(map(len, done.stdout.splitlines())), 121)

    def test_bad_use(self):
        self.refused(dbgksim("replay"))
        self.refused(dbgksim("replay", "/nonexistent"))
        self.refused(dbgksim("replay", self.folder))
        self.record(nano("g_exit42"))
        self.refused(self.replay("--until", "0"))
        self.refused(self.replay("--on-exception", "handled"))
        self.refused(dbgksim("replay", self.file, self.file))
        done = dbgksim("trace", "--record", "/nonexistent/x", *nano("g_exit42"))
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        done = dbgksim("trace", "--record", self.file, *nano("g_exit42"), b"\xff".decode(errors="surrogateescape"))
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"UTF-8", done.stderr)

    def test_outputs_in_one_place(self):
        for option in "-o", "--program-output", "--log":
            done = dbgksim("trace", "--record", self.file, option, self.file, *nano("g_exit42"))
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(b"another output", done.stderr)

    def test_nothing_for_a_terminal_but_text(self):
        self.record(nano("g_exit42"))
        for change in ({"options": ["--x\x1b[2J"]}, {"format": 1, "era": "\x07"},
                       {"roots": [{"host": "/", "guest": "C:\\\x1b]0;x\x07\x9b2J", "writable": True}]}):
            lines = lines_of(self.file)
            lines[0].update(change)
            copy = self.folder / "changed"
            copy.write_text("".join(json.dumps(line) + "\n" for line in lines))
            self.assertNotRegex(self.refused(dbgksim("replay", copy))[:-1], "[\x00-\x1f\x7f-\x9f]")

    def test_full_disk(self):
        done = dbgksim("trace", "--record", "/dev/full", *nano("g_exit42"))
        self.assertEqual(done.returncode, 3)
        self.assertIn(b"could not be written", done.stderr)

    def test_wrong_headers(self):
        self.record(nano("g_exit42", "--format", "lines"))
        good = lines_of(self.file)

        def wrong(**members):
            header = {**good[0], **members}
            header = {name: value for name, value in header.items() if value is not None}
            self.file.write_text("".join(json.dumps(line) + "\n" for line in [header, *good[1:]]))
            return self.refused(self.replay())
        for name in set(good[0]) - {"type"}:
            wrong(**{name: None})
            wrong(**{name: []} if not isinstance(good[0][name], list) else {name: {}})
        self.assertIn("format 2", wrong(format=2))
        wrong(seed="5")
        wrong(seed="0x10000000000000000")
        wrong(era="vista")
        wrong(schedule={"policy": "whim"})
        wrong(roots=[{"host": "/", "guest": "C:\\x", "writable": True}])
        wrong(roots=[{}] * 65)
        wrong(arguments=["a", 1])
        wrong(arguments=["x"] * 5000)
        for option in "--record=x", "--output=x", "-ox", "--help", "--program-output=x", "--format=xml", "--explain=1", \
                      "--until=3", "--force", "--map=/=C:\\x:rw", "--log=x", "", "--", "format=text", "--format", 5:
            wrong(options=[option])
        wrong(options=["--explain", "--format=lines"])

    def test_wrong_lines(self):
        self.record(nano("g_exit42", "--format", "lines"))
        good = self.file.read_text().splitlines()
        for line in "", "5", "[]", "{}", '{"type":5}', '{"type":"other"}', '{"type":"file"}', '{"type":"input"}', \
                    '{"type":"input","bytes":"0"}', '{"type":"input","bytes":"zz"}', '{"type":"event"}', "[" * 100000, \
                    '{"type":"event","number":9,"answer":"DBG_CONTINUE"}', '{"type":"end"}', \
                    '{"type":"input","bytes":"%s"}' % ("00" * 65537), '{"type":"exit","x":"%s"}' % ("x" * (1 << 20)), \
                    '{"type":"event","number":99999999999999999999999}', '{"type":"exit","type":"exit"}', "\0":
            self.file.write_text("\n".join([*good[:3], line, *good[3:]]) + "\n")
            self.assertIn("line 4", self.refused(self.replay()), line[:50])
        self.file.write_text("\n".join([*good, good[-1]]) + "\n")
        self.assertIn("behind the end", self.refused(self.replay()))

    def test_mutations(self):
        self.record(nano("g_echo", "--format", "lines", "--budget", "1000000"), input=b"some input\n")
        good = self.file.read_bytes()
        chance = random.Random(4)
        tokens = [b"{", b"}", b"[", b"]", b'"', b",", b"\n", b"null", b"-1", b"1e999", b"\xff", b"\\u0000", b"0x", b"\\",
                  b"99999999999999999999", b'"type":"end"', b"true"]
        endings = {}
        for _ in range(MUTATIONS):
            data = bytearray(good)
            for _ in range(chance.choice((1, 1, 1, 2, 5))):
                at = chance.randrange(len(data))
                kind = chance.randrange(5)
                if kind == 0:
                    data[at] = chance.randrange(256)
                elif kind == 1:
                    data[at] ^= 1 << chance.randrange(8)
                elif kind == 2:
                    data[at:at] = chance.choice(tokens)
                elif kind == 3:
                    del data[at:at + chance.randrange(1, 40)]
                else:
                    end = min(len(data), at + chance.randrange(1, 200))
                    data[at:at] = data[at:end]
            self.file.write_bytes(data)
            done = self.replay()
            self.assertIn(done.returncode, (0, 1, 2, 3, 11), (bytes(data), done.stderr))
            self.assertNotIn(b"Sanitizer", done.stderr)
            if done.returncode in (2, 3):
                self.assertRegex(done.stderr, rb"\Adbgksim replay: [^\n]+\n\Z")
            endings[done.returncode] = endings.get(done.returncode, 0) + 1
        self.assertGreaterEqual(len(endings), 3, endings)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[7:])
