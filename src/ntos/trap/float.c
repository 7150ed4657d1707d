/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of several floating-point exceptions is reported: #MF by the x87 status word, #XM by MXCSR (spec/1.1). */
#include "ntos/trap/internal.h"

/* Exception bits, in the status as in the mask. */
enum { FP_INVALID = 1, FP_DENORMAL = 2, FP_ZERO_DIVIDE = 4, FP_OVERFLOW = 8, FP_UNDERFLOW = 0x10, FP_INEXACT = 0x20 };
#define FP_BITS 0x3Fu
/** Found before the operation; the others come out of its result. */
#define FP_BEFORE (FP_INVALID | FP_DENORMAL | FP_ZERO_DIVIDE)
#define FSW_STACK_FAULT 0x40u
#define MXCSR_MASK_SHIFT 7

/* In the order of the processor's own priorities: one instruction may raise several. */
static NTSTATUS status_of(ULONG raised)
{
  if (raised & FP_INVALID)
    return STATUS_FLOAT_INVALID_OPERATION;
  if (raised & FP_ZERO_DIVIDE)
    return STATUS_FLOAT_DIVIDE_BY_ZERO;
  if (raised & FP_DENORMAL)
    return STATUS_FLOAT_DENORMAL_OPERAND;
  if (raised & FP_OVERFLOW)
    return STATUS_FLOAT_OVERFLOW;
  if (raised & FP_UNDERFLOW)
    return STATUS_FLOAT_UNDERFLOW;
  if (raised & FP_INEXACT)
    return STATUS_FLOAT_INEXACT_RESULT;
  /* Nobody raises it without a reason, but a gate that was led elsewhere does. */
  return STATUS_FLOAT_INVALID_OPERATION;
}

void KiFloatingErrorFault(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  XSAVE_FORMAT fx;
  cpu_get_fx(KeGetCurrentThread()->cpu, &fx);
  ULONG raised = fx.StatusWord & ~(ULONG)fx.ControlWord & FP_BITS;
  if (raised & FP_INVALID && fx.StatusWord & FSW_STACK_FAULT)
    KiExceptionDispatch(f, e, STATUS_FLOAT_STACK_CHECK, f->Rip, 2, 0, 0, 0);
  else
    KiExceptionDispatch(f, e, status_of(raised), f->Rip, 1, 0, 0, 0);
}

void KiXmmException(KTRAP_FRAME *f, KEXCEPTION_FRAME *e)
{
  ULONG raised = f->MxCsr & ~(f->MxCsr >> MXCSR_MASK_SHIFT) & FP_BITS;
  if (ki_is_32_bit_code(f->SegCs))
    /* What 32-bit code is told are two kinds only: x86 Windows had one code for each. */
    KiExceptionDispatch(f, e, raised & FP_BEFORE ? STATUS_FLOAT_MULTIPLE_TRAPS : STATUS_FLOAT_MULTIPLE_FAULTS, f->Rip, 1,
                        0, 0, 0);
  else
    KiExceptionDispatch(f, e, status_of(raised), f->Rip, 2, 0, f->MxCsr, 0);
}
