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
A_THREAD, A_SUSPEND, A_RESUME, A_TERMINATE, A_KILL, A_CLOSE, A_DETACH, A_CHANGE, A_CHANGE_OK = range(11, 20)


def dispatch(code, registers=(), memory=(), answers=b"", end=False, era=0, changes=(), code_32=False, kd=0):
    """registers: (which, form, bytes); memory: (offset, bytes); kd: 1 a kernel debugger, 2 that sees every first chance."""
    flags = (7 if end else 0) | 8 * era | (0x20 if code_32 else 0) | (0x40 if kd else 0) | (0x80 if kd == 2 else 0)
    out = bytes([flags]) + register_list(registers)
    out += bytes([len(code)]) + code + bytes([len(memory)])
    for offset, data in memory:
        out += struct.pack("<HB", offset, len(data)) + data
    return out + bytes([len(changes)]) + b"".join(changes) + answers


def register_list(registers):
    out = bytes([len(registers)])
    for which, form, value in registers:
        out += bytes([which, form]) + value
    return out


# ---- dispatch: changes ----

(C_GATE, C_MSR, C_MONITOR, C_INSTRUMENTATION, C_PICO, C_PORT, C_SERVICE, C_STACK, C_DEBUG_REGISTERS, C_FLAGS, C_REGISTERS,
 C_APC, C_ALERT, C_HANDLER, C_TEB, C_HIDE, C_PROCESS_FLAGS, C_LEAVE) = range(18)
(G_PRESENT, G_DPL, G_IST, G_TYPE, G_SELECTOR, G_LIKE, G_TO, G_USER, G_LIMIT) = range(9)
# Vectors below 22 are named by their place in a list (dispatch_machine.c).
V_DB, V_BP, V_UD, V_DF, V_GP, V_PF, V_2D = 1, 3, 6, 8, 12, 13, 19
P_EXCEPTION, P_ERROR, P_CLOSE_EXCEPTION, P_CLOSE_ERROR, P_BOTH, P_WRONG = range(6)
(R_NOT_HANDLED, R_CONTINUE) = range(2)
(S_CONTINUE, S_CONTINUE_EX, S_RAISE, S_SET_CONTEXT, S_GET_CONTEXT, S_TEST_ALERT, S_HARD_ERROR, S_QUEUE_APC,
 S_SET_PROCESS, S_SET_THREAD, S_CLOSE, S_ALERT, S_DELAY) = range(13)


def value(number):
    """The shortest form that gives a number."""
    if -128 <= number < 128:
        return bytes([BYTE, number & 0xFF])
    if 0x20000000 <= number < 0x20010000:
        return bytes([PAGE]) + struct.pack("<H", number - 0x20000000)
    return bytes([DWORD]) + struct.pack("<I", number) if 0 <= number < 1 << 32 else \
        bytes([QWORD]) + struct.pack("<Q", number & (1 << 64) - 1)


def gate(how, vector, *arguments):
    return bytes([C_GATE, how, vector, *arguments])


def port(what):
    return bytes([C_PORT, what])


def reply(how=0, what=0, more=b""):
    """What a port's server does with the message: how it replies, what the reply says."""
    return bytes([how, what]) + more


def stack(how, n=0):
    return bytes([C_STACK, how]) + struct.pack("<H", n)


def context(rip=0, flags=None, edits=(), registers=(), ex=None, place=b"\0"):
    """A CONTEXT for a service; it goes on at one of the first 16 bytes of the code."""
    how = (flags is not None) | 2 * bool(edits) | 4 * bool(registers) | 8 * (ex is not None) | rip << 4
    out = bytes([how])
    if flags is not None:
        out += struct.pack("<I", flags)
    if edits:
        out += bytes([len(edits)]) + b"".join(struct.pack("<HB", *edit) for edit in edits)
    if registers:
        out += register_list(registers)
    if ex is not None:
        out += struct.pack("<iIiI", *ex)
    return out + place


def record(code=0, flags=0, parameters=b"\0", chain=b"", values=b"", place=b"\0"):
    return bytes([code, flags]) + parameters + chain + values + place


def service(which, *arguments):
    return bytes([C_SERVICE, which]) + b"".join(arguments)


def own_handler(target=None, disposition=0, touched=None, edits=()):
    how = (target is not None) | 2 * (touched is not None) | len(edits) << 4
    out = bytes([C_HANDLER, how])
    if target is not None:
        out += bytes([target])
    out += bytes([disposition & 0xFF])
    if touched is not None:
        out += value(touched)
    return out + b"".join(struct.pack("<HH", *edit) for edit in edits)


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
    "hostile_context": dispatch(INT3 + NOP, answers=bytes([A_CONTEXT, 0x1F, 0, 0, 0, 4]) +
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

NOT_HANDLED_TWICE = bytes([0, 0])
LEAVE = bytes([C_LEAVE])
HLT, PRIVILEGED_32 = b"\xF4", b"\xFA"
TF, RF, AC = 0x100, 0x10000, 0x40000
CONTEXT_ALL = 0x10001F
E_RIP, E_FLAGS, E_CS = 0xF8, 0x44, 0x38

# By area; test_dispatch_reached.c says what each must reach.
AREAS = {
    # 32-bit code
    "32_int3": dispatch(INT3 + INT3, code_32=True, answers=bytes([A_OK, A_HANDLED])),
    "32_general_protection": dispatch(HLT + PRIVILEGED_32 + INT3, code_32=True, answers=bytes([A_SKIP, 1, A_SKIP, 1, 0])),
    "32_page_fault": dispatch(b"\xA1\0\0\0\0\xCC", code_32=True, memory=handler(5), answers=bytes([0, 0, 0])),
    "32_step": dispatch(NOP * 3 + INT3, code_32=True, registers=[(EFLAGS, DWORD, b"\0\1\0\0")], answers=bytes([A_OK] * 4)),
    "32_divide": dispatch(b"\x31\xC9\xF7\xF1\xCC", code_32=True, answers=bytes([A_SKIP, 2, A_OK])),
    "32_data_breakpoint": dispatch(b"\x88\x03\x90\xCC", code_32=True, registers=[
        (RBX, DATA, b"\x10\0"), (DR0, DATA, b"\x10\0"), (DR7, DWORD, b"\1\0\1\0")], answers=bytes([A_OK, A_OK])),
    "32_int2e": dispatch(b"\xB8\xFF\x0F\0\0\xCD\x2E\xCC", code_32=True, answers=bytes([A_OK, 0])),
    "32_far_jump_to_64": dispatch(b"\xEA\x10\0\0\x20\x33\0" + NOP * 9 + b"\x48\x31\xC0\xCC", code_32=True,
                                  answers=bytes([A_OK, 0])),
    "32_to_the_end": dispatch(b"\x8B\x04\x24\xCC", code_32=True, answers=bytes([0, 0]), end=True),

    # gates
    "gate_absent": dispatch(INT3, changes=[gate(G_PRESENT, V_BP)], answers=NOT_HANDLED_TWICE),
    "gate_dpl": dispatch(INT3, changes=[gate(G_DPL, V_BP, 0)], answers=NOT_HANDLED_TWICE),
    "gate_open": dispatch(b"\xCD\x0D\xCC", changes=[gate(G_DPL, V_GP, 3)], answers=NOT_HANDLED_TWICE),
    "gate_ist": dispatch(INT3, changes=[gate(G_IST, V_BP, 1)], answers=NOT_HANDLED_TWICE),
    "gate_type": dispatch(INT3, changes=[gate(G_TYPE, V_BP, 5)], answers=NOT_HANDLED_TWICE),
    "gate_selector": dispatch(INT3, changes=[gate(G_SELECTOR, V_BP, 0x33, 0)], answers=NOT_HANDLED_TWICE),
    "gate_like_another": dispatch(INT3 * 2, changes=[gate(G_LIKE, V_BP, V_UD)], answers=NOT_HANDLED_TWICE),
    "gate_to_nowhere": dispatch(INT3, changes=[gate(G_TO, V_BP, *value(0xFFFFF80000F00000))], answers=NOT_HANDLED_TWICE),
    "gate_limit": dispatch(INT3, changes=[gate(G_LIMIT, 2)], answers=NOT_HANDLED_TWICE),
    "gate_double_fault": dispatch(HLT, changes=[gate(G_PRESENT, V_GP)], answers=NOT_HANDLED_TWICE),
    "gate_triple_fault": dispatch(HLT, changes=[gate(G_PRESENT, V_GP), gate(G_PRESENT, V_DF)]),
    "gate_between_events": dispatch(INT3 + HLT, answers=bytes([A_CHANGE_OK, C_GATE, G_PRESENT, V_GP])),
    "gate_32": dispatch(INT3, code_32=True, changes=[gate(G_DPL, V_BP, 0)], answers=NOT_HANDLED_TWICE),

    # debug registers and flags
    "four_breakpoints": dispatch(b"\x88\x03\x88\x43\x08\x8A\x43\x10\x90\xCC", registers=[(RBX, DATA, b"\0\1")], changes=[
        bytes([C_DEBUG_REGISTERS]) + value(0x20002100) + value(0x20002108) + value(0x20002110) + value(0x20000008) +
        struct.pack("<II", 0, 0x0B990455 | 0xFF)], answers=bytes([A_OK] * 5)),
    "breakpoint_at_first_instruction": dispatch(NOP + INT3, changes=[
        bytes([C_DEBUG_REGISTERS]) + value(0x20000000) + value(0) * 3 + struct.pack("<II", 0xFFFF0FF0, 1)],
        answers=bytes([A_OK, A_OK])),
    "resume_flag": dispatch(NOP + INT3, changes=[
        bytes([C_DEBUG_REGISTERS]) + value(0x20000000) + value(0) * 3 + struct.pack("<II", 0, 1),
        bytes([C_FLAGS]) + struct.pack("<I", RF | 2)], answers=bytes([A_OK])),
    "trap_and_alignment_flags": dispatch(NOP * 2 + INT3, changes=[bytes([C_FLAGS]) + struct.pack("<I", TF | AC | 2)],
                                         answers=bytes([A_OK] * 3)),
    "breakpoint_between_events": dispatch(INT3 + NOP * 4 + INT3, answers=bytes([A_CHANGE_OK, C_DEBUG_REGISTERS]) +
                                          value(0x20000003) + value(0) * 3 + struct.pack("<II", 0, 1) + bytes([A_OK] * 2)),
    "trap_flag_over_a_service": dispatch(b"\x49\x89\xCA\xB8\xFF\x0F\0\0\x0F\x05\x90\xCC", changes=[
        bytes([C_FLAGS]) + struct.pack("<I", TF | 2)], answers=bytes([A_STEP] * 5)),

    # ports
    "port_refuses": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(0, R_NOT_HANDLED)),
    "port_handles": dispatch(INT3 + NOP + INT3, changes=[port(P_EXCEPTION)],
                             answers=NOT_HANDLED_TWICE + reply(9, R_CONTINUE, b"\1") + bytes([A_OK])),
    "port_only": dispatch(INT3 + NOP + JUMP_SELF, changes=[port(P_EXCEPTION), LEAVE],
                          answers=reply(9, R_CONTINUE, b"\2")),
    "port_after_detach": dispatch(INT3 + HLT + JUMP_SELF, changes=[port(P_EXCEPTION)],
                                  answers=bytes([A_CLOSE]) + reply(9, R_CONTINUE, b"\2")),
    "port_late": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(1), end=True),
    "port_wrong_id": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(2, R_CONTINUE), end=True),
    "port_wrong_thread": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(3, 1, b"\4")),
    "port_wrong_process": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(4, 1, b"\4")),
    "port_lengths": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(5, 1, b"\xFF\xFF\1\0")),
    "port_short": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(6, 1, b"\4")),
    "port_twice": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(0x10, 1) + reply()),
    "port_closed_while_waiting": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(8),
                                          end=True),
    "port_closed_before": dispatch(INT3, changes=[port(P_EXCEPTION), port(P_CLOSE_EXCEPTION)], answers=NOT_HANDLED_TWICE),
    "port_killed_while_waiting": dispatch(INT3, changes=[port(P_EXCEPTION)], answers=NOT_HANDLED_TWICE + reply(11),
                                          end=True),
    "port_hidden_thread": dispatch(INT3, changes=[port(P_EXCEPTION), bytes([C_HIDE])], answers=reply(0, R_NOT_HANDLED)),
    "port_wrong_handle": dispatch(INT3, changes=[port(P_WRONG), port(P_WRONG + 0x7E)], answers=NOT_HANDLED_TWICE),
    "error_port_after_refusal": dispatch(INT3, changes=[port(P_EXCEPTION), port(P_ERROR)],
                                         answers=NOT_HANDLED_TWICE + reply(0, R_NOT_HANDLED) + reply(0, R_CONTINUE)),
    "error_port_hard_error": dispatch(INT3, changes=[port(P_ERROR), service(
        S_HARD_ERROR, value(0x50000018), value(1), value(0), value(0x20002100), value(1), value(0x20002200))],
        answers=reply(0, 6) + bytes([0, 0])),
    "error_port_closed_while_waiting": dispatch(INT3, changes=[port(P_ERROR), service(
        S_HARD_ERROR, value(0x50000018), value(0), value(0), value(0), value(1), value(0x20002200))],
        answers=reply(8) + bytes([0, 0]), end=True),
    "one_port_for_both": dispatch(INT3, changes=[port(P_EXCEPTION), port(P_BOTH)],
                                  answers=NOT_HANDLED_TWICE + reply() + reply(0, 1), end=True),

    # contexts and records
    "continue_sound": dispatch(NOP * 5 + INT3, changes=[service(S_CONTINUE, context(rip=3), value(0))],
                               answers=bytes([A_OK])),
    "continue_all_flags": dispatch(NOP + INT3, changes=[service(S_CONTINUE, context(flags=0xFFFFFFFF), value(1))],
                                   answers=bytes([0, 0])),
    "continue_xstate_flag": dispatch(NOP + INT3, changes=[service(
        S_CONTINUE, context(flags=CONTEXT_ALL | 0x40, ex=(-0x4D0, 0x4F0, 0x7FFFFFFF, 0xFFFFFFFF)), value(0))],
        answers=bytes([0, 0])),
    "continue_wild_ex": dispatch(NOP + INT3, changes=[service(
        S_CONTINUE_EX, context(flags=CONTEXT_ALL | 0x40, ex=(0x7FFFFFF0, 0xFFFFFFFF, -0x80000000, 0x40)), value(0))],
        answers=bytes([0, 0])),
    "continue_not_aligned": dispatch(NOP + INT3, changes=[service(S_CONTINUE, context(place=b"\x09"), value(0))],
                                     answers=bytes([0, 0])),
    "continue_half_mapped": dispatch(NOP + INT3, changes=[service(S_CONTINUE, context(place=b"\2\x10"), value(0))],
                                     answers=bytes([0, 0])),
    "continue_half_guard": dispatch(NOP + INT3, changes=[service(S_CONTINUE, context(place=b"\3\x10"), value(0))],
                                    answers=bytes([0, 0])),
    "continue_kernel_address": dispatch(NOP + INT3, changes=[service(
        S_CONTINUE, context(place=b"\6" + bytes([SPECIAL, 11])), value(0))], answers=bytes([0, 0])),
    "continue_hostile": dispatch(NOP + INT3, changes=[service(S_CONTINUE, context(edits=[
        (E_CS, 0x10), (E_FLAGS + 1, 0x77), (E_FLAGS + 2, 0x3F), (E_RIP + 5, 0x80)]), value(0))], answers=bytes([0, 0])),
    "continue_debug_registers": dispatch(NOP * 3 + INT3, changes=[service(S_CONTINUE, context(registers=[
        (DR0, PAGE, b"\2\0"), (DR6, QWORD, b"\xFF" * 8), (DR7, QWORD, b"\x01" + b"\xFC\0\0" + b"\xFF" * 4)]), value(0))],
        answers=bytes([A_OK, A_OK])),
    "continue_ex_argument": dispatch(NOP + INT3, memory=[(0x2100, b"\1\0\0\0\1\0\0\0")], changes=[service(
        S_CONTINUE_EX, context(), value(0x20002100))], answers=bytes([A_OK])),
    "raise_first_chance": dispatch(NOP + INT3, changes=[service(
        S_RAISE, record(parameters=b"\2", values=value(1) + value(0x1234)), context(), b"\1")], answers=bytes([0, 0, 0])),
    "raise_second_chance": dispatch(NOP + INT3, changes=[service(S_RAISE, record(), context(), b"\0")],
                                    answers=bytes([A_OK, A_OK])),
    "raise_too_many_parameters": dispatch(NOP + INT3, changes=[service(S_RAISE, record(parameters=b"\x10"), context(),
                                                                        b"\1")], answers=bytes([0, 0])),
    "raise_huge_parameters": dispatch(NOP + INT3, changes=[service(
        S_RAISE, record(parameters=b"\xFF\xFF\xFF\xFF", values=value(0) * 3), context(), b"\1")], answers=bytes([0, 0])),
    "raise_chain": dispatch(NOP + INT3, changes=[service(
        S_RAISE, record(flags=0x81, chain=bytes([SPECIAL, 11])), context(), b"\1")], answers=bytes([0, 0])),
    "raise_half_record": dispatch(NOP + INT3, changes=[service(S_RAISE, record(place=b"\2\2"), context(), b"\1")],
                                  answers=bytes([0, 0])),
    "set_own_context": dispatch(NOP + INT3, changes=[service(S_SET_CONTEXT, context(flags=CONTEXT_ALL ^ 0x80000000))],
                                answers=bytes([0, 0])),
    "get_context_read_only": dispatch(NOP + INT3, changes=[service(S_GET_CONTEXT, context(place=b"\4\7"))],
                                      answers=bytes([0, 0])),

    # stacks
    "stack_not_canonical": dispatch(INT3, changes=[stack(0, 8)], answers=NOT_HANDLED_TWICE),
    "stack_not_aligned": dispatch(INT3 + NOP + INT3, memory=handler(2), changes=[stack(1, 5)], answers=bytes([0, A_OK])),
    "stack_at_guard_page": dispatch(INT3 + NOP + INT3, memory=handler(2), changes=[stack(2, 0x100)], answers=bytes([0] * 4)),
    "stack_in_guard_page": dispatch(b"\x50\xCC", changes=[stack(3, 0x80)], answers=bytes([0, 0, 0])),
    "stack_full": dispatch(b"\x50\xCC", changes=[stack(4, 0x1200)], answers=bytes([0, 0, 0, 0])),
    "stack_full_dispatch": dispatch(INT3, changes=[stack(4, 0x100)], answers=bytes([0, 0, 0, 0])),
    "stack_read_only": dispatch(INT3, changes=[stack(5, 0x10)], answers=NOT_HANDLED_TWICE),
    "stack_view": dispatch(INT3, changes=[stack(6, 0xFF0)], answers=NOT_HANDLED_TWICE),
    "stack_copy_view": dispatch(INT3 + NOP + INT3, memory=handler(2), changes=[stack(7, 0xFF0)], answers=bytes([0, A_OK])),
    "stack_in_teb": dispatch(INT3, changes=[stack(8, 0x1000)], answers=NOT_HANDLED_TWICE),
    "stack_over_code": dispatch(INT3, changes=[stack(9, 0x100)], answers=NOT_HANDLED_TWICE),
    "stack_overflow": dispatch(b"\x50\xCC", changes=[
        bytes([C_TEB, 3]) + value(0x2000C000), bytes([C_TEB, 1]) + value(0x2000E000), bytes([C_TEB, 2]) + value(0x2000D000),
        stack(10, 0x100)], answers=bytes([0, 0, 0, 0])),
    "stack_guard": dispatch(INT3, changes=[stack(10, 0x100)], answers=bytes([0, 0, 0, 0])),
    "stack_kernel": dispatch(INT3, changes=[stack(11, 0x100)], answers=NOT_HANDLED_TWICE),
    "stack_limits_lie": dispatch(INT3, changes=[bytes([C_TEB, 1]) + value(0), bytes([C_TEB, 2]) + value(-1), stack(3, 0x1000)],
                                 answers=NOT_HANDLED_TWICE),

    # callbacks, monitors, kernel debugger, Pico processes
    "instrumentation": dispatch(system_call(0xFFF) + NOP + JUMP_SELF, memory=[(0x80, INT3)], changes=[
        bytes([C_INSTRUMENTATION]) + value(0x20000080)], answers=bytes([A_OK, A_OK])),
    "instrumentation_loop": dispatch(system_call(0xFFF) + INT3, changes=[
        bytes([C_INSTRUMENTATION]) + value(0x20000003)]),
    "instrumentation_nowhere": dispatch(system_call(0xFFF) + INT3, changes=[
        bytes([C_INSTRUMENTATION]) + value(1 << 47)], answers=bytes([0, 0])),
    "monitor": dispatch(INT3, changes=[bytes([C_MONITOR]), service(S_RAISE, record(), context(), b"\1")],
                        answers=bytes([A_OK])),
    "monitor_removed_between": dispatch(system_call(0xFFF) + INT3 + system_call(0xFFF) + INT3, changes=[bytes([C_MONITOR])],
                                        answers=bytes([A_CHANGE_OK, C_MONITOR, A_OK])),
    "monitor_to_the_end": dispatch(INT3, changes=[bytes([C_MONITOR]), service(S_CONTINUE, context(), value(0))],
                                   answers=bytes([A_OK]), end=True),
    "lstar_nowhere": dispatch(system_call(0xFFF) + INT3, changes=[bytes([C_MSR, 0]) + bytes([SPECIAL, 11])], end=True),
    "lstar_in_user_mode": dispatch(system_call(0xFFF) + INT3, changes=[bytes([C_MSR, 0]) + value(0x20000000)]),
    "kd_exception": dispatch(INT3 + NOP + INT3, kd=1, changes=[LEAVE], answers=bytes([5, 0, 0])),
    "kd_sees_all": dispatch(NULL_READ + HLT + INT3, kd=2, changes=[LEAVE], answers=bytes([0, 0])),
    "kd_print": dispatch(b"\xCD\x2D\xCC\xCC", kd=1, registers=[(RAX, BYTE, b"\1"), (RCX, DATA, b"\0\1"), (RDX, BYTE, b"\5")],
                         memory=[(0x2100, b"hello")], answers=bytes([2, A_OK])),
    "kd_prompt": dispatch(b"\xCD\x2D\xCC\xCC", kd=1, registers=[
        (RAX, BYTE, b"\2"), (RCX, DATA, b"\0\1"), (RDX, BYTE, b"\5"), (8, DATA, b"\0\2"), (9, BYTE, b"\x40")],
        answers=bytes([0x30, A_OK])),
    "kd_prompt_half_mapped": dispatch(b"\xCD\x2D\xCC\xCC", kd=1, registers=[
        (RAX, BYTE, b"\2"), (RCX, DATA, b"\0\1"), (RDX, BYTE, b"\5"), (8, PAGE, b"\xF0\xDF"), (9, DWORD, b"\0\2\0\0")],
        answers=bytes([0x30, 0, 0])),
    "kd_symbols": dispatch(b"\xCD\x2D\xCC\xCC", kd=1, registers=[
        (RAX, BYTE, b"\3"), (RCX, DATA, b"\0\1"), (RDX, DATA, b"\0\2")], answers=bytes([4, A_OK])),
    "kd_registers": dispatch(INT3 + NOP * 3 + INT3, kd=1, changes=[LEAVE], answers=bytes([9, 1, RIP, PAGE, 3, 0, 5])),
    "kd_to_the_end": dispatch(INT3 * 3, kd=2, changes=[LEAVE], answers=bytes([5]), end=True),
    "kd_stub_print": dispatch(b"\xCD\x2D\xCC\xCC", registers=[(RAX, BYTE, b"\1")], answers=bytes([A_OK])),
    "pico_handles": dispatch(HLT + NOP + INT3, changes=[bytes([C_PICO, 1])], answers=bytes([2, 0, 0])),
    "pico_passes": dispatch(HLT + NOP + INT3, changes=[bytes([C_PICO, 1])], answers=bytes([0, 0, 0, 0, 2, 0])),
    "minimal": dispatch(INT3, code_32=True, changes=[bytes([C_PICO, 2])], answers=NOT_HANDLED_TWICE),
    "wow64": dispatch(INT3, code_32=True, changes=[bytes([C_PICO, 4])], answers=NOT_HANDLED_TWICE),

    # the program's own handlers, APCs
    "handler_continues": dispatch(INT3 + NOP + INT3, changes=[own_handler(target=2)], answers=bytes([0, A_OK])),
    "handler_disposition": dispatch(INT3, changes=[own_handler(disposition=-1, edits=[(E_RIP, 2)])],
                                    answers=bytes([0, 0])),
    "handler_wrong_disposition": dispatch(INT3, changes=[own_handler(disposition=7)], answers=bytes([0, 0])),
    "handler_faults": dispatch(INT3, changes=[own_handler(touched=0x10)], answers=bytes([0, 0, 0, 0])),
    "handler_faults_and_continues": dispatch(INT3 + NOP + INT3, changes=[own_handler(target=2, touched=0x2000C000)],
                                             answers=bytes([0, 0, 0, 0])),
    "handler_spoils_context": dispatch(INT3 + NOP * 2 + INT3, changes=[own_handler(target=2, edits=[
        (E_CS, 0x10), (E_FLAGS + 1, 0x37), (0x30, 0xFFFF)])], answers=bytes([0, 0, 0])),
    "frame_handler": dispatch(INT3, changes=[
        bytes([C_TEB, 2]) + value(0x20002000), bytes([C_TEB, 1]) + value(0x2000B000), bytes([C_TEB, 0]) + value(0x20005000),
        stack(13)[:2] + b"\0\0" + value(0x20008000)], memory=[(0x5000, struct.pack("<QQQ", 0, PAGES, PAGES))],
        answers=bytes([0, 0, 0])),
    "apc": dispatch(INT3, changes=[bytes([C_APC]) + value(0x20000000) + b"\0", service(S_TEST_ALERT, value(0) * 6)],
                    answers=bytes([A_OK, 0, 0])),
    "apc_nowhere": dispatch(INT3, changes=[bytes([C_APC]) + value(1 << 47) + b"\2", service(S_TEST_ALERT, value(0) * 6)],
                            answers=bytes([0, 0])),
    "apc_by_continue": dispatch(INT3 + b"\xC3", changes=[bytes([C_APC]) + value(0x20000001) + b"\1",
                                                       service(S_CONTINUE, context(), value(1))], answers=bytes([A_OK] * 3)),
    "apc_without_stack": dispatch(INT3, changes=[
        bytes([C_APC]) + value(0x20000000) + b"\0", service(S_TEST_ALERT, value(0) * 6), stack(5, 8)], answers=bytes([0, 0])),
    "alerted": dispatch(INT3, changes=[bytes([C_ALERT]), service(S_TEST_ALERT, value(0) * 6)], answers=bytes([A_OK])),
    "apc_while_waiting": dispatch(INT3 + b"\xC3", memory=[(0x2100, struct.pack("<q", -10000))], changes=[
        bytes([C_APC]) + value(0x20000000) + b"\0", service(S_DELAY, value(1), value(0x20002100), value(0) * 4)],
        answers=bytes([A_OK, 0])),
    "apc_between_events": dispatch(INT3 + INT3, end=True, answers=bytes([A_CHANGE, C_APC]) + value(0x20000001) + b"\0" +
                                   bytes([A_CHANGE_OK, C_SERVICE, S_TEST_ALERT]) + value(0) * 6 + bytes([A_OK])),
}


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
    for target, seeds in (("services", {**SERVICES, **FOUND}), ("dispatch", {**DISPATCH, **AREAS})):
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for name, seed in seeds.items():
            with open(os.path.join(folder, target, name), "wb") as file:
                file.write(seed)


main()
