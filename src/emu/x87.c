/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 instructions while an exception is unmasked. The engine keeps few of the exception flags and no stack faults, so
 * the host's own unit executes them: an unmasked exception there only sets flags, as nothing that is run waits for it.
 * A host of another kind knows of none (CAVEATS). */
#include "emu/internal.h"

#define IMAGE_SIZE 108u

/* Bytes of the memory operand by opcode and ModRM.reg; negative: written. 0: no instruction. */
static const int8_t operand[8][8] = {
    {4, 4, 4, 4, 4, 4, 4, 4},       {4, 0, -4, -4, 28, 2, -28, -2},  {4, 4, 4, 4, 4, 4, 4, 4},
    {4, -4, -4, -4, 0, 10, 0, -10}, {8, 8, 8, 8, 8, 8, 8, 8},        {8, -8, -8, -8, 108, 0, -108, -2},
    {2, 2, 2, 2, 2, 2, 2, 2},       {2, -2, -2, -2, 10, 8, -10, -8},
};

/* Register forms that every processor has: by opcode, a bit for each ModRM byte from C0 to FF. */
static const uint64_t registers[8] = {
    0xFFFFFFFFFFFFFFFF, /* D8 */
    0xFFFF7F330001FFFF, /* D9 */
    0x00000200FFFFFFFF, /* DA */
    0x00FFFF0CFFFFFFFF, /* DB */
    0xFFFFFFFF0000FFFF, /* DC */
    0x0000FFFFFFFF00FF, /* DD */
    0xFFFFFFFF0200FFFF, /* DE */
    0x00FFFF0000000000, /* DF, without fnstsw ax */
};

/* Others that processors know, by other encodings, and fnstsw ax. */
static const uint64_t further_registers[8] = {0,          0xFF000000, 0,        0x1300000000,
                                              0xFFFF0000, 0xFF00,     0xFF0000, 0x1FFFFFFFF};

static bool exists(const struct insn *i)
{
  unsigned row = i->opcode & 7;
  if (i->memory)
    return operand[row][(i->modrm >> 3) & 7u] != 0;
  return ((registers[row] | further_registers[row]) >> (i->modrm & 0x3F) & 1) != 0;
}

bool x87_is_instruction(const struct insn *i)
{
  return i->map == MAP_ONE_BYTE && ((i->opcode & 0xF8) == 0xD8 || i->opcode == 0x9B);
}

bool x87_loads_control(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  if (i->map != MAP_ONE_BYTE || !i->memory)
    return false;
  return (i->opcode == 0xD9 && (reg == 4 || reg == 5)) || (i->opcode == 0xDD && reg == 4);
}

bool x87_waits(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  if (i->map != MAP_ONE_BYTE)
    return x87_is_mmx(i);
  if (!x87_is_instruction(i))
    return false;
  if (i->opcode == 0x9B)
    return true;
  if (!exists(i))
    return false;
  if (i->memory)
    return !((i->opcode == 0xD9 || i->opcode == 0xDD) && reg >= 6);
  return !(i->opcode == 0xDB && i->modrm >= 0xE0 && i->modrm <= 0xE4) && !(i->opcode == 0xDF && i->modrm == 0xE0);
}

bool x87_is_mmx(const struct insn *i)
{
  uint8_t op = i->opcode;
  if (i->vex)
    return false;
  if (i->map == MAP_0F38)
    return i->sse == 0 && (op <= 0x0B || (op >= 0x1C && op <= 0x1E));
  if (i->map == MAP_0F3A)
    return i->sse == 0 && op == 0x0F;
  if (i->map != MAP_0F)
    return false;
  if (op == 0x2A || op == 0x2C || op == 0x2D)
    return (i->sse == 0 || i->sse == 0x66) && !(op == 0x2A && i->memory);
  if (op == 0xD6)
    return i->sse == 0xF2 || i->sse == 0xF3;
  return i->sse == 0 && ((op >= 0x60 && op <= 0x77) || op == 0x7E || op == 0x7F || op == 0xC4 || op == 0xC5 ||
                         (op >= 0xD1 && op <= 0xFE && op != 0xF0));
}

#if defined(__x86_64__)

static bool is_known(const struct insn *i)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  if ((i->opcode & 0xF8) != 0xD8 || i->map != MAP_ONE_BYTE || i->lock)
    return false;
  if (!i->memory)
    return (registers[i->opcode & 7] >> (i->modrm & 0x3F) & 1) != 0;
  /* With an operand-size prefix, images have another format. */
  int size = operand[i->opcode & 7][reg];
  return size != 0 && !(i->operand16 && (size == 28 || size == -28 || size == 108 || size == -108));
}

bool x87_operand(const struct insn *i, unsigned *size, bool *written)
{
  int bytes = i->memory ? operand[i->opcode & 7][(i->modrm >> 3) & 7u] : 0;
  *size = (unsigned)(bytes < 0 ? -bytes : bytes);
  *written = bytes < 0;
  return is_known(i);
}

/* Four bytes for each instruction: its two, and a return. The memory operand is at RDI. */
__asm__(".pushsection .text\n"
        ".balign 16\n"
        "emu_x87_memory:\n"
        ".irp op, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF\n"
        ".irp modrm, 0x07, 0x0F, 0x17, 0x1F, 0x27, 0x2F, 0x37, 0x3F\n"
        ".byte \\op, \\modrm, 0xC3, 0xCC\n"
        ".endr\n"
        ".endr\n"
        "emu_x87_register:\n"
        ".irp op, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF\n"
        ".irp high, 0xC0, 0xC8, 0xD0, 0xD8, 0xE0, 0xE8, 0xF0, 0xF8\n"
        ".irp low, 0, 1, 2, 3, 4, 5, 6, 7\n"
        ".byte \\op, \\high + \\low, 0xC3, 0xCC\n"
        ".endr\n"
        ".endr\n"
        ".endr\n"
        ".popsection\n");
extern const uint8_t emu_x87_memory[8][8][4] __attribute__((visibility("hidden")));
extern const uint8_t emu_x87_register[8][64][4] __attribute__((visibility("hidden")));

/* The 28 bytes of FNSTENV in 32-bit format, and the registers behind them. */
struct image {
  uint16_t control, reserved0, status, reserved1, tags, reserved2;
  uint32_t instruction;
  uint16_t code_selector, opcode;
  uint32_t data;
  uint16_t data_selector, reserved3;
  uint8_t st[8][10];
};
_Static_assert(sizeof(struct image) == IMAGE_SIZE, "FNSAVE stores 108 bytes");

static void to_image(const XSAVE_FORMAT *fx, struct image *out)
{
  memset(out, 0, sizeof *out);
  out->control = fx->ControlWord;
  out->status = fx->StatusWord;
  for (unsigned k = 0; k < 8; k++) {
    out->tags |= (uint16_t)((fx->TagWord >> k & 1) != 0 ? 0 : 3u << (2 * k));
    memcpy(out->st[k], &fx->FloatRegisters[k], sizeof out->st[k]);
  }
}

static void from_image(const struct image *in, XSAVE_FORMAT *fx)
{
  fx->ControlWord = in->control;
  fx->StatusWord = in->status;
  fx->TagWord = 0;
  for (unsigned k = 0; k < 8; k++) {
    fx->TagWord |= (UCHAR)(((in->tags >> (2 * k) & 3) != 3) << k);
    memcpy(&fx->FloatRegisters[k], in->st[k], sizeof in->st[k]);
  }
}

static void get_pointers(const XSAVE_FORMAT *fx, struct image *out)
{
  out->instruction = fx->ErrorOffset;
  out->code_selector = fx->ErrorSelector;
  out->opcode = fx->ErrorOpcode;
  out->data = fx->DataOffset;
  out->data_selector = fx->DataSelector;
}

static void set_pointers(const struct image *in, XSAVE_FORMAT *fx)
{
  fx->ErrorOffset = in->instruction;
  fx->ErrorSelector = in->code_selector;
  fx->ErrorOpcode = in->opcode & 0x7FF;
  fx->DataOffset = in->data;
  fx->DataSelector = in->data_selector;
}

/* Steps over the red zone, as the call pushes. */
static uint64_t run_stub(const void *stub, struct image *image, void *memory, uint64_t flags)
{
  uint16_t host_control;
  __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                   "fnstcw (%[control])\n\t"
                   "frstor (%[image])\n\t"
                   "push %[flags]\n\t"
                   "popfq\n\t"
                   "call *%[stub]\n\t"
                   "pushfq\n\t"
                   "pop %[flags]\n\t"
                   "fnsave (%[image])\n\t"
                   "fldcw (%[control])\n\t"
                   "cld\n\t"
                   "lea 128(%%rsp), %%rsp"
                   : [flags] "+r"(flags)
                   : [stub] "r"(stub), [image] "r"(image), [control] "r"(&host_control), "D"(memory)
                   : "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
  return flags;
}

#define ARITHMETIC_FLAGS 0x8D5u

/* What is told of the last instruction that was no control instruction. */
static void note_pointers(const struct insn *i, const struct x87_place *at, const void *memory, XSAVE_FORMAT *fx)
{
  unsigned reg = (i->modrm >> 3) & 7u;
  bool d9 = i->opcode == 0xD9 && i->memory, dd = i->opcode == 0xDD && i->memory;
  if ((d9 && reg == 4) || (dd && reg == 4)) {
    set_pointers(memory, fx);
  } else if ((dd && reg == 6) || (i->opcode == 0xDB && i->modrm == 0xE3)) {
    static const struct image nothing;
    set_pointers(&nothing, fx);
  } else if (!(d9 && reg >= 5) && !(dd && reg == 7) && !(i->opcode == 0xDB && i->modrm == 0xE2)) {
    fx->ErrorOffset = (ULONG)at->rip;
    fx->ErrorSelector = at->cs;
    fx->ErrorOpcode = (USHORT)((i->opcode & 7u) << 8 | i->modrm);
    fx->DataOffset = i->memory ? (ULONG)at->operand : fx->DataOffset;
    fx->DataSelector = i->memory ? at->ds : fx->DataSelector;
  }
}

uint64_t x87_execute(const struct insn *i, const struct x87_place *at, XSAVE_FORMAT *fx, void *memory, uint64_t flags)
{
  struct image image;
  unsigned reg = (i->modrm >> 3) & 7u;
  const void *stub = i->memory ? emu_x87_memory[i->opcode & 7][reg] : emu_x87_register[i->opcode & 7][i->modrm & 0x3F];
  to_image(fx, &image);
  uint64_t after = run_stub(stub, &image, memory, (flags & ARITHMETIC_FLAGS) | EFLAGS_FIXED);
  from_image(&image, fx);
  if (i->memory && reg == 6 && (i->opcode == 0xD9 || i->opcode == 0xDD))
    get_pointers(fx, memory);
  note_pointers(i, at, memory, fx);
  return (flags & ~(uint64_t)ARITHMETIC_FLAGS) | (after & ARITHMETIC_FLAGS);
}
#else
bool x87_operand(const struct insn *i, unsigned *size, bool *written)
{
  (void)i;
  (void)size;
  (void)written;
  return false;
}

uint64_t x87_execute(const struct insn *i, const struct x87_place *at, XSAVE_FORMAT *fx, void *memory, uint64_t flags)
{
  (void)i;
  (void)at;
  (void)fx;
  (void)memory;
  return flags;
}
#endif
