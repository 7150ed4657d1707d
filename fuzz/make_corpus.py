#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seed corpus: fuzz/make_corpus.py [FOLDER]. The seeds are committed; this file says what they are.

Formats: fuzz_services.c and fuzz_dispatch.c."""
import os
import struct
import sys

# ---- services: steps of actors 0-2 (native threads) and 3-4 (debuggees) ----

CREATE, ATTACH, READ, CONTINUE, READ_CONTINUE, DETACH, CLOSE, SET = 0, 1, 3, 6, 9, 10, 11, 12
DUPLICATE, THREAD, PROCESS, RAW_CLOSE, BAD_POINTER, YIELD, SLEEP = 13, 14, 15, 16, 17, 18, 19
RAISE, START, END_THREAD, END_PROCESS, IMAGE, SUSPEND, HIDE, D_YIELD, D_SLEEP, DEBUG = 0, 3, 5, 6, 7, 8, 9, 10, 11, 0xE0
OK, HANDLED, NOT_HANDLED, LATER, KILL_THREAD, KILL_PROCESS = range(6)


WIN7, XP = 2, 3


def services(*steps, running=1, preempt=0, era=0, schedule=b""):
    """Steps are (actor, code, a, b, c), missing ones 0."""
    body = b"".join(bytes((tuple(step) + (0, 0, 0))[:5]) for step in steps)
    return bytes([running | 2 * preempt | 4 * era, len(steps)]) + body + schedule


def reads(n, actor=0, slot=0, answer=OK):
    return [(actor, READ_CONTINUE, slot, 2, answer)] * n


SWITCHY = bytes([1, 2, 9, 0, 18, 3, 1, 33, 2, 0, 10, 1, 65, 4, 2, 1] * 3)
OBJECT = (0, CREATE)
KILLING_OBJECT = (0, CREATE, 0, 1)

SERVICES = {
    "attach": services(OBJECT, (0, ATTACH), *reads(4)),
    "attach_win7": services(OBJECT, (3, START), (3, IMAGE), (0, ATTACH), *reads(5), era=WIN7),
    "attach_xp": services(OBJECT, (3, START), (3, IMAGE), (0, ATTACH), *reads(5), era=XP),
    "attach_both": services(OBJECT, (0, ATTACH), (0, ATTACH, 16), *reads(6)),
    "attach_twice": services(OBJECT, (1, CREATE, 1), (0, ATTACH), (1, ATTACH, 1), *reads(3), *reads(2, 1, 1)),
    "attach_while_threads_start": services(OBJECT, (3, START), (3, START), (3, END_THREAD), (0, ATTACH), *reads(8),
                                           preempt=1, schedule=SWITCHY),
    "before_the_start": services(OBJECT, (0, ATTACH), *reads(4), running=0),
    "close_with_events": services(OBJECT, (0, ATTACH), (0, READ, 0, 2), (0, CLOSE)),
    "close_while_waiting": services(OBJECT, (1, READ, 0, 7), (2, CLOSE), preempt=1, schedule=SWITCHY),
    "continue_twice": services(OBJECT, (0, ATTACH), (0, READ, 0, 2), (0, CONTINUE), (1, CONTINUE), (0, READ, 0, 2),
                               (0, CONTINUE, 0, 0, 0x40)),
    "debug_each_other": services((3, DEBUG, 1, 6, 2), (4, DEBUG, 0, 6, 2), (3, RAISE), (4, RAISE), (3, END_PROCESS)),
    "debugger_is_debugged": services(OBJECT, (0, ATTACH), (3, DEBUG, 0, 4, 2), (4, RAISE), *reads(6)),
    "debugger_dies": services((3, DEBUG, 1, 2, 2), (4, START), (3, END_PROCESS)),
    "detach_pending": services(OBJECT, (3, RAISE), (0, ATTACH), *reads(3), (0, READ, 0, 4), (0, DETACH)),
    "detach_and_keep": services(OBJECT, (3, D_SLEEP, 40), (3, RAISE), (3, END_PROCESS), (0, ATTACH), *reads(2),
                                (0, DETACH), (0, PROCESS, 0, 3, 200), preempt=1, schedule=SWITCHY),
    "dll_events": services(OBJECT, (0, ATTACH), (3, D_SLEEP, 20), (3, IMAGE), (3, IMAGE, 1), *reads(6)),
    "duplicate": services(OBJECT, (0, DUPLICATE, 0, 1, 3), (0, ATTACH, 1), (0, CLOSE), *reads(3, 0, 1)),
    "exception_handled": services(OBJECT, (3, D_SLEEP, 20), (3, RAISE), (0, ATTACH), *reads(5)),
    "exception_not_handled": services(OBJECT, (3, D_SLEEP, 20), (3, RAISE), (0, ATTACH), *reads(3),
                                      *reads(4, answer=NOT_HANDLED)),
    "exit_thread": services(OBJECT, (3, START), (3, D_SLEEP, 30), (3, END_THREAD), (0, ATTACH), *reads(6)),
    "exit_process": services(OBJECT, (3, D_SLEEP, 30), (3, END_PROCESS), (0, ATTACH), *reads(6)),
    "hidden": services(OBJECT, (3, HIDE, 8), (3, RAISE, 0, 1), (3, END_THREAD), (0, ATTACH), *reads(4)),
    "hold_debugger": services(OBJECT, (0, ATTACH), *reads(2), (3, D_SLEEP, 10), (3, HIDE), (0, SLEEP, 0, 50),
                              (0, CLOSE)),
    "kill_on_close": services(KILLING_OBJECT, (0, ATTACH), *reads(3), (0, CLOSE)),
    "kill_flag": services(OBJECT, (0, SET, 0, 1), (0, ATTACH), (0, CLOSE), (1, SET, 0, 0, 0x80)),
    "later": services(OBJECT, (3, D_SLEEP, 20), (3, RAISE), (0, ATTACH), *reads(2), *reads(3, answer=LATER), *reads(2)),
    "pointers": services(OBJECT, *[(0, BAD_POINTER, 0, i, i * 40) for i in range(5)]),
    "raw_close": services(OBJECT, (0, ATTACH), (1, RAW_CLOSE, 0, 1), (1, RAW_CLOSE, 0, 3), (0, READ)),
    "suspend": services(OBJECT, (0, THREAD, 0, 0), (0, ATTACH), *reads(3), (0, THREAD, 0, 1), (0, PROCESS, 0, 0),
                        (0, PROCESS, 0, 1), (3, SUSPEND), (3, START, 1)),
    "terminate": services(OBJECT, (0, ATTACH), *reads(2), (0, PROCESS, 0, 2), *reads(4)),
    "terminate_by_answer": services(OBJECT, (3, RAISE), (0, ATTACH), *reads(2), *reads(2, answer=KILL_PROCESS)),
    "terminate_thread": services(OBJECT, (3, START), (0, ATTACH), *reads(3), (0, THREAD, 0, 2, 1), *reads(4)),
    "three_debuggers": services(OBJECT, (1, CREATE, 1), (2, CREATE, 2), (0, ATTACH), (1, ATTACH, 17), (2, ATTACH, 2),
                                *reads(3), *reads(3, 1, 1), *reads(3, 2, 2), (3, RAISE), (4, START), (4, RAISE, 1),
                                preempt=1, schedule=SWITCHY),
    "query_port": services(OBJECT, (0, ATTACH), *reads(2), (1, PROCESS, 0, 4, 1), (1, PROCESS, 0, 5),
                           (1, PROCESS, 0, 6)),
    "yields": services(OBJECT, (0, ATTACH), (0, YIELD), (1, YIELD), (3, D_YIELD), (3, RAISE), *reads(5), preempt=1,
                       schedule=SWITCHY),
}

# Found by the fuzzer in kernels with a known defect (FUZZ_LOCKING), and made as small as it could.
FOUND = {
    "lost_wake_up": bytes.fromhex(
        "030d00000000000303000000030300000003050000000001000000000900020000090002000009004e7457726974466c"
        "6502000900000a014104020101020900000009007457726974654601"),
    "object_mutex_only": bytes.fromhex(
        "03120096ffffffffffffffff6572524e7454657200014101416565000000014141650000000001416500000001414165"
        "0000000141416500000001414165000000014141650000000001416500000001414e74577269746546696c646c694641"),
}

# ---- dispatch: registers, code, memory, answers ----

PAGES = 0x20000000
RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI = range(8)
R10, RIP, EFLAGS, DR0, DR6, DR7, CS, SS, MXCSR = 10, 16, 17, 18, 22, 23, 24, 25, 26
BYTE, QWORD, DATA, PAGE, SPECIAL, DWORD = range(6)
A_OK, A_HANDLED, A_LATER, A_SKIP, A_STEP, A_GO, A_BREAK, A_CONTEXT, A_WRITE, A_PROTECT = range(1, 11)
A_THREAD, A_SUSPEND, A_RESUME, A_TERMINATE, A_KILL, A_CLOSE, A_DETACH = range(11, 18)


def dispatch(code, registers=(), memory=(), answers=b"", end=False, era=0):
    """registers: (which, form, bytes); memory: (offset, bytes)."""
    out = bytes([(7 if end else 0) | 8 * era, len(registers)])
    for which, form, value in registers:
        out += bytes([which, form]) + value
    out += bytes([len(code)]) + code + bytes([len(memory)])
    for offset, data in memory:
        out += struct.pack("<HB", offset, len(data)) + data
    return out + answers


def handler(offset):
    """The program's own handler continues at an offset in the code page."""
    return [(0x2000, struct.pack("<Q", PAGES + offset))]


INT3, NOP = b"\xCC", b"\x90"
NULL_READ = b"\x8B\x04\x25\0\0\0\0"
JUMP_SELF = b"\xEB\xFE"


def system_call(number):
    return b"\x49\x89\xCA\xB8" + struct.pack("<I", number) + b"\x0F\x05"


DISPATCH = {
    "null_read": dispatch(NULL_READ + INT3, answers=bytes([A_SKIP, 7, A_OK])),
    "null_read_to_the_end": dispatch(NULL_READ + INT3, answers=bytes([A_SKIP, 7, A_OK]), end=True),
    "int3": dispatch(INT3 * 4, answers=bytes([A_OK, A_HANDLED, A_OK])),
    "int3_xp": dispatch(INT3 * 2, memory=handler(1), answers=bytes([0, A_OK]), era=XP),
    "int2e_xp": dispatch(b"\xB8\xFF\x0F\0\0\xCD\x2E\xCC", answers=bytes([A_OK]), era=XP),
    "later_win7": dispatch(INT3, answers=bytes([A_LATER, A_OK]), era=WIN7),
    "int3_own_handler": dispatch(INT3 + NOP + INT3 + JUMP_SELF, memory=handler(3), answers=bytes([0, A_OK])),
    "int2d": dispatch(b"\xCD\x2D\x90\xCC", registers=[(RAX, BYTE, b"\1")], answers=bytes([A_OK, A_OK])),
    "int29": dispatch(b"\xCD\x29", registers=[(RCX, BYTE, b"\2")], answers=bytes([0, 0])),
    "icebp": dispatch(b"\xF1\xCC", answers=bytes([A_OK, A_OK])),
    "ud2": dispatch(b"\x0F\x0B\xCC", answers=bytes([A_SKIP, 2, A_OK])),
    "divide": dispatch(b"\x31\xC9\xF7\xF1\xCC", answers=bytes([A_SKIP, 2, A_OK])),
    "privileged": dispatch(b"\xF4\x0F\x01\xD9\xCC", answers=bytes([A_SKIP, 1, A_SKIP, 3])),
    "trap_flag": dispatch(NOP * 5 + INT3, registers=[(EFLAGS, DWORD, b"\0\1\0\0")],
                          answers=bytes([A_OK, A_STEP, A_STEP, A_OK])),
    "popf": dispatch(b"\x68\x00\x77\x25\x00\x9D\x90\xCC", answers=bytes([A_OK, A_OK])),
    "hardware_breakpoint": dispatch(NOP * 6 + INT3, registers=[(DR0, PAGE, b"\4\0"), (DR7, BYTE, b"\1")],
                                    answers=bytes([A_OK, A_OK])),
    "data_breakpoint": dispatch(b"\x88\x03\x90\xCC", registers=[(RBX, DATA, b"\x10\0"), (DR0, DATA, b"\x10\0"),
                                                               (DR7, DWORD, b"\1\0\1\0")], answers=bytes([A_OK, A_OK])),
    "guard_page": dispatch(b"\x8A\x03\x8A\x03\xCC", registers=[(RBX, PAGE, b"\0\xC0")], answers=bytes([A_OK, A_OK])),
    "stack_gone": dispatch(INT3, registers=[(RSP, BYTE, b"\x08")], answers=bytes([0, 0])),
    "stack_on_data": dispatch(INT3 + NULL_READ, registers=[(RSP, DATA, b"\0\x40")], memory=handler(0),
                              answers=bytes([0, 0, 0])),
    "rip_not_canonical": dispatch(NOP, registers=[(RIP, QWORD, struct.pack("<Q", 1 << 47))], answers=bytes([0, 0])),
    "rip_kernel": dispatch(NOP, registers=[(RIP, SPECIAL, b"\x0B")], answers=bytes([A_GO, 0, 0])),
    "kernel_read": dispatch(b"\x8A\x03", registers=[(RBX, SPECIAL, b"\x0B")], answers=bytes([A_SKIP, 2])),
    "compatibility_mode": dispatch(b"\xCC\x8B\x03\xCC", registers=[(CS, BYTE, b"\x23")], answers=bytes([A_OK, 0, 0])),
    "far_return": dispatch(b"\x6A\x23\x68\x10\0\0\x20\x48\xCB" + NOP * 7 + INT3, answers=bytes([A_OK])),
    "iret_virtual_8086": dispatch(b"\x90\xCF\xCC", registers=[(RSP, DATA, b"\0\2")],
                                  memory=[(0x2200, b"\x22" * 8 + b"\0\x30\2\0")], answers=bytes([A_SKIP, 1])),
    "write_code": dispatch(b"\xC6\x05\x01\0\0\0\xCC\x90\x90", answers=bytes([A_OK])),
    "cross_page": dispatch(b"\xE9\xFA\x0F\0\0", answers=bytes([A_OK, 0])),
    "later": dispatch(INT3, answers=bytes([A_LATER, A_LATER, A_OK])),
    "detach": dispatch(INT3 + JUMP_SELF, answers=bytes([A_DETACH])),
    "close": dispatch(INT3 + JUMP_SELF, answers=bytes([A_CLOSE]), end=True),
    "terminate": dispatch(INT3, answers=bytes([A_TERMINATE, A_OK])),
    "terminate_by_answer": dispatch(INT3, answers=bytes([A_KILL])),
    "hostile_context": dispatch(INT3 + NOP, answers=bytes([A_CONTEXT, 0xFF, 4]) +
                                b"\x38\0\xFF\x44\0\xFF\x45\0\xFF\x70\0\xFF" + bytes([A_OK])),
    "write_and_protect": dispatch(INT3 + b"\x88\x03\xCC", registers=[(RBX, DATA, b"\0\0")],
                                  answers=bytes([A_PROTECT, 2, 1, A_OK, A_WRITE, 8, 0, 1, 0xCC])),
    "second_thread": dispatch(INT3 + NOP + INT3, answers=bytes([A_THREAD, 2, 0, A_OK, A_OK, A_OK, 0]), end=True),
    "suspended": dispatch(INT3 + JUMP_SELF, answers=bytes([A_SUSPEND, A_OK]), end=True),
    "set_breakpoint": dispatch(INT3 + NOP * 8 + INT3, answers=bytes([A_BREAK, 6, 0, 0, A_OK, A_OK])),
    "endless": dispatch(JUMP_SELF),
    "sse_exception": dispatch(b"\x0F\x57\xC0\x0F\x5E\xC0\xCC", registers=[(MXCSR, DWORD, b"\0\0\0\0")],
                              answers=bytes([A_OK, A_OK])),
    "strings": dispatch(b"\xF3\xA4\xCC", registers=[(RCX, DWORD, b"\0\x20\0\0"), (RSI, DATA, b"\0\0"),
                                                   (RDI, DATA, b"\0\x80")], answers=bytes([0, 0])),
    "service_unknown": dispatch(system_call(0xFFF) + INT3, answers=bytes([A_OK])),
    "services": dispatch(b"\x31\xDB" + b"\x49\x89\xCA\x89\xD8\x0F\x05\xFF\xC3\x83\xFB\x40\x72\xF2" + INT3,
                         registers=[(RCX, DATA, b"\0\1"), (RDX, DATA, b"\0\2")], answers=bytes([A_OK] * 8)),
    "debug_string": dispatch(INT3, registers=[(RCX, DATA, b"\0\0")], memory=[(0x2000, b"hello\0")],
                             answers=bytes([A_OK])),
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for target, seeds in (("services", {**SERVICES, **FOUND}), ("dispatch", DISPATCH)):
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name, seed in seeds.items():
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write(seed)


main()
