/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KiPreprocessFault: what the processor does not tell is read from the instruction (spec/1.1, 2.1 step 4). */
#include "ntos/trap/internal.h"

#define MAX_INSTRUCTION 15u
#define ERROR_CODE_IDT 2u
#define OPCODE_SAHF 0x9Eu
#define OPCODE_LAHF 0x9Fu
/** What SAHF loads and LAHF stores: SF ZF AF PF CF. */
#define EFLAGS_IN_AH 0xD5u

/* Bytes at the context's Rip; how many could be read. The instruction may end before a guard page, which stays one. */
static size_t instruction_bytes(const CONTEXT *context, UCHAR bytes[MAX_INSTRUCTION])
{
  size_t n = 0;
  (void)mm_process_read(PsGetCurrentProcess(), context->Rip, bytes, MAX_INSTRUCTION, &n);
  return n;
}

static bool read_operand(void *context, uint64_t va, void *buffer, size_t size)
{
  (void)context;
  return NT_SUCCESS(mm_process_read(PsGetCurrentProcess(), va, buffer, size, NULL));
}

static const char *become(EXCEPTION_RECORD64 *record, NTSTATUS code, const char *why)
{
  record->ExceptionCode = code;
  record->NumberParameters = 0;
  return why;
}

static const char *become_access_violation(EXCEPTION_RECORD64 *record, ULONG64 address, const char *why)
{
  record->ExceptionCode = STATUS_ACCESS_VIOLATION;
  record->NumberParameters = 2;
  record->ExceptionInformation[0] = 0;
  record->ExceptionInformation[1] = address;
  return why;
}

/* Parameter 0 is the error code. */
static const char *general_protection(EXCEPTION_RECORD64 *record, const UCHAR *bytes, size_t n, bool code64)
{
  ULONG64 error_code = record->ExceptionInformation[0];
  unsigned length = 0;
  if (error_code & ERROR_CODE_IDT)
    return become_access_violation(record, ~0ull, "an interrupt that user mode may not use");
  if (error_code)
    return become_access_violation(record, error_code & ~7ull, "a bad selector");
  if (n && emu_decode_privileged(bytes, n, code64, &length))
    return become(record, STATUS_PRIVILEGED_INSTRUCTION, "a privileged instruction");
  if (n == MAX_INSTRUCTION && !length)
    return become(record, STATUS_ILLEGAL_INSTRUCTION, "an instruction of more than 15 bytes");
  return become_access_violation(record, ~0ull, "no address is known");
}

/* LAHF and SAHF in 64-bit code, for processors that lack them there. */
static bool emulate_lahf(CONTEXT *context, const UCHAR *bytes, size_t n)
{
  if (!n || ki_is_32_bit_code(context->SegCs))
    return false;
  if (bytes[0] == OPCODE_LAHF)
    context->Rax = (context->Rax & ~0xFF00ull) | ((context->EFlags & EFLAGS_IN_AH) | EFLAGS_ALWAYS) << 8;
  else if (bytes[0] == OPCODE_SAHF)
    context->EFlags = (context->EFlags & ~EFLAGS_IN_AH) | ((ULONG)(context->Rax >> 8) & EFLAGS_IN_AH);
  else
    return false;
  context->Rip++;
  return true;
}

BOOLEAN KiPreprocessFault(EXCEPTION_RECORD64 *ExceptionRecord, CONTEXT *Context, KPROCESSOR_MODE PreviousMode)
{
  const NTSTATUS internal = ExceptionRecord->ExceptionCode;
  UCHAR bytes[MAX_INSTRUCTION];
  const char *what;
  BOOLEAN resolved = FALSE;
  /* Kernel code is C: there are no instructions to look at. */
  size_t n = PreviousMode == UserMode && internal >> 28 == 1 ? instruction_bytes(Context, bytes) : 0;
  switch (internal) {
  case KI_EXCEPTION_GP_FAULT:
    what = general_protection(ExceptionRecord, bytes, n, !ki_is_32_bit_code(Context->SegCs));
    break;
  case KI_EXCEPTION_INVALID_OP:
    resolved = emulate_lahf(Context, bytes, n);
    what = resolved ? become(ExceptionRecord, internal, "an instruction that is emulated")
                    : become(ExceptionRecord, STATUS_ILLEGAL_INSTRUCTION, "no valid instruction");
    break;
  case KI_EXCEPTION_INTEGER_DIVIDE_BY_ZERO:
    what = n && emu_decode_divide_overflow(KeGetCurrentThread()->cpu, bytes, n, read_operand, NULL)
               ? become(ExceptionRecord, STATUS_INTEGER_OVERFLOW, "the divisor is not 0")
               : become(ExceptionRecord, STATUS_INTEGER_DIVIDE_BY_ZERO, "the divisor is 0");
    break;
  default:
    return FALSE;
  }
  TRACE(DBGKSIM_TRACE_PREPROCESS, what, (ULONG)internal, (ULONG)ExceptionRecord->ExceptionCode, resolved, 0);
  return resolved;
}
