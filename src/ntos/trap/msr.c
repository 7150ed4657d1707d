/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model-specific registers around the system service entry (spec/1.4). */
#include "ntos/trap/internal.h"
#include "ntos/trap/monitor.h"

#define EFER_SCE 0x1u
#define EFER_LME 0x100u
#define EFER_LMA 0x400u
#define EFER_NXE 0x800u

static bool is_canonical(ULONG64 address)
{
  return (ULONG64)((LONG64)(address << 16) >> 16) == address;
}

/* The calling thread's user base, which swapgs has put away. */
static ULONG64 user_gs_base(void)
{
  const KTHREAD *thread = KeGetCurrentThread();
  return thread->cpu ? thread->cpu->gs_base : 0;
}

NTSTATUS ki_read_msr(ULONG msr, ULONG64 *value)
{
  const struct trap_state *trap = trap_state();
  switch (msr) {
  case MSR_SYSENTER_EIP:
    *value = trap->sysenter_eip;
    return STATUS_SUCCESS;
  case MSR_EFER:
    *value = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    return STATUS_SUCCESS;
  case MSR_STAR:
    *value = trap->star;
    return STATUS_SUCCESS;
  case MSR_LSTAR:
    *value = trap->lstar;
    return STATUS_SUCCESS;
  case MSR_CSTAR:
    *value = trap->cstar;
    return STATUS_SUCCESS;
  case MSR_SFMASK:
    *value = trap->sfmask;
    return STATUS_SUCCESS;
  case MSR_FS_BASE:
  case MSR_GS_BASE:
    /* The processor control region is none of guest memory. */
    *value = 0;
    return STATUS_SUCCESS;
  case MSR_KERNEL_GS_BASE:
    *value = user_gs_base();
    return STATUS_SUCCESS;
  default:
    *value = 0;
    return STATUS_PRIVILEGED_INSTRUCTION;
  }
}

NTSTATUS ki_write_msr(ULONG msr, ULONG64 value)
{
  struct trap_state *trap = trap_state();
  switch (msr) {
  case MSR_SYSENTER_EIP:
  case MSR_LSTAR:
  case MSR_CSTAR:
    if (!is_canonical(value))
      return STATUS_PRIVILEGED_INSTRUCTION;
    *(msr == MSR_LSTAR ? &trap->lstar : msr == MSR_CSTAR ? &trap->cstar : &trap->sysenter_eip) = value;
    return STATUS_SUCCESS;
  case MSR_STAR:
    trap->star = value;
    return STATUS_SUCCESS;
  case MSR_SFMASK:
    if (value >> 32)
      return STATUS_PRIVILEGED_INSTRUCTION;
    trap->sfmask = value;
    return STATUS_SUCCESS;
  case MSR_EFER:
  case MSR_FS_BASE:
  case MSR_GS_BASE:
  case MSR_KERNEL_GS_BASE:
    return STATUS_NOT_SUPPORTED;
  default:
    return STATUS_PRIVILEGED_INSTRUCTION;
  }
}
