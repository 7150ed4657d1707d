/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RtlVirtualUnwind: one frame back, by the unwind codes of the function or by what is left of its epilogue. */
#include "ntdllp.h"

typedef struct {
  UCHAR CodeOffset;
  UCHAR UnwindOp : 4, OpInfo : 4;
} UNWIND_CODE;

typedef struct {
  UCHAR Version : 3, Flags : 5;
  UCHAR SizeOfProlog, CountOfCodes;
  UCHAR FrameRegister : 4, FrameOffset : 4;
  UNWIND_CODE UnwindCode[];
} UNWIND_INFO;

enum {
  UWOP_PUSH_NONVOL,
  UWOP_ALLOC_LARGE,
  UWOP_ALLOC_SMALL,
  UWOP_SET_FPREG,
  UWOP_SAVE_NONVOL,
  UWOP_SAVE_NONVOL_FAR,
  UWOP_EPILOG,
  UWOP_SPARE_CODE,
  UWOP_SAVE_XMM128,
  UWOP_SAVE_XMM128_FAR,
  UWOP_PUSH_MACHFRAME
};

#define CONTEXT_UNWOUND_TO_CALL 0x20000000u
#define RSP 4u
#define MAX_CHAIN 32

static ULONG64 *integer_registers(CONTEXT *context) { return &context->Rax; }

static M128A *xmm_registers(CONTEXT *context) { return &context->Xmm0; }

static ULONG code_slots(const UNWIND_INFO *info, const UNWIND_CODE *code)
{
  switch (code->UnwindOp) {
  case UWOP_SAVE_NONVOL:
  case UWOP_SAVE_XMM128:
    return 2;
  case UWOP_EPILOG:
    return info->Version == 1 ? 2 : 1;
  case UWOP_SAVE_NONVOL_FAR:
  case UWOP_SAVE_XMM128_FAR:
    return 3;
  case UWOP_SPARE_CODE:
    return info->Version == 1 ? 3 : 2;
  case UWOP_ALLOC_LARGE:
    return code->OpInfo ? 3 : 2;
  default:
    return 1;
  }
}

static ULONG operand16(const UNWIND_CODE *code) { return *(const USHORT *)(code + 1); }

static ULONG operand32(const UNWIND_CODE *code) { return operand16(code) | (ULONG) * (const USHORT *)(code + 2) << 16; }

static void restore_integer(CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers, ULONG number, ULONG64 address)
{
  integer_registers(context)[number] = *(ULONG64 *)address;
  if (pointers)
    pointers->IntegerContext[number] = (PULONG64)address;
}

static void restore_xmm(CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers, ULONG number, ULONG64 address)
{
  xmm_registers(context)[number] = *(M128A *)address;
  if (pointers)
    pointers->FloatingContext[number] = (PM128A)address;
}

/* Undoes one code; `frame` is what saves are relative to. TRUE: it was a machine frame, which gives the next Rip. */
static BOOLEAN undo(const UNWIND_INFO *info, const UNWIND_CODE *code, ULONG64 frame, CONTEXT *context,
                    KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
  switch (code->UnwindOp) {
  case UWOP_PUSH_NONVOL:
    restore_integer(context, pointers, code->OpInfo, context->Rsp);
    context->Rsp += 8;
    break;
  case UWOP_ALLOC_LARGE:
    context->Rsp += code->OpInfo ? operand32(code) : operand16(code) * 8;
    break;
  case UWOP_ALLOC_SMALL:
    context->Rsp += code->OpInfo * 8 + 8;
    break;
  case UWOP_SET_FPREG:
    context->Rsp = integer_registers(context)[info->FrameRegister] - info->FrameOffset * 16;
    break;
  case UWOP_SAVE_NONVOL:
    restore_integer(context, pointers, code->OpInfo, frame + operand16(code) * 8);
    break;
  case UWOP_SAVE_NONVOL_FAR:
    restore_integer(context, pointers, code->OpInfo, frame + operand32(code));
    break;
  case UWOP_SAVE_XMM128:
    restore_xmm(context, pointers, code->OpInfo, frame + operand16(code) * 16);
    break;
  case UWOP_SAVE_XMM128_FAR:
    restore_xmm(context, pointers, code->OpInfo, frame + operand32(code));
    break;
  case UWOP_PUSH_MACHFRAME: {
    const ULONG64 *machine = (const ULONG64 *)(context->Rsp + (code->OpInfo ? 8 : 0));
    context->Rip = machine[0];
    context->Rsp = machine[3];
    return TRUE;
  }
  }
  return FALSE;
}

static const RUNTIME_FUNCTION *chained(const UNWIND_INFO *info)
{
  return info->Flags & UNW_FLAG_CHAININFO
             ? (const RUNTIME_FUNCTION *)&info->UnwindCode[(info->CountOfCodes + 1u) & ~1u]
             : NULL;
}

/* ---- epilogues ---- */

static BOOLEAN is_pop(const UCHAR *pc, ULONG *number, ULONG *length)
{
  ULONG rex = (*pc & 0xF0) == 0x40 ? *pc : 0;
  const UCHAR *opcode = rex ? pc + 1 : pc;
  if ((*opcode & 0xF8) != 0x58)
    return FALSE;
  *number = (*opcode & 7u) | (rex & 1 ? 8u : 0);
  *length = rex ? 2 : 1;
  return TRUE;
}

/* `add $n, %rsp` or `lea n(%frame), %rsp`: how an epilogue may begin. Length, 0: it is neither; *rsp is what it makes. */
static ULONG stack_release(const UNWIND_INFO *info, const UCHAR *pc, const CONTEXT *context, ULONG64 *rsp)
{
  if (pc[0] == 0x48 && pc[1] == 0x83 && pc[2] == 0xC4) {
    *rsp += (ULONG64)(LONG64)(signed char)pc[3];
    return 4;
  }
  if (pc[0] == 0x48 && pc[1] == 0x81 && pc[2] == 0xC4) {
    *rsp += (ULONG64)(LONG64) * (const LONG *)(pc + 3);
    return 7;
  }
  if ((pc[0] & 0xFE) != 0x48 || pc[1] != 0x8D || (pc[2] & 0x38) != 0x20 || !info->FrameRegister)
    return 0;
  ULONG number = (pc[2] & 7u) | (pc[0] & 1 ? 8u : 0), mode = pc[2] >> 6;
  /* A base of rsp or r12 has one more byte. */
  ULONG sib = (pc[2] & 7) == RSP ? 1 : 0;
  if (number != info->FrameRegister || mode == 3 || (sib && (pc[3] & 0x38) != 0x20))
    return 0;
  const UCHAR *displacement = pc + 3 + sib;
  *rsp = (&context->Rax)[number];
  if (mode == 1)
    *rsp += (ULONG64)(LONG64)(signed char)*displacement;
  else if (mode == 2)
    *rsp += (ULONG64)(LONG64) * (const LONG *)displacement;
  return 3 + sib + (mode == 1 ? 1 : mode == 2 ? 4 : 0);
}

/* The first piece of a function, where its chained pieces lead. */
static const RUNTIME_FUNCTION *first_piece(ULONG64 image_base, const RUNTIME_FUNCTION *entry)
{
  for (ULONG depth = 0; depth < MAX_CHAIN; depth++) {
    const RUNTIME_FUNCTION *parent = chained((const UNWIND_INFO *)(image_base + entry->UnwindData));
    if (!parent)
      break;
    entry = parent;
  }
  return entry;
}

static BOOLEAN leaves_function(ULONG64 target, ULONG64 image_base, const RUNTIME_FUNCTION *entry)
{
  ULONG64 rva = target - image_base, base;
  const RUNTIME_FUNCTION *first = first_piece(image_base, entry);
  /* To the very begin it is a tail call of itself. */
  if (rva == first->BeginAddress)
    return TRUE;
  if (rva >= entry->BeginAddress && rva < entry->EndAddress)
    return FALSE;
  const RUNTIME_FUNCTION *other = RtlLookupFunctionEntry(target, &base, NULL);
  return !other || first_piece(base, other)->BeginAddress != first->BeginAddress;
}

/* A return, or a jump that leaves the function: how an epilogue ends. */
static BOOLEAN ends_epilogue(const UCHAR *pc, ULONG64 image_base, const RUNTIME_FUNCTION *entry)
{
  if (pc[0] == 0xC3 || pc[0] == 0xC2 || (pc[0] == 0xF3 && pc[1] == 0xC3))
    return TRUE;
  if (pc[0] == 0xEB)
    return leaves_function((ULONG64)pc + 2 + (ULONG64)(LONG64)(signed char)pc[1], image_base, entry);
  if (pc[0] == 0xE9)
    return leaves_function((ULONG64)pc + 5 + (ULONG64)(LONG64) * (const LONG *)(pc + 1), image_base, entry);
  if (pc[0] == 0xFF && pc[1] == 0x25)
    return TRUE;
  /* An indirect jump needs no REX.W: with it, it is a tail call, without it a jump table's. */
  return (pc[0] & 0xF8) == 0x48 && pc[1] == 0xFF && (pc[2] & 0x38) == 0x20;
}

/* Version 2: the epilogues are listed. The first code has their size, and whether one is at the function's end; the
 * others how far before the end each begins. */
static BOOLEAN in_listed_epilogue(const UNWIND_INFO *info, const RUNTIME_FUNCTION *entry, ULONG offset)
{
  ULONG length = entry->EndAddress - entry->BeginAddress, size = info->UnwindCode[0].CodeOffset;
  if (info->UnwindCode[0].OpInfo & 1 && offset < length && length - offset <= size)
    return TRUE;
  for (ULONG i = 1; i < info->CountOfCodes && info->UnwindCode[i].UnwindOp == UWOP_EPILOG; i++) {
    ULONG distance = info->UnwindCode[i].CodeOffset | (ULONG)info->UnwindCode[i].OpInfo << 8;
    if (distance && distance <= length && offset - (length - distance) < size)
      return TRUE;
  }
  return FALSE;
}

static BOOLEAN may_be_epilogue(const UNWIND_INFO *info, const RUNTIME_FUNCTION *entry, ULONG offset)
{
  return info->Version < 2 || !info->CountOfCodes || info->UnwindCode[0].UnwindOp != UWOP_EPILOG ||
         in_listed_epilogue(info, entry, offset);
}

/* If the rest of the code at pc is an epilogue, does what it does. */
static BOOLEAN unwind_epilogue(const UNWIND_INFO *info, ULONG64 image_base, const RUNTIME_FUNCTION *entry, const UCHAR *pc,
                               CONTEXT *context, KNONVOLATILE_CONTEXT_POINTERS *pointers)
{
  ULONG number, length;
  ULONG64 rsp = context->Rsp;
  pc += stack_release(info, pc, context, &rsp);
  const UCHAR *end = pc;
  while (is_pop(end, &number, &length))
    end += length;
  if (!ends_epilogue(end, image_base, entry))
    return FALSE;
  for (; pc < end && is_pop(pc, &number, &length); pc += length, rsp += 8)
    restore_integer(context, pointers, number, rsp);
  context->Rip = *(ULONG64 *)rsp;
  context->Rsp = rsp + 8;
  return TRUE;
}

/* ---- */

/* The frame of the function: its frame register's, once the prologue has set that. */
static ULONG64 establisher(const UNWIND_INFO *info, ULONG offset, CONTEXT *context)
{
  BOOLEAN set = offset >= info->SizeOfProlog || (info->Flags & UNW_FLAG_CHAININFO);
  if (!info->FrameRegister)
    return context->Rsp;
  for (ULONG i = 0; i < info->CountOfCodes && !set; i += code_slots(info, &info->UnwindCode[i]))
    set = info->UnwindCode[i].UnwindOp == UWOP_SET_FPREG && offset >= info->UnwindCode[i].CodeOffset;
  return set ? integer_registers(context)[info->FrameRegister] - info->FrameOffset * 16 : context->Rsp;
}

NTDLL_API PEXCEPTION_ROUTINE NTAPI RtlVirtualUnwind(DWORD HandlerType, DWORD64 ImageBase, DWORD64 ControlPc,
                                                    PRUNTIME_FUNCTION FunctionEntry, PCONTEXT ContextRecord,
                                                    PVOID *HandlerData, PDWORD64 EstablisherFrame,
                                                    PKNONVOLATILE_CONTEXT_POINTERS ContextPointers)
{
  const RUNTIME_FUNCTION *entry = FunctionEntry;
  const UNWIND_INFO *info = (const UNWIND_INFO *)(ImageBase + entry->UnwindData);
  ULONG offset = (ULONG)(ControlPc - ImageBase - entry->BeginAddress);
  BOOLEAN in_prologue = offset < info->SizeOfProlog, machine_frame = FALSE;
  *EstablisherFrame = establisher(info, offset, ContextRecord);
  ULONG64 frame = *EstablisherFrame;
  ContextRecord->ContextFlags |= CONTEXT_UNWOUND_TO_CALL;
  if (!in_prologue && may_be_epilogue(info, entry, offset) &&
      unwind_epilogue(info, ImageBase, entry, (const UCHAR *)ControlPc, ContextRecord, ContextPointers))
    return NULL;
  for (ULONG depth = 0; info && depth < MAX_CHAIN; depth++) {
    for (ULONG i = 0; i < info->CountOfCodes; i += code_slots(info, &info->UnwindCode[i])) {
      const UNWIND_CODE *code = &info->UnwindCode[i];
      /* Codes that the prologue did not come to; all of a parent's have run. */
      if (!depth && offset < code->CodeOffset && code->UnwindOp != UWOP_EPILOG)
        continue;
      machine_frame |= undo(info, code, frame, ContextRecord, ContextPointers);
    }
    entry = chained(info);
    info = entry ? (const UNWIND_INFO *)(ImageBase + entry->UnwindData) : NULL;
  }
  if (machine_frame) {
    ContextRecord->ContextFlags &= ~CONTEXT_UNWOUND_TO_CALL;
  } else {
    ContextRecord->Rip = *(ULONG64 *)ContextRecord->Rsp;
    ContextRecord->Rsp += 8;
  }
  info = (const UNWIND_INFO *)(ImageBase + FunctionEntry->UnwindData);
  for (ULONG depth = 0; (info->Flags & UNW_FLAG_CHAININFO) && depth < MAX_CHAIN; depth++)
    info = (const UNWIND_INFO *)(ImageBase + chained(info)->UnwindData);
  if (in_prologue || !(info->Flags & HandlerType & (UNW_FLAG_EHANDLER | UNW_FLAG_UHANDLER)))
    return NULL;
  const ULONG *handler = (const ULONG *)&info->UnwindCode[(info->CountOfCodes + 1u) & ~1u];
  *HandlerData = (PVOID)(handler + 1);
  return (PEXCEPTION_ROUTINE)(ImageBase + *handler);
}
