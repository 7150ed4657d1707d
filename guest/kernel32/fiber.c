/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fibers. TEB.NtTib.FiberData leads to the running one; its first field is its data, as GetFiberData expects. */
#include "kernel32p.h"

typedef struct _FIBER {
  PVOID FiberData;
  PVOID ExceptionList, StackBase, StackLimit, DeallocationStack; /**< of the TEB */
  PVOID StackPointer;                                            /**< while it does not run */
  PVOID FlsData;
  LPFIBER_START_ROUTINE StartRoutine;
} FIBER;
NT_ASSERT_OFFSET(FIBER, StackPointer, 0x28);

/* Leaves the registers that calls keep on the stack, its pointer in *from, and takes them off another. */
void base_switch_stacks(PVOID *from, PVOID to);
void base_fiber_entry(void);
void base_fiber_start(void);
__asm__(".text\n"
        ".globl base_switch_stacks\n"
        ".def base_switch_stacks; .scl 2; .type 32; .endef\n"
        ".seh_proc base_switch_stacks\n"
        "base_switch_stacks:\n"
        "  pushq %rbx\n .seh_pushreg %rbx\n"
        "  pushq %rbp\n .seh_pushreg %rbp\n"
        "  pushq %rsi\n .seh_pushreg %rsi\n"
        "  pushq %rdi\n .seh_pushreg %rdi\n"
        "  pushq %r12\n .seh_pushreg %r12\n"
        "  pushq %r13\n .seh_pushreg %r13\n"
        "  pushq %r14\n .seh_pushreg %r14\n"
        "  pushq %r15\n .seh_pushreg %r15\n"
        "  subq $0xA8, %rsp\n .seh_stackalloc 0xA8\n"
        "  movaps %xmm6, 0x00(%rsp)\n .seh_savexmm %xmm6, 0x00\n"
        "  movaps %xmm7, 0x10(%rsp)\n .seh_savexmm %xmm7, 0x10\n"
        "  movaps %xmm8, 0x20(%rsp)\n .seh_savexmm %xmm8, 0x20\n"
        "  movaps %xmm9, 0x30(%rsp)\n .seh_savexmm %xmm9, 0x30\n"
        "  movaps %xmm10, 0x40(%rsp)\n .seh_savexmm %xmm10, 0x40\n"
        "  movaps %xmm11, 0x50(%rsp)\n .seh_savexmm %xmm11, 0x50\n"
        "  movaps %xmm12, 0x60(%rsp)\n .seh_savexmm %xmm12, 0x60\n"
        "  movaps %xmm13, 0x70(%rsp)\n .seh_savexmm %xmm13, 0x70\n"
        "  movaps %xmm14, 0x80(%rsp)\n .seh_savexmm %xmm14, 0x80\n"
        "  movaps %xmm15, 0x90(%rsp)\n .seh_savexmm %xmm15, 0x90\n"
        "  .seh_endprologue\n"
        "  stmxcsr 0xA0(%rsp)\n"
        "  fnstcw 0xA4(%rsp)\n"
        "  movq %rsp, (%rcx)\n"
        "  movq %rdx, %rsp\n"
        "  ldmxcsr 0xA0(%rsp)\n"
        "  fldcw 0xA4(%rsp)\n"
        "  movaps 0x00(%rsp), %xmm6\n"
        "  movaps 0x10(%rsp), %xmm7\n"
        "  movaps 0x20(%rsp), %xmm8\n"
        "  movaps 0x30(%rsp), %xmm9\n"
        "  movaps 0x40(%rsp), %xmm10\n"
        "  movaps 0x50(%rsp), %xmm11\n"
        "  movaps 0x60(%rsp), %xmm12\n"
        "  movaps 0x70(%rsp), %xmm13\n"
        "  movaps 0x80(%rsp), %xmm14\n"
        "  movaps 0x90(%rsp), %xmm15\n"
        "  addq $0xA8, %rsp\n"
        "  popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rdi\n popq %rsi\n popq %rbp\n popq %rbx\n"
        "  ret\n"
        ".seh_endproc\n"
        /* Where a new fiber goes on: the frame above it is none. */
        ".globl base_fiber_entry\n"
        ".def base_fiber_entry; .scl 2; .type 32; .endef\n"
        ".seh_proc base_fiber_entry\n"
        "base_fiber_entry:\n"
        "  subq $0x20, %rsp\n .seh_stackalloc 0x20\n"
        "  .seh_endprologue\n"
        "  call base_fiber_start\n"
        "  int3\n"
        ".seh_endproc\n");
#define SWITCH_FRAME (0xA8 + 8 * 8)

static FIBER *current(void)
{
  PTEB teb = NtCurrentTeb();
  return teb->SameTebFlags & TEB_HAS_FIBER_DATA ? teb->NtTib.FiberData : NULL;
}

/* The first code of a fiber, under the last filter as that of a thread. Its end is the thread's. */
void base_fiber_start(void)
{
  NTSTATUS code = 0;
  __try {
    current()->StartRoutine(current()->FiberData);
  } __except (code = (NTSTATUS)GetExceptionCode(), UnhandledExceptionFilter(GetExceptionInformation())) {
    NtTerminateProcess(NtCurrentProcess(), code);
  }
  RtlExitUserThread(0);
}

/* A stack like a thread's: committed at its top, a guard page below. FALSE: no memory. */
static BOOL allocate_stack(FIBER *fiber, SIZE_T commit, SIZE_T reserve)
{
  const IMAGE_DOS_HEADER *dos = NtCurrentPeb()->ImageBaseAddress;
  const IMAGE_NT_HEADERS64 *headers = (const IMAGE_NT_HEADERS64 *)((const UCHAR *)dos + dos->e_lfanew);
  if (!reserve)
    reserve = headers->OptionalHeader.SizeOfStackReserve;
  if (!commit)
    commit = headers->OptionalHeader.SizeOfStackCommit;
  commit = (commit + 0xFFF) & ~(SIZE_T)0xFFF;
  reserve = (reserve + 0xFFFF) & ~(SIZE_T)0xFFFF;
  if (reserve < commit + 0x3000)
    reserve = (commit + 0x3000 + 0xFFFFF) & ~(SIZE_T)0xFFFFF;
  UCHAR *base = VirtualAlloc(NULL, reserve, MEM_RESERVE, PAGE_READWRITE);
  if (!base)
    return FALSE;
  UCHAR *limit = base + reserve - commit;
  if (!VirtualAlloc(limit, commit, MEM_COMMIT, PAGE_READWRITE) ||
      !VirtualAlloc(limit - 0x1000, 0x1000, MEM_COMMIT, PAGE_READWRITE | PAGE_GUARD)) {
    VirtualFree(base, 0, MEM_RELEASE);
    return FALSE;
  }
  fiber->DeallocationStack = base;
  fiber->StackLimit = limit;
  fiber->StackBase = base + reserve;
  return TRUE;
}

LPVOID WINAPI CreateFiberEx(SIZE_T commit, SIZE_T reserve, DWORD flags, LPFIBER_START_ROUTINE routine, LPVOID parameter)
{
  if (flags & ~(DWORD)FIBER_FLAG_FLOAT_SWITCH) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  FIBER *fiber = base_allocate(sizeof(*fiber));
  if (!fiber)
    return NULL;
  *fiber = (FIBER){.FiberData = parameter, .StartRoutine = routine, .ExceptionList = (PVOID)-1};
  if (!allocate_stack(fiber, commit, reserve)) {
    base_free(fiber);
    return NULL;
  }
  /* What base_switch_stacks takes off: registers, where to go on, and no return address. */
  ULONG64 *top = (ULONG64 *)((UCHAR *)fiber->StackBase - 0x40);
  UCHAR *frame = (UCHAR *)top - 8 - SWITCH_FRAME;
  *top = 0;
  top[-1] = (ULONG64)(ULONG_PTR)base_fiber_entry;
  memset(frame, 0, SWITCH_FRAME);
  *(ULONG *)(frame + 0xA0) = 0x1F80; /* MXCSR */
  *(USHORT *)(frame + 0xA4) = 0x27F; /* x87 control word */
  fiber->StackPointer = frame;
  return fiber;
}

LPVOID WINAPI CreateFiber(SIZE_T commit, LPFIBER_START_ROUTINE routine, LPVOID parameter)
{
  return CreateFiberEx(commit, 0, 0, routine, parameter);
}

LPVOID WINAPI ConvertThreadToFiberEx(LPVOID parameter, DWORD flags)
{
  PTEB teb = NtCurrentTeb();
  if (flags & ~(DWORD)FIBER_FLAG_FLOAT_SWITCH) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  if (teb->SameTebFlags & TEB_HAS_FIBER_DATA) {
    base_fail(ERROR_ALREADY_FIBER);
    return NULL;
  }
  FIBER *fiber = base_allocate(sizeof(*fiber));
  if (!fiber)
    return NULL;
  *fiber = (FIBER){.FiberData = parameter,
                   .ExceptionList = teb->NtTib.ExceptionList,
                   .StackBase = teb->NtTib.StackBase,
                   .StackLimit = teb->NtTib.StackLimit,
                   .DeallocationStack = teb->DeallocationStack,
                   .FlsData = teb->FlsData};
  teb->NtTib.FiberData = fiber;
  teb->SameTebFlags |= TEB_HAS_FIBER_DATA;
  return fiber;
}

LPVOID WINAPI ConvertThreadToFiber(LPVOID parameter) { return ConvertThreadToFiberEx(parameter, 0); }

BOOL WINAPI ConvertFiberToThread(void)
{
  PTEB teb = NtCurrentTeb();
  if (!(teb->SameTebFlags & TEB_HAS_FIBER_DATA))
    return base_fail(ERROR_ALREADY_THREAD);
  base_free(teb->NtTib.FiberData);
  teb->NtTib.FiberData = NULL;
  teb->SameTebFlags &= (USHORT)~TEB_HAS_FIBER_DATA;
  return TRUE;
}

void WINAPI SwitchToFiber(LPVOID target)
{
  PTEB teb = NtCurrentTeb();
  FIBER *from = teb->NtTib.FiberData, *to = target;
  from->ExceptionList = teb->NtTib.ExceptionList;
  from->StackLimit = teb->NtTib.StackLimit;
  from->FlsData = teb->FlsData;
  teb->NtTib.FiberData = to;
  teb->NtTib.ExceptionList = to->ExceptionList;
  teb->NtTib.StackBase = to->StackBase;
  teb->NtTib.StackLimit = to->StackLimit;
  teb->DeallocationStack = to->DeallocationStack;
  teb->FlsData = to->FlsData;
  base_switch_stacks(&from->StackPointer, to->StackPointer);
}

void WINAPI DeleteFiber(LPVOID target)
{
  PTEB teb = NtCurrentTeb();
  FIBER *fiber = target;
  /* The running one: its thread ends with it. */
  if (current() == fiber) {
    teb->SameTebFlags &= (USHORT)~TEB_HAS_FIBER_DATA;
    base_free(fiber);
    RtlExitUserThread(1);
  }
  if (fiber->FlsData)
    RtlProcessFlsData(fiber->FlsData, 3 /* call back, free */);
  VirtualFree(fiber->DeallocationStack, 0, MEM_RELEASE);
  base_free(fiber);
}

BOOL WINAPI IsThreadAFiber(void) { return (NtCurrentTeb()->SameTebFlags & TEB_HAS_FIBER_DATA) != 0; }
