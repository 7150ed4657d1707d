#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random assembler functions of shapes that compilers seldom make or never.

Usage: generate_s.py --seed N --first NUMBER --count COUNT --out FILE
Large frames, saves by mov near and far, frame registers with offsets, several epilogues of every legal end, code that only
looks like an epilogue, chained pieces, version 2 epilogue codes, machine frames, leaf functions. The table `s_functions`
lists them by number, `unchecked` the code that no unwind data can describe."""
import argparse
import random

from unwind_info import REGISTERS, UnwindInfo, runtime_function

PUSHABLE = ['rbx', 'rbp', 'rsi', 'rdi', 'r12', 'r13', 'r14', 'r15']
ALLOCATIONS = [0, 8, 40, 120, 128, 136, 1024, 0x7FFF8, 0x80000, 0x100000, 0x128000]
ENDS = ['ret', 'ret_n', 'rep_ret', 'jmp_short', 'jmp_near', 'jmp_memory', 'jmp_register', 'jmp_low_register', 'again']


class Function:
    def __init__(self, r, number):
        self.r, self.number, self.lines, self.labels = r, number, [], 0
        self.unchecked = []
        self.by_hand = r.random() < 0.5
        self.version2 = self.by_hand and r.random() < 0.4
        self.epilogues = []  # labels (begin, end)

    def label(self):
        self.labels += 1
        return '.Ls{}_{}'.format(self.number, self.labels)

    def emit(self, text):
        self.lines.append(text if text.endswith(':') else '  ' + text)

    def here(self):
        label = self.label()
        self.emit(label + ':')
        return label

    # ---- the frame ----

    def plan(self):
        r = self.r
        self.pushed = r.sample(PUSHABLE, r.randint(0, 6))
        self.size = r.choice(ALLOCATIONS) + 8 * r.choice([0, 0, 1, 2])
        self.frame, self.frame_offset = None, 0
        if self.pushed and r.random() < 0.5:
            self.frame = r.choice(self.pushed)
            self.frame_offset = 16 * r.randint(0, min(15, self.size // 16))
        self.saved, self.saved_xmm = [], []
        # A slot for movaps needs its frame aligned: entry is 8 off.
        self.aligned = (8 + 8 * len(self.pushed) + self.size) % 16 == 0
        slots = list(range(0, self.size // 16))
        if self.version2:
            self.ends = [r.choice(['ret', 'rep_ret'])] * r.randint(1, 2)
            return
        self.ends = [r.choice(ENDS) for _ in range(r.randint(1, 3))]
        # The target of a short jump lies behind the function.
        self.ends[:-1] = ['jmp_near' if end == 'jmp_short' else end for end in self.ends[:-1]]
        others = [n for n in PUSHABLE if n not in self.pushed]
        for register in r.sample(others, r.randint(0, len(others))):
            if slots:
                self.saved.append((register, 16 * self.take(slots)))
        if self.aligned:
            for register in r.sample(range(6, 16), r.randint(0, 4)):
                if slots:
                    self.saved_xmm.append((register, 16 * self.take(slots)))

    def take(self, slots):
        slot = self.r.choice([slots[0], slots[-1], self.r.choice(slots)])
        slots.remove(slot)
        return slot

    def directive(self, text):
        if not self.by_hand:
            self.emit(text)

    def code(self, info, kind, operand, value=None):
        info.add(self.here() if self.by_hand else None, kind, operand, value)

    def filler(self):
        """Instructions of a prologue that are not in the unwind data."""
        if self.r.random() < 0.2:
            self.emit(self.r.choice(['nop', 'mov %rcx, %rax', 'lea 8(%rdx), %r10', 'nopl (%rax)']))

    def prologue(self, info):
        for register in self.pushed:
            self.filler()
            self.emit('push %{}'.format(register))
            self.code(info, 'push', register)
            self.directive('.seh_pushreg %{}'.format(register))
        if self.size:
            self.filler()
            if self.r.random() < 0.3:
                self.emit('mov ${}, %eax'.format(self.size))
                self.emit('sub %rax, %rsp')
            else:
                self.emit('sub ${}, %rsp'.format(self.size))
            self.code(info, 'alloc', self.size)
            self.directive('.seh_stackalloc {}'.format(self.size))
        saves = [('save', n, at) for n, at in self.saved] + [('xmm', n, at) for n, at in self.saved_xmm]
        self.r.shuffle(saves)
        early = self.r.randint(0, len(saves))
        for save in saves[:early]:
            self.save(info, *save)
        if self.frame:
            self.emit('lea {}(%rsp), %{}'.format(self.frame_offset, self.frame))
            self.code(info, 'frame', None)
            self.directive('.seh_setframe %{}, {}'.format(self.frame, self.frame_offset))
        for save in saves[early:]:
            self.filler()
            self.save(info, *save)

    def save(self, info, kind, register, at):
        if kind == 'save':
            self.emit('mov %{}, {}(%rsp)'.format(register, at))
            self.directive('.seh_savereg %{}, {}'.format(register, at))
        else:
            self.emit('movaps %xmm{}, {}(%rsp)'.format(register, at))
            self.directive('.seh_savexmm %xmm{}, {}'.format(register, at))
        self.code(info, kind, register, at)

    # ---- the body ----

    def base(self):
        """What saves are addressed by after the prologue."""
        return (self.frame, -self.frame_offset) if self.frame else ('rsp', 0)

    def change_registers(self):
        owned = [n for n in self.pushed + [n for n, _ in self.saved] if n != self.frame]
        for register in owned:
            self.emit(self.r.choice(['xor %{0}, %{0}', 'mov $-3, %{0}', 'lea (%rcx,%rdx), %{0}', 'not %{0}'])
                      .format(register))
        for register, _ in self.saved_xmm:
            self.emit('xorps %xmm{0}, %xmm{0}'.format(register))

    def body_piece(self):
        r = self.r
        kind = r.choice(['nop', 'bait_jump', 'bait_register', 'call', 'bait_pop', 'dynamic'])
        if self.version2 and r.random() < 0.7:
            # Version 1 takes this for the end of an epilogue.
            label, pointer = self.label(), self.label()
            self.lines += ['  .data', '  .balign 8', pointer + ':', '  .quad ' + label, '  .text']
            self.emit('jmp *{}(%rip)'.format(pointer))
            self.emit(label + ':')
            return
        if kind == 'nop':
            self.emit('add %rcx, %rdx')
        elif kind == 'bait_jump':
            label = self.label()
            self.emit('jmp ' + label)
            self.emit('int3')
            self.emit(label + ':')
        elif kind == 'bait_register':
            # Without REX.W it is a jump inside of the function.
            label = self.label()
            self.emit('lea {}(%rip), %rax'.format(label))
            self.emit('jmp *%rax')
            self.emit(label + ':')
        elif kind == 'call' and self.size >= 40:
            self.emit('call helper_{}'.format(r.randint(0, 2)))
        elif kind == 'bait_pop' and self.frame:
            label = self.label()
            self.emit('push %rdx')
            self.emit('pop %rax')
            self.emit('jmp ' + label)
            self.emit('int3')
            self.emit(label + ':')
        elif kind == 'dynamic' and self.frame and not self.version2:
            self.emit('sub ${}, %rsp'.format(16 * r.randint(1, 9)))

    def restore_saves(self):
        base, offset = self.base()
        # The frame register is the base; it comes back last, by its pop.
        for register, at in self.saved:
            self.emit('mov {}(%{}), %{}'.format(at + offset, base, register))
        for register, at in self.saved_xmm:
            self.emit('movaps {}(%{}), %xmm{}'.format(at + offset, base, register))

    def epilogue(self, end):
        self.restore_saves()
        begin = self.here()
        if self.frame:
            rest = self.size - self.frame_offset
            if rest:
                self.emit('lea {}(%{}), %rsp'.format(rest, self.frame))
            else:
                self.emit('.byte ' + ', '.join('%d' % n for n in self.lea_zero()))
        elif self.size:
            self.emit('add ${}, %rsp'.format(self.size))
        if self.version2:
            begin = self.here()
        for register in reversed(self.pushed):
            self.emit('pop %{}'.format(register))
        self.end(end)
        self.epilogues.append((begin, self.here()))

    def lea_zero(self):
        """lea 0(%frame), %rsp with a byte of displacement, as an assembler would not write it."""
        number = REGISTERS.index(self.frame)
        sib = [0x24] if number & 7 == 4 else []
        return [0x48 | number >> 3, 0x8D, 0x60 | (number & 7)] + sib + [0]

    def end(self, end):
        n = self.number
        self.emit({'ret': 'ret', 'ret_n': 'ret $24', 'rep_ret': '.byte 0xF3, 0xC3',
                   'jmp_short': '.byte 0xEB, .Lshort{} - . - 1'.format(n), 'jmp_near': 'jmp helper_1',
                   'jmp_memory': 'jmp *helper_pointer(%rip)', 'jmp_register': '.byte 0x49, 0xFF, 0xE2',
                   'jmp_low_register': '.byte 0x48, 0xFF, 0xE2', 'again': 'jmp s{}'.format(n)}[end])

    def before_end(self, end):
        if end in ('jmp_register', 'jmp_low_register'):
            self.emit('lea helper_2(%rip), %{}'.format('r10' if end == 'jmp_register' else 'rdx'))

    def body(self):
        self.change_registers()
        for _ in range(self.r.randint(0, 3)):
            self.body_piece()
        for index, end in enumerate(self.ends):
            last = index == len(self.ends) - 1
            skip = None
            if end == 'again':
                # Once: r11 tells the second time from the first.
                skip = self.label()
                self.emit('test %r11, %r11')
                self.emit('jnz ' + skip)
                self.emit('mov $1, %r11d')
            elif not last:
                skip = self.label()
                self.emit('test ${}, %cl'.format(1 << index))
                self.emit('jz ' + skip)
            self.before_end(end)
            self.epilogue(end)
            if skip:
                self.emit(skip + ':')
        if self.ends[-1] == 'again':
            self.epilogue('ret')

    # ---- whole functions ----

    def plain(self):
        self.plan()
        name = 's{}'.format(self.number)
        info = UnwindInfo('.Lx{}'.format(self.number), name, self.frame, self.frame_offset)
        self.directive('.seh_proc {}'.format(name))
        self.emit(name + ':')
        self.prologue(info)
        self.directive('.seh_endprologue')
        prologue_end = self.here()
        piece = self.chained_piece(name, info) if self.by_hand and not self.version2 else None
        self.body()
        end = self.here()
        self.directive('.seh_endproc')
        if not self.by_hand:
            return
        epilogues = None
        if self.version2:
            begin, stop = self.epilogues[-1]
            epilogues = ('{} - {}'.format(stop, begin), True, ['{} - {}'.format(end, b) for b, _ in self.epilogues[:-1]])
        text = info.text(prologue_end, epilogues=epilogues)
        first_end = piece[0] if piece else end
        table = runtime_function(name, first_end, info.name)
        if piece:
            table += piece[2] + runtime_function(*piece[3])
            if piece[1] != end:
                # Behind the piece the function goes on in a second one that has no codes of its own.
                rest = UnwindInfo(info.name + '_rest', piece[1], self.frame, self.frame_offset)
                table += rest.text(piece[1], chained_to=(name, first_end, info.name))
                table += runtime_function(piece[1], end, rest.name)
        self.lines += text + table

    def chained_piece(self, name, info):
        """A piece in the middle that saves more registers: (begin, end, info text, table entry) or None."""
        used = self.pushed + [n for n, _ in self.saved]
        free = [n for n in PUSHABLE if n not in used]
        taken = {at for _, at in self.saved} | {at for _, at in self.saved_xmm}
        slots = [at for at in range(0, self.size // 16 * 16, 16) if at not in taken][:40]
        if not free or not slots or self.r.random() < 0.3:
            return None
        if self.frame and self.r.random() < 0.5:
            # The piece's own prologue then runs with rsp below the frame.
            self.emit('sub $32, %rsp')
        begin = self.here()
        base, offset = self.base()
        piece = UnwindInfo('{}_piece'.format(info.name), begin, self.frame, self.frame_offset)
        extra = []
        for register in self.r.sample(free, min(len(free), len(slots), self.r.randint(1, 3))):
            at = slots.pop()
            self.emit('mov %{}, {}(%{})'.format(register, at + offset, base))
            piece.add(self.here(), 'save', register, at)
            extra.append((register, at))
        prologue_end = self.here()
        for register, _ in extra:
            self.emit('mov $77, %{}'.format(register))
        if self.size >= 40:
            self.emit('call helper_0')
        for register, at in extra:
            self.emit('mov {}(%{}), %{}'.format(at + offset, base, register))
        # A jump into the same function's other piece does not leave it.
        rest = self.label()
        self.emit('jmp ' + rest)
        end = self.here()
        self.emit(rest + ':')
        text = piece.text(prologue_end, chained_to=(name, begin, info.name))
        return begin, end, text, (begin, end, piece.name)

    def machine_frame(self):
        """A handler that a stub enters as an interrupt would."""
        n, r = self.number, self.r
        error = r.random() < 0.5
        self.emit('s{}:'.format(n))
        stub, resume, handler = 's{}'.format(n), '.Lresume{}'.format(n), '.Lhandler{}'.format(n)
        for text in ['mov %rsp, %rax', 'pushq $0x2B', 'push %rax', 'pushfq', 'pushq $0x33',
                     'lea {}(%rip), %rax'.format(resume), 'push %rax'] + (['pushq $5'] if error else []):
            self.emit(text)
        self.emit('jmp {}'.format(handler))
        self.emit(resume + ':')
        self.unchecked.append((stub, resume))
        self.emit('ret')
        self.pushed, self.size = r.sample(PUSHABLE, r.randint(0, 5)), 8 * r.randint(0, 40)
        self.frame, self.frame_offset, self.by_hand = None, 0, error or r.random() < 0.5
        self.saved, self.saved_xmm = [], []
        info = UnwindInfo('.Lx{}'.format(n), handler)
        self.directive('.seh_proc ' + handler)
        self.emit(handler + ':')
        info.add(handler, 'machine', 1 if error else 0)
        self.directive('.seh_pushframe')
        self.prologue(info)
        self.directive('.seh_endprologue')
        prologue_end = self.here()
        self.change_registers()
        for _ in range(r.randint(0, 3)):
            self.emit('nop')
        undo = self.here()
        if self.size:
            self.emit('add ${}, %rsp'.format(self.size))
        for register in reversed(self.pushed):
            self.emit('pop %{}'.format(register))
        if error:
            self.emit('add $8, %rsp')
        self.emit('iretq')
        end = self.here()
        self.unchecked.append((undo, end))
        self.directive('.seh_endproc')
        if self.by_hand:
            self.lines += info.text(prologue_end) + runtime_function(handler, end, info.name)

    def leaf(self):
        self.emit('s{}:'.format(self.number))
        for _ in range(self.r.randint(0, 3)):
            self.emit(self.r.choice(['add %rcx, %rdx', 'mov $3, %eax', 'nop']))
        self.emit(self.r.choice(['ret', 'jmp helper_2', 'ret $16']))

    def make(self):
        self.emit('.balign 16')
        self.emit('.globl s{}'.format(self.number))
        kind = self.r.random()
        if kind < 0.1:
            self.machine_frame()
        elif kind < 0.15:
            self.leaf()
        else:
            self.plain()
        self.emit('.Lshort{}:'.format(self.number))
        self.emit('ret')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--first', type=int, required=True)
    parser.add_argument('--count', type=int, required=True)
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    lines, table, unchecked = ['  .text'], [], []
    for number in range(args.first, args.first + args.count):
        function = Function(random.Random(args.seed * 1000003 + number), number)
        function.make()
        lines += function.lines
        table.append('  .quad s{0}, {0}'.format(number))
        unchecked += ['  .quad {}, {}'.format(*pair) for pair in function.unchecked]
    lines += ['  .data', '  .balign 8', 'helper_pointer:', '  .quad helper_0',
              '  .globl s_functions', 's_functions:'] + table + ['  .quad 0, 0',
              '  .globl unchecked', 'unchecked:'] + unchecked + ['  .quad 0, 0']
    with open(args.out, 'w', encoding='ascii') as out:
        out.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
