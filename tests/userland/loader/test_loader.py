#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the builtin loader does, as a debugger sees it: test_loader.py DBGKSIM PROGRAM"""
import re
import subprocess
import sys
import unittest

COMMAND, PROGRAM = sys.argv[1:3]


def trace(*options):
    """Events of a run: (name, detail) of loads and unloads, texts, the first breakpoint, thread starts and ends."""
    done = subprocess.run([COMMAND, "trace", "--format", "lines", "--userland", "builtin", *options, PROGRAM],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, text=True)
    events = []
    for line in done.stdout.splitlines():
        match = re.match(r"p0 t\d+ (\w+) (.*)", line)
        if not match:
            continue
        name, rest = match.groups()
        if name in ("LOAD_DLL", "UNLOAD_DLL"):
            events.append((name, rest.split()[0].removesuffix("+0x0")))
        elif name == "OUTPUT_STRING":
            events.append(("text", re.search(r'"(.*)"', rest)[1].removesuffix("\\n")))
        elif name == "EXCEPTION" and "[initial]" in rest:
            events.append(("break", ""))
        elif name in ("EXIT_PROCESS",):
            events.append((name, rest))
    return events, done.stdout


class Loader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.events, cls.output = trace()

    def between(self, first, last):
        texts = [e for e in self.events]
        return texts[texts.index(("text", first)) + 1:texts.index(("text", last))]

    def test_the_program_found_nothing_wrong(self):
        self.assertEqual([e for e in self.events if e[1].startswith("wrong")], [])
        self.assertIn(("EXIT_PROCESS", "code=0x0"), self.events)

    def test_fact_1_loads_before_the_breakpoint_depth_first(self):
        start = self.events[:self.events.index(("break", ""))]
        self.assertEqual(start, [("LOAD_DLL", name + ".dll") for name in ("ntdll", "kernel32", "kernelbase", "a", "b", "c")])

    def test_fact_2_entries_run_behind_the_breakpoint_dependencies_first(self):
        start = self.events[self.events.index(("break", "")) + 1:]
        self.assertEqual([e[1] for e in start[:4]],
                         ["c attach with process", "b attach with process", "a attach with process", "program"])

    def test_reference_counts(self):
        self.assertEqual(self.between("reference counts", "once"), [("LOAD_DLL", "plugin.dll"), ("text", "plugin attach")])
        self.assertEqual(self.between("once", "circle"),
                         [("text", "plugin detach"), ("UNLOAD_DLL", "plugin.dll"),
                          ("LOAD_DLL", "plugin.dll"), ("text", "plugin attach")])

    def test_a_circle_is_unloaded_as_a_whole(self):
        self.assertEqual(self.between("circle", "failures"),
                         [("LOAD_DLL", "x.dll"), ("LOAD_DLL", "y.dll"), ("text", "y attach"), ("text", "x attach"),
                          ("text", "x detach"), ("text", "y detach"), ("UNLOAD_DLL", "y.dll"), ("UNLOAD_DLL", "x.dll")])

    def test_failures_leave_nothing_behind(self):
        """A DLL whose entry refuses is told to detach (Microsoft's documentation of DllMain)."""
        self.assertEqual(self.between("failures", "procedures"),
                         [("LOAD_DLL", "refuses.dll"), ("text", "refuses attach"), ("text", "refuses detach"),
                          ("UNLOAD_DLL", "refuses.dll"), ("LOAD_DLL", "lacks.dll"), ("UNLOAD_DLL", "lacks.dll")])

    def test_a_delayed_import_is_loaded_at_its_first_call(self):
        self.assertEqual(self.between("delayed", "same bases"), [("LOAD_DLL", "lazy.dll"), ("text", "lazy attach")])

    def test_threads_are_announced_in_order_of_initialisation(self):
        texts = [e[1] for e in self.between("thread storage", "lists") if e[0] == "text"]
        attach = [t.split()[0] for t in texts if t.endswith("thread attach")]
        detach = [t.split()[0] for t in texts if t.endswith("thread detach")]
        self.assertEqual(attach, ["c", "b", "a", "plugin", "lazy", "moved"])
        self.assertEqual(detach, ["tls", "moved", "lazy", "plugin", "a", "b", "c"])

    def test_fact_1_no_unload_at_the_end_and_detach_in_reverse(self):
        end = self.events[self.events.index(("text", "end")) + 1:]
        self.assertEqual([e for e in end if e[0] == "UNLOAD_DLL"], [])
        self.assertEqual([e[1].split()[0] for e in end if e[0] == "text"],
                         ["tls", "tls2", "moved", "lazy", "plugin", "a", "b", "c"])

    def test_attach_reports_each_module_once(self):
        events, _ = trace("--attach-after", "60")
        loads = [e[1] for e in events if e[0] == "LOAD_DLL"]
        for name in "ntdll", "kernel32", "kernelbase", "a", "b", "c":
            self.assertEqual(loads.count(name + ".dll"), 1, name)
        self.assertEqual(loads[0], "ntdll.dll")


unittest.main(argv=sys.argv[:1])
