/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds, by making known changes and comparing saved contexts, where the engine keeps the state that its API cannot
 * reach (spec/6.2 last part). An engine on which any step is not unique or not as expected is refused. */
#include "emu/internal.h"

#include "base/host.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define LOW_SIZE 0x200000u
#define TABLES_SIZE 0x20000u
#define KERNEL_SIZE 0x10000u
#define CODE 0x10000u
#define DATA 0x20000u
#define READ_ONLY 0x21000u
#define ABSENT 0x30000u
#define MAX_CANDIDATES 96
/* A hook's description has more bytes than this, and 16. */
#define HOOK_SEARCH 40

struct bench {
  struct calibration *out;
  uc_engine *uc;
  uint8_t *low, *tables, *kernel;
  unsigned tables_used;
  uint8_t *now; /* the context that was saved last */
  int interrupt;
};

/* Offsets that are still possible for one field. */
struct search {
  uint16_t at[MAX_CANDIDATES];
  unsigned count;
  bool started;
};

static bool refuse(struct bench *b, const char *format, ...)
{
  char what[120];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  b->out->status = EMU_UNKNOWN_ENGINE;
  snprintf(b->out->message, sizeof b->out->message, "Unicorn %s is not understood: %s; use version 2.0.1",
           b->out->version, what);
  return false;
}

static void narrow(const struct bench *b, struct search *s, uint64_t value, size_t width)
{
  struct search next = {.started = true};
  if (!s->started) {
    for (size_t at = 0; at + width <= b->out->at.size && next.count < MAX_CANDIDATES; at += 4) {
      if (memcmp(b->now + at, &value, width) == 0)
        next.at[next.count++] = (uint16_t)at;
    }
  } else {
    for (unsigned i = 0; i < s->count; i++) {
      if (memcmp(b->now + s->at[i], &value, width) == 0)
        next.at[next.count++] = s->at[i];
    }
  }
  *s = next;
}

static bool settle(struct bench *b, const struct search *s, const char *name, size_t *out)
{
  if (s->count != 1)
    return refuse(b, "%u places for %s in a context", s->count, name);
  *out = s->at[0];
  return true;
}

static bool save(struct bench *b) { return uc_context_save(b->uc, as_context(b->now)) == UC_ERR_OK; }
static bool load(struct bench *b, const uint8_t *blob)
{
  return uc_context_restore(b->uc, as_context(blob)) == UC_ERR_OK;
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *context)
{
  struct bench *b = context;
  if (b->interrupt < 0)
    b->interrupt = (int)number;
  uc_emu_stop(uc);
}

static void set_page(struct bench *b, uint64_t va, uint64_t pte)
{
  uint64_t *table = (uint64_t *)(void *)b->tables;
  for (unsigned shift = 39; shift > 12; shift -= 9) {
    uint64_t *entry = &table[(va >> shift) & 511];
    if (*entry == 0)
      *entry = (EMU_PAGE_TABLES_BASE + (uint64_t)EMU_PAGE_SIZE * b->tables_used++) | PTE_TABLE;
    table = (uint64_t *)(void *)(b->tables + ((*entry & PTE_PFN_MASK) - EMU_PAGE_TABLES_BASE));
  }
  table[(va >> EMU_PAGE_SHIFT) & 511] = pte | (va & PTE_PFN_MASK);
}

static bool open_bench(struct bench *b)
{
  const struct emu_arena regions[] = {
      {0, LOW_SIZE}, {EMU_PAGE_TABLES_BASE, TABLES_SIZE}, {EMU_KERNEL_BASE, KERNEL_SIZE}};
  uc_hook hook;
  if (uc_open(UC_ARCH_X86, UC_MODE_64, &b->uc) != UC_ERR_OK)
    return refuse(b, "uc_open failed");
  if (uc_mem_map_ptr(b->uc, 0, LOW_SIZE, UC_PROT_ALL, b->low) != UC_ERR_OK ||
      uc_mem_map_ptr(b->uc, EMU_PAGE_TABLES_BASE, TABLES_SIZE, UC_PROT_ALL, b->tables) != UC_ERR_OK ||
      uc_mem_map_ptr(b->uc, EMU_KERNEL_BASE, KERNEL_SIZE, UC_PROT_ALL, b->kernel) != UC_ERR_OK ||
      engine_map_gaps(b->uc, regions, 3) != UC_ERR_OK)
    return refuse(b, "mapping memory failed");
  if (uc_hook_add(b->uc, &hook, UC_HOOK_INTR, (void *)(uintptr_t)on_interrupt, b, 1, 0) != UC_ERR_OK)
    return refuse(b, "adding a hook failed");
  b->out->at.size = uc_context_size(b->uc);
  if (b->out->at.size < 0x400 || b->out->at.size > BLOB_MAX)
    return refuse(b, "a context has %zu bytes", b->out->at.size);
  /* The first word of a context is its size: only the library can write it. */
  uc_context *context;
  if (uc_context_alloc(b->uc, &context) != UC_ERR_OK)
    return refuse(b, "no context");
  memcpy(b->now, context, b->out->at.size);
  uc_context_free(context);
  return true;
}

static bool enter_long_mode(struct bench *b)
{
  const uc_x86_mmr gdtr = {.base = EMU_GDT_ADDRESS, .limit = 0x6F}, idtr = {.base = EMU_IDT_ADDRESS, .limit = 0xFFF};
  uint64_t cr4 = EMU_CR4, cr3 = EMU_PAGE_TABLES_BASE, cr0 = EMU_CR0, other = EMU_CR0 & ~0x20ull;
  struct search s = {0};
  if (uc_reg_write(b->uc, UC_X86_REG_GDTR, &gdtr) != UC_ERR_OK ||
      uc_reg_write(b->uc, UC_X86_REG_IDTR, &idtr) != UC_ERR_OK ||
      uc_reg_write(b->uc, UC_X86_REG_CR4, &cr4) != UC_ERR_OK || uc_reg_write(b->uc, UC_X86_REG_CR3, &cr3) != UC_ERR_OK)
    return refuse(b, "control registers cannot be written");
  uc_reg_write(b->uc, UC_X86_REG_CR0, &other);
  save(b);
  narrow(b, &s, other, 8);
  uc_reg_write(b->uc, UC_X86_REG_CR0, &cr0);
  save(b);
  narrow(b, &s, cr0, 8);
  if (!settle(b, &s, "CR0", &b->out->at.cr0))
    return false;
  /* EFER can only be set by patching the context; the API reads it. */
  uc_x86_msr msr = {.rid = 0xC0000080u};
  if (uc_reg_read(b->uc, UC_X86_REG_MSR, &msr) != UC_ERR_OK)
    return refuse(b, "EFER cannot be read");
  struct search efer = {0};
  narrow(b, &efer, msr.value, 8);
  struct search found = {.started = true};
  for (unsigned i = 0; i < efer.count; i++) {
    uc_x86_msr again = {.rid = 0xC0000080u};
    blob_set64(b->now, efer.at[i], EMU_EFER);
    load(b, b->now);
    blob_set64(b->now, efer.at[i], msr.value);
    if (uc_reg_read(b->uc, UC_X86_REG_MSR, &again) == UC_ERR_OK && again.value == EMU_EFER)
      found.at[found.count++] = efer.at[i];
  }
  if (!settle(b, &found, "EFER", &b->out->at.efer))
    return false;
  blob_set64(b->now, b->out->at.efer, EMU_EFER);
  memcpy(b->out->kernel, b->now, b->out->at.size);
  memcpy(b->out->unpaged, b->now, b->out->at.size);
  blob_set64(b->out->unpaged, b->out->at.cr0, EMU_CR0 & ~EMU_CR0_PG);
  return true;
}

/* Runs `size` bytes of code at CODE from a saved state; the vector that ended it, -1 if none. */
static int run(struct bench *b, const uint8_t *from, const void *code, size_t size)
{
  uint64_t data = DATA;
  memset(b->low + CODE, 0xCC, 64);
  memcpy(b->low + CODE, code, size);
  load(b, from);
  uc_ctl_remove_cache(b->uc, (uint64_t)CODE, (uint64_t)CODE + 64);
  b->interrupt = -1;
  uc_reg_write(b->uc, UC_X86_REG_RBX, &data);
  if (uc_emu_start(b->uc, CODE, 0, 0, 0) != UC_ERR_OK)
    return -1;
  save(b);
  return b->interrupt;
}

static bool enter_user_mode(struct bench *b, uint16_t cs, uint8_t *out)
{
  /* Segments of user mode: an interrupt return clears registers, and their bases, that hold one of kernel mode. */
  static const uint8_t load_segments[] = {0xB8, KGDT64_R3_DATA,  0, 0, 0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xE8,
                                          0xB8, KGDT64_R3_CMTEB, 0, 0, 0, 0x8E, 0xE0, 0xCC};
  uint64_t frame[5] = {CODE, cs, EFLAGS_IF | EFLAGS_FIXED, DATA + 0x800, KGDT64_R3_DATA}, rsp = EMU_STUB_STACK;
  uint16_t selector = 0;
  uint32_t mxcsr = 0x1F80;
  uint16_t control = 0x27F, tags = 0xFFFF;
  memcpy(b->kernel + (EMU_STUB_STACK - EMU_KERNEL_BASE), frame, sizeof frame);
  memcpy(b->low + CODE, load_segments, sizeof load_segments);
  load(b, b->out->kernel);
  uc_ctl_remove_cache(b->uc, (uint64_t)CODE, (uint64_t)CODE + 64);
  b->interrupt = -1;
  uc_reg_write(b->uc, UC_X86_REG_RSP, &rsp);
  if (uc_emu_start(b->uc, EMU_STUB_IRETQ, 0, 0, 0) != UC_ERR_OK || b->interrupt != 3)
    return refuse(b, "user mode cannot be entered");
  uc_reg_read(b->uc, UC_X86_REG_CS, &selector);
  if (selector != cs)
    return refuse(b, "CS is %x in user mode", selector);
  uc_reg_write(b->uc, UC_X86_REG_MXCSR, &mxcsr);
  uc_reg_write(b->uc, UC_X86_REG_FPCW, &control);
  uc_reg_write(b->uc, UC_X86_REG_FPTAG, &tags);
  save(b);
  memcpy(out, b->now, b->out->at.size);
  return true;
}

static bool find_registers(struct bench *b)
{
  static const int gpr[CPU_REGISTERS] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX,
                                         UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
                                         UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
                                         UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15};
  struct search s[CPU_REGISTERS + 6] = {{{0}, 0, false}};
  for (unsigned pass = 1; pass <= 2; pass++) {
    uint64_t pattern = 0x1122334455660000ull * pass;
    uint64_t xmm[4] = {pattern + 0x100, 5, pattern + 0x101, 6};
    uint64_t fs = pattern + 0x200, gs = pattern + 0x201, rip = pattern + 0x202;
    uint32_t mxcsr = pass == 1 ? 0x3FA5 : 0x7F9A;
    load(b, b->out->user64);
    for (unsigned i = 0; i < CPU_REGISTERS; i++) {
      uint64_t v = pattern + i;
      uc_reg_write(b->uc, gpr[i], &v);
    }
    uc_reg_write(b->uc, UC_X86_REG_XMM0, &xmm[0]);
    uc_reg_write(b->uc, UC_X86_REG_XMM1, &xmm[2]);
    uc_reg_write(b->uc, UC_X86_REG_FS_BASE, &fs);
    uc_reg_write(b->uc, UC_X86_REG_GS_BASE, &gs);
    uc_reg_write(b->uc, UC_X86_REG_RIP, &rip);
    uc_reg_write(b->uc, UC_X86_REG_MXCSR, &mxcsr);
    save(b);
    for (unsigned i = 0; i < CPU_REGISTERS; i++)
      narrow(b, &s[i], pattern + i, 8);
    narrow(b, &s[16], xmm[0], 8);
    narrow(b, &s[17], xmm[2], 8);
    narrow(b, &s[18], fs, 8);
    narrow(b, &s[19], gs, 8);
    narrow(b, &s[20], rip, 8);
    narrow(b, &s[21], mxcsr, 4);
  }
  struct blob_layout *at = &b->out->at;
  size_t xmm1 = 0, fs = 0, gs = 0;
  for (unsigned i = 0; i < CPU_REGISTERS; i++) {
    if (!settle(b, &s[i], "a general register", &at->gpr[i]))
      return false;
  }
  if (!settle(b, &s[16], "XMM0", &at->xmm) || !settle(b, &s[17], "XMM1", &xmm1) || !settle(b, &s[18], "FS base", &fs) ||
      !settle(b, &s[19], "GS base", &gs) || !settle(b, &s[20], "RIP", &at->rip) ||
      !settle(b, &s[21], "MXCSR", &at->mxcsr))
    return false;
  at->xmm_stride = xmm1 - at->xmm;
  if (xmm1 <= at->xmm || at->xmm + 16 * at->xmm_stride > at->size)
    return refuse(b, "XMM registers lie %zu apart", at->xmm_stride);
  size_t stride = gs - fs;
  if (gs <= fs || stride != 24 || gs < 8 + 5 * stride)
    return refuse(b, "segment registers lie %zu apart", stride);
  for (unsigned i = 0; i < SEG_COUNT; i++)
    at->selector[i] = gs - 8 - (SEG_GS - i) * stride;
  if (blob_u32(b->out->user64, at->selector[SEG_CS]) != KGDT64_R3_CODE ||
      blob_u32(b->out->user64, at->selector[SEG_SS]) != KGDT64_R3_DATA ||
      blob_u32(b->out->user32, at->selector[SEG_CS]) != KGDT64_R3_CMCODE)
    return refuse(b, "selectors are not where they should be");
  return true;
}

/* The x87 control word: an even offset in the x87 state, the only one that follows two values. */
static bool find_x87_control(struct bench *b)
{
  static const uint16_t value[2] = {0x0C7A, 0x035D};
  struct search s = {.started = true};
  const struct blob_layout *at = &b->out->at;
  uc_reg_write(b->uc, UC_X86_REG_FPCW, &value[0]);
  save(b);
  for (size_t k = at->x87; k < at->x87 + at->x87_size && s.count < MAX_CANDIDATES; k += 2) {
    if (memcmp(b->now + k, &value[0], sizeof value[0]) == 0)
      s.at[s.count++] = (uint16_t)k;
  }
  uc_reg_write(b->uc, UC_X86_REG_FPCW, &value[1]);
  save(b);
  narrow(b, &s, value[1], sizeof value[1]);
  return settle(b, &s, "the x87 control word", &b->out->at.x87_control);
}

/* Changes every x87 register and takes the range of what became different. */
static bool find_x87(struct bench *b)
{
  static const uint16_t control = 0x0C40, status = 0x1A41, tags = 0x1B1B, word = 0x0155;
  static const uint64_t pointer = 0x1122334455667788ull;
  static const uint8_t st[10] = {0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0x5A, 0xDA, 0x5A, 0x3A};
  size_t size = b->out->at.size, first = 0, last = size;
  load(b, b->out->user64);
  uc_reg_write(b->uc, UC_X86_REG_FPCW, &control);
  uc_reg_write(b->uc, UC_X86_REG_FPSW, &status);
  for (int i = 0; i < 8; i++)
    uc_reg_write(b->uc, UC_X86_REG_ST0 + i, st);
  uc_reg_write(b->uc, UC_X86_REG_FPTAG, &tags);
  uc_reg_write(b->uc, UC_X86_REG_FOP, &word);
  uc_reg_write(b->uc, UC_X86_REG_FCS, &word);
  uc_reg_write(b->uc, UC_X86_REG_FDS, &word);
  uc_reg_write(b->uc, UC_X86_REG_FIP, &pointer);
  uc_reg_write(b->uc, UC_X86_REG_FDP, &pointer);
  save(b);
  while (first < size && b->now[first] == b->out->user64[first])
    first++;
  while (last > first && b->now[last - 1] == b->out->user64[last - 1])
    last--;
  b->out->at.x87 = first;
  b->out->at.x87_size = last - first;
  if (last - first < 8 * 10 || last - first > X87_MAX)
    return refuse(b, "x87 state of %zu bytes", last - first);
  return find_x87_control(b);
}

static bool find_exception_state(struct bench *b)
{
  static const struct {
    uint8_t code[12];
    uint8_t size;
    int vector;
    uint32_t error_code; /* ~0: not looked at */
    uint32_t is_int, old_exception;
  } step[] = {
      /* A software interrupt first: few words of a context are 1, most are 0. */
      {{0xCD, 0x21}, 2, 0x21, ~0u, 1, ~0u},
      {{0x8A, 0x83, 0x00, 0x00, 0x01, 0x00}, 6, 14, 4, 0, 14},    /* mov al, [rbx + 10000]: absent */
      {{0x88, 0x83, 0x00, 0x00, 0x01, 0x00}, 6, 14, 6, 0, 14},    /* store there */
      {{0x88, 0x83, 0x00, 0x10, 0x00, 0x00}, 6, 14, 7, 0, 14},    /* store to a read-only page */
      {{0xE9, 0xFB, 0xFF, 0x01, 0x00}, 5, 14, 0x14, 0, 14},       /* jump to an absent page */
      {{0xFF, 0xE3}, 2, 14, 0x15, 0, 14},                         /* jump to a page with NX */
      {{0x66, 0xB8, 0x68, 0x00, 0x8E, 0xD8}, 6, 13, 0x68, 0, 13}, /* a selector outside the table */
      {{0xFA}, 1, 13, 0, 0, 13},                                  /* cli */
      {{0xCC}, 1, 3, ~0u, 1, ~0u},
  };
  struct search error = {0}, is_int = {0}, old = {0};
  for (size_t i = 0; i < sizeof step / sizeof step[0]; i++) {
    int vector = run(b, b->out->user64, step[i].code, step[i].size);
    if (vector != step[i].vector)
      return refuse(b, "test %zu gave vector %d instead of %d", i, vector, step[i].vector);
    if (step[i].error_code != ~0u)
      narrow(b, &error, step[i].error_code, 4);
    narrow(b, &is_int, step[i].is_int, 4);
    narrow(b, &old, step[i].old_exception, 4);
  }
  return settle(b, &error, "the error code", &b->out->at.error_code) &&
         settle(b, &is_int, "the software-interrupt flag", &b->out->at.is_int) &&
         settle(b, &old, "the previous exception", &b->out->at.old_exception);
}

static void count_call(uc_engine *uc, uint64_t va, uint32_t size, void *context)
{
  (void)uc;
  (void)va;
  (void)size;
  ++*(unsigned *)context;
}

/* A hook's handle points at its description, whose address range is meant to be changed under way (scan.c). */
static bool find_hook_range(struct bench *b)
{
  static const uint8_t code[] = {0x90, 0x90, 0xCC};
  const uint64_t first = 0x1122334455667701ull, last = 0x1122334455667702ull;
  unsigned calls = 0;
  uc_hook hook;
  if (uc_hook_add(b->uc, &hook, UC_HOOK_CODE, (void *)(uintptr_t)count_call, &calls, first, last) != UC_ERR_OK)
    return refuse(b, "adding a hook failed");
  uint8_t *bytes = (uint8_t *)hook;
  for (size_t at = 0; at <= HOOK_SEARCH; at += 8) {
    if (blob_u64(bytes, at) != first || blob_u64(bytes, at + 8) != last)
      continue;
    b->out->at.hook_range = at;
    blob_set64(bytes, at, CODE + 1);
    blob_set64(bytes, at + 8, CODE + 1);
    bool called = run(b, b->out->user64, code, sizeof code) == 3 && calls == 1;
    /* The same translation, the range elsewhere: it is called all the same. */
    blob_set64(bytes, at, first);
    blob_set64(bytes, at + 8, last);
    load(b, b->out->user64);
    b->interrupt = -1;
    uc_emu_start(b->uc, CODE, 0, 0, 0);
    bool again = b->interrupt == 3 && calls == 2;
    bool gone = run(b, b->out->user64, code, sizeof code) == 3 && calls == 2;
    uc_hook_del(b->uc, hook);
    return (called && again && gone) || refuse(b, "the range of a hook cannot be changed");
  }
  return refuse(b, "no range in a hook");
}

void calibration_make(struct calibration *out)
{
  struct bench b = {.out = out, .tables_used = 1};
  unsigned version = uc_version(NULL, NULL);
  memset(out, 0, sizeof *out);
  snprintf(out->version, sizeof out->version, "%u.%u.%u", version >> 24, (version >> 16) & 0xFF, (version >> 8) & 0xFF);
  if (!host_can_map_translator()) {
    out->status = EMU_NO_TRANSLATOR_MEMORY;
    snprintf(out->message, sizeof out->message,
             "no memory for the translator: 1 GB of read-write-execute memory cannot be mapped "
             "(see ulimit -v, vm.overcommit_memory, SELinux execmem)");
    return;
  }
  b.low = host_reserve(LOW_SIZE);
  b.tables = host_reserve(TABLES_SIZE);
  b.kernel = host_reserve(KERNEL_SIZE);
  b.now = calloc(1, BLOB_MAX);
  if (b.low == NULL || b.tables == NULL || b.kernel == NULL || b.now == NULL) {
    out->status = EMU_NO_MEMORY;
    snprintf(out->message, sizeof out->message, "no memory for the processor");
  } else {
    kernel_area_init(b.kernel);
    for (uint64_t va = EMU_KERNEL_BASE; va < EMU_KERNEL_BASE + KERNEL_SIZE; va += EMU_PAGE_SIZE)
      set_page(&b, va, PTE_PRESENT | PTE_WRITE);
    set_page(&b, CODE, PTE_PRESENT | PTE_USER);
    set_page(&b, DATA, PTE_PRESENT | PTE_USER | PTE_WRITE | PTE_NO_EXECUTE);
    set_page(&b, READ_ONLY, PTE_PRESENT | PTE_USER | PTE_NO_EXECUTE);
    if (open_bench(&b) && enter_long_mode(&b) && enter_user_mode(&b, KGDT64_R3_CMCODE, out->user32) &&
        enter_user_mode(&b, KGDT64_R3_CODE, out->user64) && find_registers(&b) && find_x87(&b) &&
        find_exception_state(&b) && find_hook_range(&b))
      out->status = EMU_OK;
  }
  if (b.uc != NULL)
    uc_close(b.uc);
  free(b.now);
  if (b.low != NULL)
    host_release(b.low, LOW_SIZE);
  if (b.tables != NULL)
    host_release(b.tables, TABLES_SIZE);
  if (b.kernel != NULL)
    host_release(b.kernel, KERNEL_SIZE);
}

static struct calibration the_calibration;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_the_calibration(void) { calibration_make(&the_calibration); }

const struct calibration *calibration_get(void)
{
  pthread_once(&once, make_the_calibration);
  return &the_calibration;
}
