#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Random C functions whose prologues and epilogues are the compiler's.

Usage: generate_c.py --seed N --first NUMBER --count COUNT --out FILE
Every function takes six integers and keeps values in registers that its caller owns, in local arrays and in memory of
alloca, over calls of other functions. The table `c_functions` lists them by number."""
import argparse
import random

CLOBBERED = ['rbx', 'rsi', 'rdi', 'r12', 'r13', 'r14', 'r15'] + ['xmm%d' % i for i in range(6, 16)]
LOCAL_SIZES = [1, 3, 8, 24, 40, 100, 127, 128, 200, 500, 1500, 4096, 5000, 9000]


def clobber(r):
    registers = r.sample(CLOBBERED, r.randint(1, 5))
    text = ''
    for register in registers:
        if register.startswith('xmm'):
            text += 'xorps %%{0}, %%{0}\\n'.format(register)
        else:
            text += 'mov ${}, %%{}\\n'.format(r.randint(1, 1 << 30), register)
    return '  __asm__ volatile("{}" : : : {});'.format(text, ', '.join('"%s"' % n for n in registers))


def local_array(r, index):
    size = r.choice(LOCAL_SIZES)
    return '''  volatile unsigned char l{0}[{1}];
  l{0}[x % {1}] = (unsigned char)y, x += l{0}[x % {1}];'''.format(index, size)


def dynamic(r, index):
    return '''  volatile unsigned char *d{0} = __builtin_alloca(16 + (y & {1}));
  d{0}[y & 15] = (unsigned char)x, y += d{0}[y & 15];'''.format(index, r.choice([63, 255, 8191]))


def floats(r, index):
    n = r.randint(2, 8)
    lines = ['  double f{}_{} = (double)(a + {}u) * z;'.format(index, i, i) for i in range(n)]
    lines.append('  x += helper_{}(a, b, c, d, e, f);'.format(r.randint(0, 2)))
    lines.append('  z += ' + ' + '.join('f{}_{}'.format(index, i) for i in range(n)) + ';')
    return '\n'.join(lines)


def switch(r, _):
    lines = ['  switch (x & 7) {']
    for i in range(8):
        call = 'helper_{}(x, y, {}, d, e, f)'.format(r.randint(0, 2), r.randint(0, 99))
        lines.append('  case {}:\n    y {} {};\n    break;'.format(i, r.choice(['+=', '^=', '-=']), call))
    return '\n'.join(lines + ['  }'])


def loop(r, index):
    return '''  for (unsigned i{0} = 0; i{0} < (x & 3) + 1; i{0}++)
    y += helper_{1}(i{0}, x, y, a, b, c) * {2}u;'''.format(index, r.randint(0, 2), r.randint(3, 99))


def early_return(r, _):
    return '''  if ((a & {}) == {})
    return x + y;'''.format(r.choice([1, 3, 7]), r.randint(0, 1))


def live_values(r, index):
    n = r.randint(3, 9)
    lines = ['  u64 v{}_{} = a * {}u + b;'.format(index, i, r.randint(3, 1000)) for i in range(n)]
    lines.append('  y ^= helper_{}(e, d, c, b, a, f);'.format(r.randint(0, 2)))
    lines.append('  x += ' + ' ^ '.join('v{}_{}'.format(index, i) for i in range(n)) + ';')
    return '\n'.join(lines)


def function(r, number, first):
    body = []
    kinds = [(clobber, 3), (local_array, 3), (dynamic, 1), (floats, 2), (switch, 1), (loop, 1), (early_return, 2),
             (live_values, 3)]
    chosen = r.choices([k for k, _ in kinds], [w for _, w in kinds], k=r.randint(0, 5))
    for index, kind in enumerate(chosen):
        body.append(kind(r) if kind is clobber else kind(r, index))
    if number > first and r.random() < 0.3:
        body.insert(r.randint(0, len(body)), '  x += f{}(y, x, c, a, f, e);'.format(
            r.randint(max(first, number - 20), number - 1)))
    if r.random() < 0.25:
        end = '  return helper_{}(x, y, (u64)z, d, e, f);'.format(r.randint(0, 2))
    else:
        end = '  return x + y + (u64)z;'
    return '''
__attribute__((noinline)) u64 f{}(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{{
  u64 x = a ^ f, y = b + e;
  double z = (double)(c & 0xFFFF);
  (void)d, (void)x, (void)y, (void)z;
{}
{}
}}
'''.format(number, '\n'.join(body), end)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--first', type=int, required=True)
    parser.add_argument('--count', type=int, required=True)
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    numbers = range(args.first, args.first + args.count)
    with open(args.out, 'w', encoding='ascii') as out:
        out.write('typedef unsigned long long u64;\n')
        for i in range(3):
            out.write('u64 helper_{}(u64, u64, u64, u64, u64, u64);\n'.format(i))
        for number in numbers:
            out.write(function(random.Random(args.seed * 1000003 + number), number, args.first))
        out.write('\nconst struct {{ void *code; u64 number; }} c_functions[] = {{\n{}\n{{0, 0}}}};\n'.format(
            '\n'.join('{{(void *)f{0}, {0}}},'.format(n) for n in numbers)))
        out.write('const u64 seed = {};\n'.format(args.seed))


if __name__ == '__main__':
    main()
