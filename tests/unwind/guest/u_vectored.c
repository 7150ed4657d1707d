/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vectored handlers, and what a handler sees of a breakpoint (facts 20 and 21). */
#include "check.h"

#define APART __attribute__((noinline))

static char trail[128];
static ULONG trail_length;

static void leave(char mark) { trail[trail_length++ % sizeof trail] = mark; }

static void begin(void)
{
  trail_length = 0;
  memset(trail, 0, sizeof trail);
}

#define CHECK_TRAIL(text) CHECK_NUMBER(!memcmp(trail, text, sizeof(text)), *(ULONG64 *)trail)

static APART void raise(DWORD code)
{
  EXCEPTION_RECORD record = {.ExceptionCode = code};
  RtlRaiseException(&record);
}

static LONG CALLBACK say_a(EXCEPTION_POINTERS *p) { return (void)p, leave('a'), EXCEPTION_CONTINUE_SEARCH; }
static LONG CALLBACK say_b(EXCEPTION_POINTERS *p) { return (void)p, leave('b'), EXCEPTION_CONTINUE_SEARCH; }
static LONG CALLBACK say_c(EXCEPTION_POINTERS *p) { return (void)p, leave('c'), EXCEPTION_CONTINUE_SEARCH; }
static LONG CALLBACK go_on(EXCEPTION_POINTERS *p) { return (void)p, leave('g'), EXCEPTION_CONTINUE_EXECUTION; }

static void the_first_is_called_first_and_the_last_last(void)
{
  PVOID a = RtlAddVectoredExceptionHandler(0, say_a), b = RtlAddVectoredExceptionHandler(1, say_b);
  PVOID c = RtlAddVectoredExceptionHandler(0, say_c), g = RtlAddVectoredExceptionHandler(0, go_on);
  CHECK(a && b && c && g);
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("bacg");
  CHECK(RtlRemoveVectoredExceptionHandler(a));
  CHECK(!RtlRemoveVectoredExceptionHandler(a));
  CHECK(!RtlRemoveVectoredContinueHandler(b));
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("bcg");
  CHECK(RtlRemoveVectoredExceptionHandler(b) && RtlRemoveVectoredExceptionHandler(c));
  CHECK(RtlRemoveVectoredExceptionHandler(g));
}

static void a_handler_may_be_registered_twice(void)
{
  PVOID first = RtlAddVectoredExceptionHandler(0, say_a), second = RtlAddVectoredExceptionHandler(0, say_a);
  PVOID g = RtlAddVectoredExceptionHandler(0, go_on);
  CHECK(first != second);
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("aag");
  CHECK(RtlRemoveVectoredExceptionHandler(first) && RtlRemoveVectoredExceptionHandler(second));
  CHECK(RtlRemoveVectoredExceptionHandler(g));
}

static PVOID own_handle, next_handle;

static LONG CALLBACK remove_itself(EXCEPTION_POINTERS *p)
{
  (void)p;
  leave('r');
  CHECK(RtlRemoveVectoredExceptionHandler(own_handle));
  return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK remove_next(EXCEPTION_POINTERS *p)
{
  (void)p;
  leave('n');
  if (next_handle)
    CHECK(RtlRemoveVectoredExceptionHandler(next_handle));
  next_handle = NULL;
  return EXCEPTION_CONTINUE_SEARCH;
}

static void a_handler_may_remove_itself_and_others(void)
{
  own_handle = RtlAddVectoredExceptionHandler(0, remove_itself);
  PVOID n = RtlAddVectoredExceptionHandler(0, remove_next);
  next_handle = RtlAddVectoredExceptionHandler(0, say_a);
  PVOID g = RtlAddVectoredExceptionHandler(0, go_on);
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("rng");
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("ng");
  CHECK(RtlRemoveVectoredExceptionHandler(n) && RtlRemoveVectoredExceptionHandler(g));
}

static void there_may_be_many_handlers(void)
{
  static PVOID handles[200];
  for (ULONG i = 0; i < 200; i++)
    handles[i] = RtlAddVectoredExceptionHandler(0, i < 199 ? say_a : go_on);
  begin();
  raise(0xE0000001);
  CHECK_EQ(trail_length, 200);
  for (ULONG i = 0; i < 200; i++)
    CHECK(RtlRemoveVectoredExceptionHandler(handles[i]));
}

static LONG go_on_filter(void) { return leave('f'), EXCEPTION_CONTINUE_EXECUTION; }

static APART void continued_by_a_filter(void)
{
  __try {
    raise(0xE0000002);
    leave('.');
  } __except (go_on_filter()) {
    leave('!');
  }
}

static APART void handled_by_a_body(void)
{
  __try {
    raise(0xE0000002);
    leave('!');
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    leave('x');
  }
}

static void vectored_continue_handlers_are_called(void)
{
  PVOID a = RtlAddVectoredContinueHandler(0, say_a), b = RtlAddVectoredContinueHandler(1, say_b);
  PVOID g = RtlAddVectoredExceptionHandler(0, go_on);
  begin();
  raise(0xE0000001);
  CHECK_TRAIL("gba");
  CHECK(RtlRemoveVectoredExceptionHandler(g));
  begin();
  continued_by_a_filter();
  CHECK_TRAIL("fba.");
  /* An exception that an __except body ends is not continued. */
  begin();
  handled_by_a_body();
  CHECK_TRAIL("x");
  g = RtlAddVectoredContinueHandler(1, go_on);
  begin();
  continued_by_a_filter();
  CHECK_TRAIL("fg.");
  CHECK(RtlRemoveVectoredContinueHandler(a) && RtlRemoveVectoredContinueHandler(b) && RtlRemoveVectoredContinueHandler(g));
}

/* ---- breakpoints ---- */

extern const UCHAR at_int3[], behind_int3[], at_cd03[], behind_cd03[];
void run_int3(void);
void run_cd03(void);
__asm__(".text\n"
        "  .globl run_int3, run_cd03, at_int3, behind_int3, at_cd03, behind_cd03\n"
        "run_int3:\n"
        "at_int3: int3\n"
        "behind_int3: ret\n"
        "run_cd03: nop\n"
        "at_cd03: .byte 0xCD, 3\n"
        "behind_cd03: ret\n");

static EXCEPTION_RECORD seen;
static ULONG64 seen_rip, resume_at;

static LONG CALLBACK look(EXCEPTION_POINTERS *p)
{
  seen = *p->ExceptionRecord;
  seen_rip = p->ContextRecord->Rip;
  p->ContextRecord->Rip = resume_at;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void fact_20_a_handler_sees_the_int3_itself(void)
{
  PVOID handle = RtlAddVectoredExceptionHandler(1, look);
  resume_at = (ULONG64)behind_int3;
  run_int3();
  CHECK_EQ(seen.ExceptionCode, 0x80000003);
  CHECK_EQ(seen.ExceptionAddress, at_int3);
  CHECK_EQ(seen_rip, at_int3);
  CHECK_EQ(seen.NumberParameters, 1);
  CHECK_EQ(seen.ExceptionInformation[0], 0);
  RtlRemoveVectoredExceptionHandler(handle);
}

static void fact_21_of_cd03_a_handler_sees_its_second_byte(void)
{
  PVOID handle = RtlAddVectoredExceptionHandler(1, look);
  resume_at = (ULONG64)behind_cd03;
  run_cd03();
  CHECK_EQ(seen.ExceptionCode, 0x80000003);
  CHECK_EQ(seen.ExceptionAddress, at_cd03 + 1);
  CHECK_EQ(seen_rip, at_cd03 + 1);
  RtlRemoveVectoredExceptionHandler(handle);
}

void check(void)
{
  the_first_is_called_first_and_the_last_last();
  a_handler_may_be_registered_twice();
  a_handler_may_remove_itself_and_others();
  there_may_be_many_handlers();
  vectored_continue_handlers_are_called();
  fact_20_a_handler_sees_the_int3_itself();
  fact_21_of_cd03_a_handler_sees_its_second_byte();
}
