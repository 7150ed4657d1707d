/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a handler back to the code that faulted, while others hold the loader lock; registers there and back. */
#include "check.h"

#define APART __attribute__((noinline))

typedef struct {
  ULONG64 Integer[8]; /* rbx rbp rsi rdi r12-r15 */
  M128A Xmm[10];      /* xmm6-15 */
} OWNED;

static void owned_of(const CONTEXT *c, OWNED *out)
{
  static const UCHAR numbers[8] = {3, 5, 6, 7, 12, 13, 14, 15};
  for (ULONG i = 0; i < 8; i++)
    out->Integer[i] = (&c->Rax)[numbers[i]];
  memcpy(out->Xmm, &c->Xmm6, sizeof out->Xmm);
}

/* faults: owned registers take patterns, then a breakpoint. */
extern const UCHAR fault_at[];
void faults(void);
__asm__(".text\n"
        "  .globl faults, fault_at\n"
        "  .seh_proc faults\n"
        "faults:\n"
        "  push %rbx\n  .seh_pushreg %rbx\n"
        "  push %rbp\n  .seh_pushreg %rbp\n"
        "  push %rsi\n  .seh_pushreg %rsi\n"
        "  push %r12\n  .seh_pushreg %r12\n"
        "  push %r15\n  .seh_pushreg %r15\n"
        "  sub $0x20, %rsp\n  .seh_stackalloc 0x20\n"
        "  movaps %xmm6, (%rsp)\n  .seh_savexmm %xmm6, 0\n"
        "  movaps %xmm15, 16(%rsp)\n  .seh_savexmm %xmm15, 16\n"
        "  .seh_endprologue\n"
        "  mov $0x11111111, %ebx\n"
        "  mov $0x22222222, %ebp\n"
        "  mov $0x33333333, %esi\n"
        "  mov $0x44444444, %r12d\n"
        "  mov $0x55555555, %r15d\n"
        "  movq %rbx, %xmm6\n"
        "  movq %r15, %xmm15\n"
        "fault_at: ud2\n"
        "  movaps (%rsp), %xmm6\n"
        "  movaps 16(%rsp), %xmm15\n"
        "  add $0x20, %rsp\n"
        "  pop %r15\n"
        "  pop %r12\n"
        "  pop %rsi\n"
        "  pop %rbp\n"
        "  pop %rbx\n"
        "  ret\n"
        "  .seh_endproc\n");

static ULONG found;

static LONG CALLBACK walk(EXCEPTION_POINTERS *p)
{
  CONTEXT c;
  RtlCaptureContext(&c);
  found = 0;
  for (ULONG i = 0; i < 32 && !found; i++) {
    ULONG64 base, frame;
    PVOID data;
    PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(c.Rip, &base, NULL);
    if (!entry)
      break;
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c.Rip, entry, &c, &data, &frame, NULL);
    found = c.Rip == (ULONG64)fault_at;
  }
  CHECK_EQ(c.Rsp, p->ContextRecord->Rsp);
  /* A machine frame's Rip is no return address. */
  CHECK(!(c.ContextFlags & 0x20000000));
  OWNED walked, there;
  owned_of(&c, &walked);
  owned_of(p->ContextRecord, &there);
  CHECK(!memcmp(&walked, &there, sizeof there));
  CHECK_EQ(walked.Integer[0], 0x11111111);
  CHECK_EQ(walked.Integer[7], 0x55555555);
  CHECK_EQ(walked.Xmm[9].Low, 0x55555555);
  p->ContextRecord->Rip += 2;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void a_handler_walks_through_the_dispatcher_to_the_fault(void)
{
  PVOID handle = RtlAddVectoredExceptionHandler(1, walk);
  faults();
  CHECK_EQ(found, 1);
  RtlRemoveVectoredExceptionHandler(handle);
}

/* ---- the loader lock ---- */

static HANDLE locked, done;

static ULONG hold_lock(PVOID argument)
{
  PVOID cookie;
  (void)argument;
  CHECK_STATUS(LdrLockLoaderLock(0, NULL, &cookie), 0);
  NtSetEvent(locked, NULL);
  NtWaitForSingleObject(done, FALSE, NULL);
  CHECK_STATUS(LdrUnlockLoaderLock(0, cookie), 0);
  RtlExitUserThread(0);
}

static APART void raise(void)
{
  EXCEPTION_RECORD record = {.ExceptionCode = 0xE0000001};
  RtlRaiseException(&record);
}

static void exceptions_do_not_wait_for_the_loader_lock(void)
{
  HANDLE thread;
  volatile BOOLEAN handled = FALSE;
  CHECK_STATUS(NtCreateEvent(&locked, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE), 0);
  CHECK_STATUS(NtCreateEvent(&done, EVENT_ALL_ACCESS, NULL, NotificationEvent, FALSE), 0);
  CHECK_STATUS(RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, (PVOID)hold_lock, NULL, &thread, NULL), 0);
  NtWaitForSingleObject(locked, FALSE, NULL);
  __try {
    raise();
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    handled = TRUE;
  }
  NtSetEvent(done, NULL);
  NtWaitForSingleObject(thread, FALSE, NULL);
  CHECK(handled);
}

/* ---- capture and restore ---- */

/* Fills all registers from `in`, captures into `out`. Then restores `in` with Rip at `resumed`, and captures again. */
void fill_and_capture(CONTEXT *in, CONTEXT *out);
void restore_and_capture(CONTEXT *in, CONTEXT *out);
extern const UCHAR resumed[];
static CONTEXT in, out, host;
__asm__(".text\n"
        "save_host:\n"
        "  mov %rbx, 0x90+host(%rip)\n  mov %rbp, 0xA0+host(%rip)\n  mov %rsi, 0xA8+host(%rip)\n"
        "  mov %rdi, 0xB0+host(%rip)\n  mov %r12, 0xD8+host(%rip)\n  mov %r13, 0xE0+host(%rip)\n"
        "  mov %r14, 0xE8+host(%rip)\n  mov %r15, 0xF0+host(%rip)\n  fxsave 0x100+host(%rip)\n"
        "  lea 8(%rsp), %rax\n  mov %rax, 0x98+host(%rip)\n"
        "  ret\n"
        "load_host:\n"
        "  pop %rax\n"
        "  mov 0x90+host(%rip), %rbx\n  mov 0xA0+host(%rip), %rbp\n  mov 0xA8+host(%rip), %rsi\n"
        "  mov 0xB0+host(%rip), %rdi\n  mov 0xD8+host(%rip), %r12\n  mov 0xE0+host(%rip), %r13\n"
        "  mov 0xE8+host(%rip), %r14\n  mov 0xF0+host(%rip), %r15\n  fxrstor 0x100+host(%rip)\n"
        "  mov 0x98+host(%rip), %rsp\n  cld\n  jmp *%rax\n"
        "  .globl fill_and_capture\n"
        "fill_and_capture:\n"
        "  call save_host\n"
        "  sub $0x28, %rsp\n"
        "  fxrstor 0x100+in(%rip)\n"
        "  mov 0x78+in(%rip), %rax\n  mov 0x88+in(%rip), %rdx\n  mov 0x90+in(%rip), %rbx\n"
        "  mov 0xA0+in(%rip), %rbp\n  mov 0xA8+in(%rip), %rsi\n  mov 0xB0+in(%rip), %rdi\n"
        "  mov 0xB8+in(%rip), %r8\n  mov 0xC0+in(%rip), %r9\n  mov 0xC8+in(%rip), %r10\n"
        "  mov 0xD0+in(%rip), %r11\n  mov 0xD8+in(%rip), %r12\n  mov 0xE0+in(%rip), %r13\n"
        "  mov 0xE8+in(%rip), %r14\n  mov 0xF0+in(%rip), %r15\n"
        "  lea out(%rip), %rcx\n"
        "  std\n  stc\n"
        "  call RtlCaptureContext\n"
        "captured:\n"
        "  add $0x28, %rsp\n"
        "  call load_host\n"
        "  ret\n"
        "  .globl restore_and_capture, resumed, captured\n"
        "restore_and_capture:\n"
        "  call save_host\n"
        "  sub $0x28, %rsp\n"
        "  lea in(%rip), %rcx\n"
        "  xor %edx, %edx\n"
        "  call RtlRestoreContext\n"
        "  ud2\n"
        "resumed:\n"
        "  mov %rcx, 0x50+out(%rip)\n"
        "  lea out(%rip), %rcx\n"
        "  call RtlCaptureContext\n"
        "  call load_host\n"
        "  ret\n");
extern const UCHAR captured[];

static void patterns(void)
{
  static const double numbers[3] = {1.5, -2.25, 1e100};
  for (ULONG i = 0; i < 16; i++) {
    (&in.Rax)[i] = 0x0101010101010101ull * (i + 1);
    (&in.Xmm0)[i] = (M128A){0x1111111111111111ull * (i & 7) + i, (LONGLONG)(0x0F0F0F0F0F0F0F0Full ^ i)};
  }
  __asm__ volatile("fninit\n\tfldl %1\n\tfldl %2\n\tfldl %3\n\tfxsave %0\n\tfninit"
                   : "=m"(host.FltSave)
                   : "m"(numbers[0]), "m"(numbers[1]), "m"(numbers[2]));
  memcpy(in.FltSave.FloatRegisters, host.FltSave.FloatRegisters, sizeof in.FltSave.FloatRegisters);
  in.FltSave.ControlWord = 0x27F;
  in.FltSave.StatusWord = host.FltSave.StatusWord;
  in.FltSave.TagWord = host.FltSave.TagWord;
  in.FltSave.MxCsr = in.MxCsr = 0x9F80;
  in.ContextFlags = 0x10000F;
  in.SegCs = 0x33;
  in.SegSs = 0x2B;
}

static void compare(BOOLEAN with_rcx)
{
  for (ULONG i = 0; i < 16; i++)
    if (i != 4 && (i != 1 || with_rcx))
      CHECK_NUMBER((&out.Rax)[i] == (&in.Rax)[i], i);
  for (ULONG i = 0; i < 16; i++)
    CHECK_NUMBER(!memcmp(&(&out.Xmm0)[i], &(&in.Xmm0)[i], 16), i);
  for (ULONG i = 0; i < 3; i++)
    CHECK_NUMBER(!memcmp(&out.FltSave.FloatRegisters[i], &in.FltSave.FloatRegisters[i], 10), i);
  CHECK_EQ(out.FltSave.ControlWord, 0x27F);
  CHECK_EQ(out.FltSave.TagWord, in.FltSave.TagWord);
  CHECK_EQ(out.FltSave.StatusWord, in.FltSave.StatusWord);
  CHECK_EQ(out.MxCsr, 0x9F80);
  CHECK_EQ(out.FltSave.MxCsr, 0x9F80);
}

static void RtlCaptureContext_captures_every_register(void)
{
  patterns();
  fill_and_capture(&in, &out);
  compare(FALSE);
  CHECK_EQ(out.ContextFlags & 0x10000F, 0x10000F);
  CHECK_EQ(out.Rip, captured);
  CHECK_EQ(out.EFlags & 0x401, 0x401);
  CHECK_EQ(out.SegCs, 0x33);
  CHECK_EQ(out.SegSs, 0x2B);
}

static UCHAR other_stack[4096] __attribute__((aligned(16)));

static void RtlRestoreContext_restores_every_register(void)
{
  patterns();
  memset(&out, 0, sizeof out);
  in.Rip = (ULONG64)resumed;
  in.Rsp = (ULONG64)(other_stack + sizeof other_stack - 64);
  in.EFlags = 0xA97; /* CF PF AF SF IF OF */
  restore_and_capture(&in, &out);
  /* What rcx was, before it pointed to `out`. */
  out.Rcx = out.Dr1;
  CHECK_EQ(out.Rsp, in.Rsp);
  compare(TRUE);
  CHECK_EQ(out.EFlags & 0x8D5, 0x895);
}

void check(void)
{
  a_handler_walks_through_the_dispatcher_to_the_fault();
  exceptions_do_not_wait_for_the_loader_lock();
  RtlCaptureContext_captures_every_register();
  RtlRestoreContext_restores_every_register();
}
