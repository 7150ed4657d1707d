/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt descriptor table as data: it lies in the kernel arena, where the processor's walk (idt.c) reads it. */
#include "ntos/trap/internal.h"

#include <stdio.h>

static KIDTENTRY64 *entry(ULONG Vector)
{
  return emu_kernel_host(KeGetPcr()->emu, KI_IDT_ADDRESS + Vector * sizeof(KIDTENTRY64), sizeof(KIDTENTRY64));
}

void ki_decode_gate(const KIDTENTRY64 *entry, struct dbgksim_gate *gate)
{
  gate->offset = entry->OffsetLow | (ULONG64)entry->OffsetMiddle << 16 | (ULONG64)entry->OffsetHigh << 32;
  gate->selector = entry->Selector;
  gate->ist = entry->IstIndex & 7;
  gate->type = entry->TypeDplPresent & 0xF;
  gate->dpl = entry->TypeDplPresent >> 5 & 3;
  gate->present = (entry->TypeDplPresent & 0x80) != 0;
}

bool KiGetGate(ULONG Vector, struct dbgksim_gate *Gate)
{
  if (Vector >= KI_IDT_GATES)
    return false;
  ki_decode_gate(entry(Vector), Gate);
  const struct ki_handler *handler = ki_handler_at(Gate->offset);
  snprintf(Gate->routine, sizeof Gate->routine, "%s", handler ? handler->name : "");
  return true;
}

bool KiSetGate(ULONG Vector, const struct dbgksim_gate *Gate)
{
  if (Vector >= KI_IDT_GATES || Gate->ist > 7 || Gate->type > 0xF || Gate->dpl > 3)
    return false;
  *entry(Vector) = (KIDTENTRY64){
      .OffsetLow = (USHORT)Gate->offset,
      .Selector = Gate->selector,
      .IstIndex = Gate->ist,
      .TypeDplPresent = (UCHAR)((Gate->present ? 0x80u : 0) | (ULONG)Gate->dpl << 5 | Gate->type),
      .OffsetMiddle = (USHORT)(Gate->offset >> 16),
      .OffsetHigh = (ULONG)(Gate->offset >> 32),
  };
  return true;
}

USHORT KiGetIdtLimit(void)
{
  return trap_state()->idt_limit;
}

bool KiSetIdtLimit(USHORT Limit)
{
  if (Limit > KI_IDT_LIMIT)
    return false;
  trap_state()->idt_limit = Limit;
  return true;
}
