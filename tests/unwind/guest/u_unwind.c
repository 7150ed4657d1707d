/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unwinds that meet each other, that go wrong, and those with a purpose of their own (longjmp, consolidation). */
#include "check.h"

#define APART __attribute__((noinline))

static char trail[64];
static ULONG trail_length;

static APART void leave(char mark)
{
  if (trail_length < sizeof trail - 1)
    trail[trail_length++] = mark;
  trail[trail_length] = 0;
}

static void begin(void) { trail[trail_length = 0] = 0; }

#define CHECK_TRAIL(text) CHECK_NUMBER(sizeof(text) - 1 == trail_length && !memcmp(trail, text, trail_length), *(ULONG64 *)trail)

static APART void raise(DWORD code, DWORD flags)
{
  EXCEPTION_RECORD record = {.ExceptionCode = code, .ExceptionFlags = flags};
  RtlRaiseException(&record);
}

/* Frame of the function `levels` calls above the caller, as its handler would be given. */
static APART ULONG64 frame_above(ULONG levels, CONTEXT *at)
{
  CONTEXT c;
  ULONG64 frame = 0, base;
  PVOID data;
  RtlCaptureContext(&c);
  for (ULONG i = 0; i <= levels + 1; i++) {
    *at = c;
    PRUNTIME_FUNCTION entry = RtlLookupFunctionEntry(c.Rip, &base, NULL);
    RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c.Rip, entry, &c, &data, &frame, NULL);
  }
  return frame;
}

/* ---- collided ---- */

static APART void finallies(void)
{
  __try {
    leave('1');
    __try {
      raise(0xE0000001, 0);
      leave('!');
    } __finally {
      leave('i');
      raise(0xE0000002, 0);
    }
    leave('!');
  } __finally {
    leave('o');
  }
}

static LONG only(DWORD code, DWORD wanted)
{
  leave(code == wanted ? 'y' : 'n');
  return code == wanted ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH;
}

static APART void middle(DWORD wanted)
{
  __try {
    finallies();
    leave('!');
  } __except (only((DWORD)GetExceptionCode(), wanted)) {
    leave('m');
  }
}

static void an_exception_in_a_finally_is_handled_below_the_target_of_the_unwind(void)
{
  begin();
  __try {
    middle(0xE0000002);
    leave('b');
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
  CHECK_TRAIL("1niyomb");
}

static void an_exception_in_a_finally_is_handled_above_the_frames_of_the_unwind(void)
{
  begin();
  volatile DWORD code = 0;
  __try {
    middle(0xE0000099);
    leave('!');
  } __except (code = (DWORD)GetExceptionCode(), EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
  CHECK_TRAIL("1ninox");
  CHECK_EQ(code, 0xE0000002);
}

static APART void finally_with_a_handler(void)
{
  __try {
    raise(0xE0000001, 0);
    leave('!');
  } __finally {
    leave('f');
    __try {
      raise(0xE0000003, 0);
      leave('!');
    } __except (EXCEPTION_EXECUTE_HANDLER) {
      leave('h');
    }
  }
}

static void a_finally_may_handle_exceptions_of_its_own(void)
{
  begin();
  __try {
    finally_with_a_handler();
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
  CHECK_TRAIL("fhx");
}

static ULONG64 unwind_frame;
static void *volatile unwind_target;

static APART void unwinds_in_a_finally(void)
{
  __try {
    leave('1');
    __try {
      raise(0xE0000001, 0);
      leave('!');
    } __finally {
      leave('i');
      RtlUnwind((PVOID)unwind_frame, unwind_target, NULL, (PVOID)7);
    }
    leave('!');
  } __finally {
    leave('o');
  }
}

static APART ULONG64 target_of_unwinds(void (*function)(void), volatile ULONG *before)
{
  CONTEXT c;
  unwind_frame = frame_above(0, &c);
  unwind_target = &&landed;
  if (!*before)
    goto *unwind_target;
  *before = 0;
  function();
  leave('!');
landed:
  leave('t');
  return 0;
}

static void an_unwind_runs_into_another_that_goes_farther(void)
{
  begin();
  volatile ULONG before = 1;
  __try {
    target_of_unwinds(unwinds_in_a_finally, &before);
    leave('b');
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
  CHECK_TRAIL("1iotb");
}

/* ---- nested ---- */

static DWORD nested_flags, outer_flags;

static LONG raising_filter(EXCEPTION_POINTERS *p)
{
  if (p->ExceptionRecord->ExceptionCode == 0xE0000010)
    raise(0xE0000011, 0);
  nested_flags = p->ExceptionRecord->ExceptionFlags;
  return EXCEPTION_CONTINUE_SEARCH;
}

static APART void filter_raises(void)
{
  __try {
    raise(0xE0000010, 0);
    leave('!');
  } __except (raising_filter(GetExceptionInformation())) {
    leave('!');
  }
}

static LONG outer_filter(EXCEPTION_POINTERS *p)
{
  outer_flags = p->ExceptionRecord->ExceptionFlags;
  return p->ExceptionRecord->ExceptionCode == 0xE0000011;
}

static void an_exception_in_a_filter_is_nested_up_to_the_filters_frame(void)
{
  begin();
  nested_flags = outer_flags = ~0u;
  __try {
    filter_raises();
  } __except (outer_filter(GetExceptionInformation())) {
    leave('x');
  }
  CHECK_TRAIL("x");
  CHECK_EQ(nested_flags, 0x10);
  CHECK_EQ(outer_flags, 0);
}

/* ---- what is refused ---- */

static DWORD first_code, cause_code;

static LONG remember(EXCEPTION_POINTERS *p)
{
  first_code = p->ExceptionRecord->ExceptionCode;
  cause_code = p->ExceptionRecord->ExceptionRecord ? p->ExceptionRecord->ExceptionRecord->ExceptionCode : 0;
  return EXCEPTION_EXECUTE_HANDLER;
}

static void an_unwind_to_a_frame_that_is_passed_is_an_invalid_target(void)
{
  EXCEPTION_RECORD record = {.ExceptionCode = 0xE0000020};
  volatile char here[64];
  begin();
  __try {
    RtlUnwind((PVOID)((ULONG64)&here[-0x4000] & ~15ull), (PVOID)&leave, &record, NULL);
    leave('!');
  } __except (remember(GetExceptionInformation())) {
    leave('x');
  }
  CHECK_TRAIL("x");
  CHECK_EQ(first_code, 0xC0000029);
  CHECK_EQ(cause_code, 0xE0000020);
}

static PVOID stack_base;

static LONG CALLBACK repair_stack(EXCEPTION_POINTERS *p)
{
  NtCurrentTeb()->NtTib.StackBase = stack_base;
  leave(p->ExceptionRecord->ExceptionCode == 0xC0000028 ? 'r' : '?');
  return EXCEPTION_CONTINUE_SEARCH;
}

static void an_unwind_outside_of_the_stack_is_a_bad_stack(void)
{
  PVOID handle = RtlAddVectoredExceptionHandler(1, repair_stack);
  begin();
  stack_base = NtCurrentTeb()->NtTib.StackBase;
  __try {
    NtCurrentTeb()->NtTib.StackBase = (PVOID)((ULONG64)NtCurrentTeb()->NtTib.StackLimit + 8);
    RtlUnwind(stack_base, (PVOID)&leave, NULL, NULL);
    leave('!');
  } __except (remember(GetExceptionInformation())) {
    leave('x');
  }
  NtCurrentTeb()->NtTib.StackBase = stack_base;
  RtlRemoveVectoredExceptionHandler(handle);
  CHECK_TRAIL("rx");
  CHECK_EQ(first_code, 0xC0000028);
}

static LONG go_on(DWORD code) { return code == 0xE0000030 ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH; }

static APART void continues(void)
{
  __try {
    raise(0xE0000030, EXCEPTION_NONCONTINUABLE);
    leave('!');
  } __except (go_on((DWORD)GetExceptionCode())) {
    leave('!');
  }
}

static void continuing_a_noncontinuable_exception_is_another(void)
{
  begin();
  __try {
    continues();
  } __except (remember(GetExceptionInformation())) {
    leave('x');
  }
  CHECK_TRAIL("x");
  CHECK_EQ(first_code, 0xC0000025);
  CHECK_EQ(cause_code, 0xE0000030);
}

void handled_badly(void (*function)(DWORD, DWORD));
/* A handler that answers 9 to the first exception, and passes on what comes of that. */
__asm__(".text\n"
        ".balign 16\n"
        "bad_handler:\n"
        "  movl $1, %eax\n"
        "  cmpl $0xE0000040, (%rcx)\n"
        "  jne 1f\n"
        "  movl $9, %eax\n"
        "1: ret\n"
        "  .globl handled_badly\n"
        "  .seh_proc handled_badly\n"
        "handled_badly:\n"
        "  sub $0x28, %rsp\n"
        "  .seh_stackalloc 0x28\n"
        "  .seh_endprologue\n"
        "  .seh_handler bad_handler, @except, @unwind\n"
        "  mov %rcx, %rax\n"
        "  mov $0xE0000040, %ecx\n"
        "  xor %edx, %edx\n"
        "  call *%rax\n"
        "  nop\n"
        "  add $0x28, %rsp\n"
        "  ret\n"
        "  .seh_endproc\n");

static void a_disposition_that_is_none_is_an_exception(void)
{
  begin();
  __try {
    handled_badly(raise);
    leave('!');
  } __except (remember(GetExceptionInformation())) {
    leave('x');
  }
  CHECK_TRAIL("x");
  CHECK_EQ(first_code, 0xC0000026);
  CHECK_EQ(cause_code, 0xE0000040);
}

/* ---- unwinds with a purpose ---- */

static ULONG exit_thread(PVOID argument)
{
  (void)argument;
  __try {
    __try {
      leave('1');
      RtlUnwind(NULL, NULL, NULL, NULL);
      leave('!');
    } __finally {
      leave(AbnormalTermination() ? 'i' : '!');
    }
    leave('!');
  } __finally {
    leave('o');
    RtlExitUserThread(55);
  }
  return 0;
}

static void an_exit_unwind_runs_every_finally(void)
{
  HANDLE thread;
  struct {
    NTSTATUS ExitStatus;
    ULONG64 Rest[5];
  } basic;
  begin();
  CHECK_STATUS(RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, (PVOID)exit_thread, NULL, &thread, NULL), 0);
  NtWaitForSingleObject(thread, FALSE, NULL);
  CHECK_STATUS(NtQueryInformationThread(thread, 0, &basic, sizeof basic, NULL), 0);
  CHECK_EQ(basic.ExitStatus, 55);
  NtClose(thread);
  CHECK_TRAIL("1io");
}

typedef struct {
  ULONG64 Frame, Rbx, Rsp, Rbp, Rsi, Rdi, R12, R13, R14, R15, Rip;
  ULONG MxCsr;
  USHORT FpCsr, Spare;
  M128A Xmm[10];
} __attribute__((aligned(16))) JUMP;

static void jump_of(JUMP *jump, const CONTEXT *c, ULONG64 frame)
{
  *jump = (JUMP){frame,  c->Rbx, c->Rsp, c->Rbp, c->Rsi,   c->Rdi,
                 c->R12, c->R13, c->R14, c->R15, c->Rip, c->MxCsr, c->FltSave.ControlWord};
  memcpy(jump->Xmm, &c->Xmm6, sizeof jump->Xmm);
}

static APART void jump_out(JUMP *jump)
{
  EXCEPTION_RECORD record = {
      .ExceptionCode = 0x80000026, .NumberParameters = 1, .ExceptionInformation = {(ULONG64)jump}};
  CONTEXT c;
  __try {
    leave('j');
    RtlUnwindEx((PVOID)jump->Frame, (PVOID)jump->Rip, &record, (PVOID)1, &c, NULL);
    leave('!');
  } __finally {
    leave('f');
  }
}

static void a_longjmp_unwinds_and_takes_its_registers_from_the_buffer(void)
{
  static JUMP jump;
  static volatile ULONG times;
  CONTEXT c, at;
  begin();
  times = 0;
  ULONG64 frame = frame_above(0, &at);
  RtlCaptureContext(&c);
  leave('s');
  if (times++ == 0) {
    jump_of(&jump, &c, frame);
    jump_out(&jump);
    leave('!');
  }
  CHECK_TRAIL("sjfs");
}

static void RtlRestoreContext_takes_a_longjmps_registers_from_the_buffer(void)
{
  static JUMP jump;
  static volatile ULONG times;
  static CONTEXT c, other;
  begin();
  times = 0;
  RtlCaptureContext(&c);
  leave('s');
  if (times++ == 0) {
    EXCEPTION_RECORD record = {
        .ExceptionCode = 0x80000026, .NumberParameters = 1, .ExceptionInformation = {(ULONG64)&jump}};
    jump_of(&jump, &c, 0);
    other = c;
    other.Rip = 0;
    other.Rsp = 0;
    RtlRestoreContext(&other, &record);
  }
  CHECK_TRAIL("ss");
}

static ULONG64 consolidate_to;
static ULONG64 go_there(EXCEPTION_RECORD *record)
{
  leave(record->ExceptionCode == 0x80000029 ? 'c' : '?');
  return consolidate_to;
}

static ULONG64 throw_there(EXCEPTION_RECORD *record)
{
  leave('c');
  raise(0xE0000050, 0);
  return record->ExceptionInformation[1];
}

static APART void consolidate(ULONG64 (*callback)(EXCEPTION_RECORD *), ULONG64 frame)
{
  EXCEPTION_RECORD record = {
      .ExceptionCode = 0x80000029, .NumberParameters = 2, .ExceptionInformation = {(ULONG64)callback}};
  CONTEXT c;
  __try {
    leave('1');
    RtlUnwindEx((PVOID)frame, (PVOID)1, &record, NULL, &c, NULL);
    leave('!');
  } __finally {
    leave('f');
  }
}

static void a_consolidating_unwind_goes_on_where_its_callback_says(void)
{
  CONTEXT at;
  static volatile ULONG again;
  begin();
  again = 0;
  consolidate_to = (ULONG64)&&there;
  ULONG64 frame = frame_above(0, &at);
  if (again)
    goto *(void *)consolidate_to;
  again = 1;
  consolidate(go_there, frame);
  leave('!');
there:
  CHECK_TRAIL("1fc");
}

static APART void consolidate_here(void)
{
  CONTEXT at;
  __try {
    consolidate(throw_there, frame_above(0, &at));
    leave('!');
  } __except ((DWORD)GetExceptionCode() == 0xE0000050) {
    leave('h');
  }
}

static void an_exception_in_the_callback_finds_the_handlers_of_the_target(void)
{
  begin();
  __try {
    consolidate_here();
    leave('b');
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
  CHECK_TRAIL("1fchb");
}

static APART void read_null(volatile int *p) { *p; }

static void the_except_body_knows_the_code(void)
{
  volatile DWORD code = 0;
  __try {
    read_null(NULL);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    code = (DWORD)GetExceptionCode();
  }
  CHECK_EQ(code, 0xC0000005);
}

void check(void)
{
  an_exception_in_a_finally_is_handled_below_the_target_of_the_unwind();
  an_exception_in_a_finally_is_handled_above_the_frames_of_the_unwind();
  a_finally_may_handle_exceptions_of_its_own();
  an_unwind_runs_into_another_that_goes_farther();
  an_exception_in_a_filter_is_nested_up_to_the_filters_frame();
  an_unwind_to_a_frame_that_is_passed_is_an_invalid_target();
  an_unwind_outside_of_the_stack_is_a_bad_stack();
  continuing_a_noncontinuable_exception_is_another();
  a_disposition_that_is_none_is_an_exception();
  an_exit_unwind_runs_every_finally();
  a_longjmp_unwinds_and_takes_its_registers_from_the_buffer();
  RtlRestoreContext_takes_a_longjmps_registers_from_the_buffer();
  a_consolidating_unwind_goes_on_where_its_callback_says();
  an_exception_in_the_callback_finds_the_handlers_of_the_target();
  the_except_body_knows_the_code();
}
