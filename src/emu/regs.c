/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register files. The public fields are the truth about themselves; all else lives in a saved engine context. */
#include "emu/internal.h"

#define TAG_CPU 0x43756D45u /* 'EmuC' */
#define MXCSR_VALID 0xFFFFu
/** More changed registers than this, and restoring the whole context is faster than writing them. */
#define MAX_SINGLE_WRITES 6

const int engine_gpr[CPU_REGISTERS] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX,
                                              UC_X86_REG_RSP, UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,
                                              UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
                                              UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15};

static const struct blob_layout *layout(const cpu *c) { return &c->extended->owner->calibration->at; }

/* The blob now differs from whatever an engine may still hold of it. */
static void touch(struct cpu_extended *x) { x->id = ++x->owner->next_cpu_id; }

cpu *cpu_create(emu *e)
{
  const struct calibration *k = e->calibration;
  cpu *c = pool_alloc(e->config.pool, sizeof *c, TAG_CPU);
  struct cpu_extended *x = pool_alloc(e->config.pool, sizeof *x + k->at.size, TAG_CPU);
  if (c == NULL || x == NULL) {
    pool_free(e->config.pool, c);
    pool_free(e->config.pool, x);
    return NULL;
  }
  c->extended = x;
  x->owner = e;
  touch(x);
  memcpy(x->blob, k->user64, k->at.size);
  for (unsigned i = 0; i < CPU_REGISTERS; i++)
    blob_set64(x->blob, k->at.gpr[i], 0);
  x->engine_rflags = UINT64_MAX; /* no value that RFLAGS can have: the first load writes it */
  c->rflags = EFLAGS_IF | EFLAGS_FIXED;
  c->cs = KGDT64_R3_CODE;
  c->ss = c->ds = c->es = c->gs = KGDT64_R3_DATA;
  c->fs = KGDT64_R3_CMTEB;
  c->dr[6] = DR6_FIXED;
  c->dr[7] = 0x400;
  return c;
}

void cpu_destroy(emu *e, cpu *c)
{
  if (c == NULL)
    return;
  pool_free(e->config.pool, c->extended);
  pool_free(e->config.pool, c);
}

void cpu_copy(cpu *to, const cpu *from)
{
  struct cpu_extended *x = to->extended;
  *to = *from;
  to->extended = x;
  memcpy(x->blob, from->extended->blob, layout(to)->size);
  x->engine_rflags = from->extended->engine_rflags;
  touch(x);
}

/* The other code segment needs other hidden state than its selector: start from the context that has it. */
static void switch_mode(cpu *c)
{
  const struct calibration *k = c->extended->owner->calibration;
  XSAVE_FORMAT fx;
  cpu_get_fx(c, &fx);
  memcpy(c->extended->blob, c->cs == KGDT64_R3_CMCODE ? k->user32 : k->user64, k->at.size);
  c->extended->engine_rflags = UINT64_MAX;
  cpu_set_fx(c, &fx);
}

void cpu_load(engine *g, cpu *c, uint64_t flags)
{
  struct cpu_extended *x = c->extended;
  const struct blob_layout *at = &g->owner->calibration->at;
  uint8_t *blob = x->blob;
  bool restore = g->held != x->id;
  unsigned changed[CPU_REGISTERS], count = 0;
  if (c->cs != KGDT64_R3_CMCODE)
    c->cs = KGDT64_R3_CODE;
  if (UNLIKELY(blob_u32(blob, at->selector[SEG_CS]) != c->cs)) {
    switch_mode(c);
    restore = true;
  }
  for (unsigned i = 0; i < CPU_REGISTERS; i++) {
    if (blob_u64(blob, at->gpr[i]) != c->gpr[i]) {
      blob_set64(blob, at->gpr[i], c->gpr[i]);
      changed[count++] = i;
    }
  }
  const struct {
    size_t at;
    uint16_t selector;
  } segment[] = {{at->selector[SEG_SS], c->ss},
                 {at->selector[SEG_DS], c->ds},
                 {at->selector[SEG_ES], c->es},
                 {at->selector[SEG_FS], c->fs},
                 {at->selector[SEG_GS], c->gs}};
  for (unsigned i = 0; i < 5; i++) {
    if (blob_u32(blob, segment[i].at) != segment[i].selector) {
      blob_set32(blob, segment[i].at, segment[i].selector);
      restore = true;
    }
  }
  if (blob_u64(blob, at->selector[SEG_FS] + 8) != c->fs_base ||
      blob_u64(blob, at->selector[SEG_GS] + 8) != c->gs_base) {
    blob_set64(blob, at->selector[SEG_FS] + 8, c->fs_base);
    blob_set64(blob, at->selector[SEG_GS] + 8, c->gs_base);
    restore = true;
  }
  /* The engine never forgets the exception before; the next one would become a double fault (spec/6.1). */
  if (blob_u32(blob, at->old_exception) != UINT32_MAX) {
    blob_set32(blob, at->old_exception, UINT32_MAX);
    restore = true;
  }
  if (restore || count > MAX_SINGLE_WRITES) {
    uc_context_restore(g->uc, as_context(blob));
  } else {
    for (unsigned i = 0; i < count; i++)
      uc_reg_write(g->uc, engine_gpr[changed[i]], &c->gpr[changed[i]]);
  }
  uint64_t rflags = (c->rflags & EFLAGS_LOADABLE) | EFLAGS_FIXED | flags;
  if (rflags != x->engine_rflags)
    uc_reg_write(g->uc, UC_X86_REG_RFLAGS, &rflags);
}

void cpu_store(engine *g, cpu *c)
{
  struct cpu_extended *x = c->extended;
  const struct blob_layout *at = &g->owner->calibration->at;
  const uint8_t *blob = x->blob;
  uc_context_save(g->uc, as_context(blob));
  uc_reg_read(g->uc, UC_X86_REG_RFLAGS, &x->engine_rflags);
  touch(x); /* another engine may hold an older state of this register file */
  g->held = x->id;
  for (unsigned i = 0; i < CPU_REGISTERS; i++)
    c->gpr[i] = blob_u64(blob, at->gpr[i]);
  c->rip = blob_u64(blob, at->rip);
  c->rflags = (x->engine_rflags & EFLAGS_LOADABLE) | EFLAGS_FIXED;
  c->cs = (uint16_t)blob_u32(blob, at->selector[SEG_CS]);
  c->ss = (uint16_t)blob_u32(blob, at->selector[SEG_SS]);
  c->ds = (uint16_t)blob_u32(blob, at->selector[SEG_DS]);
  c->es = (uint16_t)blob_u32(blob, at->selector[SEG_ES]);
  c->fs = (uint16_t)blob_u32(blob, at->selector[SEG_FS]);
  c->gs = (uint16_t)blob_u32(blob, at->selector[SEG_GS]);
  c->fs_base = blob_u64(blob, at->selector[SEG_FS] + 8);
  c->gs_base = blob_u64(blob, at->selector[SEG_GS] + 8);
}

/* ---- extended state ---- */

void cpu_get_xmm(const cpu *c, unsigned first, unsigned count, M128A *out)
{
  const struct blob_layout *at = layout(c);
  const size_t stride = at->xmm_stride;
  const uint8_t *xmm = c->extended->blob + at->xmm + first * stride;
  for (unsigned i = 0; i < count && first + i < 16; i++, xmm += stride)
    memcpy(&out[i], xmm, sizeof out[i]);
}

void cpu_set_xmm(cpu *c, unsigned first, unsigned count, const M128A *in)
{
  const struct blob_layout *at = layout(c);
  const size_t stride = at->xmm_stride;
  uint8_t *xmm = c->extended->blob + at->xmm + first * stride;
  bool changed = false;
  for (unsigned i = 0; i < count && first + i < 16; i++, xmm += stride) {
    if (memcmp(xmm, &in[i], sizeof in[i]) != 0) {
      memcpy(xmm, &in[i], sizeof in[i]);
      changed = true;
    }
  }
  if (changed)
    touch(c->extended);
}

uint16_t cpu_x87_control(const cpu *c)
{
  uint16_t v;
  memcpy(&v, c->extended->blob + layout(c)->x87_control, sizeof v);
  return v;
}

uint32_t cpu_mxcsr(const cpu *c) { return blob_u32(c->extended->blob, layout(c)->mxcsr); }

void cpu_set_mxcsr(cpu *c, uint32_t mxcsr)
{
  mxcsr &= MXCSR_VALID;
  if (mxcsr == cpu_mxcsr(c))
    return;
  uc_context_reg_write(as_context(c->extended->blob), UC_X86_REG_MXCSR, &mxcsr);
  touch(c->extended);
}

static void convert_x87(uc_context *context, XSAVE_FORMAT *out)
{
  uint16_t tags = 0;
  uint64_t offset = 0;
  memset(out, 0, sizeof *out);
  uc_context_reg_read(context, UC_X86_REG_FPCW, &out->ControlWord);
  uc_context_reg_read(context, UC_X86_REG_FPSW, &out->StatusWord);
  uc_context_reg_read(context, UC_X86_REG_FPTAG, &tags);
  uc_context_reg_read(context, UC_X86_REG_FOP, &out->ErrorOpcode);
  uc_context_reg_read(context, UC_X86_REG_FIP, &offset);
  out->ErrorOffset = (ULONG)offset;
  uc_context_reg_read(context, UC_X86_REG_FCS, &out->ErrorSelector);
  uc_context_reg_read(context, UC_X86_REG_FDP, &offset);
  out->DataOffset = (ULONG)offset;
  uc_context_reg_read(context, UC_X86_REG_FDS, &out->DataSelector);
  /* The full tag word has two bits for each physical register, the saved one a bit that is set if it is in use. */
  for (unsigned i = 0; i < 8; i++)
    out->TagWord |= (UCHAR)((((tags >> (2 * i)) & 3) != 3) << i);
  for (unsigned i = 0; i < 8; i++)
    uc_context_reg_read(context, UC_X86_REG_ST0 + (int)i, &out->FloatRegisters[i]);
}

void cpu_get_fx(const cpu *c, XSAVE_FORMAT *out)
{
  struct cpu_extended *x = c->extended;
  const struct blob_layout *at = layout(c);
  if (!x->x87_valid || memcmp(x->x87_raw, x->blob + at->x87, at->x87_size) != 0) {
    convert_x87(as_context(x->blob), &x->x87);
    memcpy(x->x87_raw, x->blob + at->x87, at->x87_size);
    x->x87_valid = true;
  }
  *out = x->x87;
  out->MxCsr = cpu_mxcsr(c);
  out->MxCsr_Mask = MXCSR_VALID;
  cpu_get_xmm(c, 0, 16, out->XmmRegisters);
}

void cpu_set_fx(cpu *c, const XSAVE_FORMAT *in)
{
  uc_context *context = as_context(c->extended->blob);
  uint16_t tags = 0;
  for (unsigned i = 0; i < 8; i++)
    tags |= (uint16_t)(((in->TagWord >> i) & 1) != 0 ? 0 : 3u << (2 * i));
  uc_context_reg_write(context, UC_X86_REG_FPCW, &in->ControlWord);
  uc_context_reg_write(context, UC_X86_REG_FPSW, &in->StatusWord);
  for (unsigned i = 0; i < 8; i++)
    uc_context_reg_write(context, UC_X86_REG_ST0 + (int)i, &in->FloatRegisters[i]);
  uc_context_reg_write(context, UC_X86_REG_FPTAG, &tags);
  uint64_t instruction = in->ErrorOffset, data = in->DataOffset;
  uc_context_reg_write(context, UC_X86_REG_FOP, &in->ErrorOpcode);
  uc_context_reg_write(context, UC_X86_REG_FIP, &instruction);
  uc_context_reg_write(context, UC_X86_REG_FCS, &in->ErrorSelector);
  uc_context_reg_write(context, UC_X86_REG_FDP, &data);
  uc_context_reg_write(context, UC_X86_REG_FDS, &in->DataSelector);
  touch(c->extended);
  cpu_set_mxcsr(c, in->MxCsr);
  cpu_set_xmm(c, 0, 16, in->XmmRegisters);
}

const char *cpu_failure(const cpu *c) { return c->extended->failure; }
