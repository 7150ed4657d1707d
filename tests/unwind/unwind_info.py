# SPDX-License-Identifier: GPL-2.0-or-later
"""UNWIND_INFO as assembler text, for shapes that assemblers have no directive for: chained pieces and version 2."""
REGISTERS = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi'] + ['r%d' % i for i in range(8, 16)]
ALLOC_LARGE16_LIMIT = 0x80000  # bytes; the operand is 16 bits of eight bytes each


class UnwindInfo:
    """Codes in the order of the prologue; each has the label behind its instruction."""

    def __init__(self, name, begin, frame=None, frame_offset=0):
        self.name, self.begin, self.frame, self.frame_offset = name, begin, frame, frame_offset
        self.codes = []

    def add(self, label, kind, operand, value=None):
        self.codes.append((label, kind, operand, value))

    def _code(self, label, kind, operand, value):
        """Lines of one code, and how many slots they are."""
        at = '{} - {}'.format(label, self.begin)

        def entry(op, info, extra16=None, extra32=None):
            lines = ['  .byte {}, {}'.format(at, op | info << 4)]
            slots = 1
            if extra16 is not None:
                lines.append('  .short {}'.format(extra16))
                slots += 1
            if extra32 is not None:
                lines.append('  .long {}'.format(extra32))
                slots += 2
            return lines, slots

        if kind == 'push':
            return entry(0, REGISTERS.index(operand))
        if kind == 'alloc':
            if operand <= 128:
                return entry(2, operand // 8 - 1)
            return entry(1, 0, extra16=operand // 8) if operand < ALLOC_LARGE16_LIMIT else entry(1, 1, extra32=operand)
        if kind == 'machine':
            return entry(10, operand)
        if kind == 'frame':
            return entry(3, 0)
        if kind == 'save':
            number = REGISTERS.index(operand)
            return entry(4, number, extra16=value // 8) if value < 0x80000 else entry(5, number, extra32=value)
        if kind == 'xmm':
            return entry(8, operand, extra16=value // 16) if value < 0x100000 else entry(9, operand, extra32=value)
        raise ValueError(kind)

    def text(self, prologue_end, chained_to=None, epilogues=None):
        """`chained_to`: (begin, end, info) of the function's first piece. `epilogues`: (size, at_end, [distance of each
        other one from the end]) makes version 2."""
        lines, slots = [], 0
        if epilogues:
            size, at_end, others = epilogues
            lines.append('  .byte {}, {}'.format(size, 6 | (1 if at_end else 0) << 4))
            slots += 1
            for distance in others:
                lines.append('  .byte ({0}) & 255, 6 | (({0}) >> 8) << 4'.format(distance))
                slots += 1
            if slots % 2:
                lines.append('  .byte 0, 6')
                slots += 1
        for code in reversed(self.codes):
            code_lines, count = self._code(*code)
            lines += code_lines
            slots += count
        frame = REGISTERS.index(self.frame) if self.frame else 0
        head = ['  .section .xdata', '  .balign 4', '{}:'.format(self.name),
                '  .byte {}, {} - {}, {}, {}'.format((2 if epilogues else 1) | (4 if chained_to else 0) << 3,
                                                     prologue_end, self.begin, slots, frame | self.frame_offset)]
        if slots % 2:
            lines.append('  .short 0')
        if chained_to:
            lines.append('  .rva {}, {}, {}'.format(*chained_to))
        return head + lines + ['  .text']


def runtime_function(begin, end, info):
    return ['  .section .pdata', '  .balign 4', '  .rva {}, {}, {}'.format(begin, end, info), '  .text']
