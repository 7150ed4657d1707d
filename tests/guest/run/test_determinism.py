#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One seed, one trace, whatever the host looks like: each run is a new process (so the host places its memory
elsewhere) with another environment, locale, time zone and working directory, and one without address randomisation.

Arguments: the dbgksim command, the nano userland, the folder of the guest programs."""
import os
import shutil
import subprocess
import sys
import tempfile

RUNS = 20


def trace(command, userland, program, seed, number, folder, prefix=()):
    out = os.path.join(folder, f'{number}.jsonl')
    printed = os.path.join(folder, f'{number}.out')
    environment = dict(os.environ, PADDING='x' * (number * 37), LC_ALL=['C', 'C.UTF-8'][number % 2],
                       TZ=['UTC', 'Asia/Tokyo'][number % 2])
    where = [folder, '/'][number % 2]
    subprocess.run([*prefix, command, 'trace', '--format', 'jsonl', '--explain', '--random-schedule', '--seed', str(seed),
                    '--userland', userland, '-o', out, '--program-output', printed, program],
                   check=True, timeout=60, cwd=where, env=environment, stdin=subprocess.DEVNULL)
    with open(out, 'rb') as f, open(printed, 'rb') as g:
        return f.read(), g.read()


def main():
    command, userland, programs = sys.argv[1:4]
    program = os.path.join(programs, 'g_interleave.exe')
    with tempfile.TemporaryDirectory() as folder:
        first = trace(command, userland, program, 11, 0, folder)
        if len(first[0]) < 1000 or not first[1]:
            return 'the first run gave next to nothing'
        for number in range(1, RUNS):
            if trace(command, userland, program, 11, number, folder) != first:
                return f'run {number} differs from the first'
        if shutil.which('setarch'):
            fixed = ['setarch', os.uname().machine, '--addr-no-randomize']
            if subprocess.run([*fixed, 'true'], check=False, stderr=subprocess.DEVNULL).returncode == 0:
                if trace(command, userland, program, 11, RUNS, folder, fixed) != first:
                    return 'the run without address randomisation differs'
        other = trace(command, userland, program, 12, RUNS + 1, folder)
        if other[1] == first[1]:
            return 'another seed gives the same interleaving'
        if sorted(other[1].split()) != sorted(first[1].split()):
            return 'another seed prints other lines'
    return 0


sys.exit(main())
