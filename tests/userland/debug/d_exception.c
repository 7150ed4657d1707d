/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RaiseException, filters of last resort, error modes, DbgPrint (spec/5 facts 16, 17, 20, 26). */
#include "debuggee.h"
#include "ntdll.h"

static DWORD end_code(const char *part)
{
  DEBUGGEE d;
  DWORD code = 0;
  CHECK(start_part(part, 0, &d));
  CHECK(WaitForSingleObject(d.info.hProcess, 1000) == WAIT_OBJECT_0 && GetExitCodeProcess(d.info.hProcess, &code));
  return code;
}

static LONG WINAPI end_with_two(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  ExitProcess(2);
}

static LONG WINAPI continue_behind(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG WINAPI pass(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  return EXCEPTION_CONTINUE_SEARCH;
}

static void fact_16_nobody_handles_it_and_the_code_is_the_exit_code(void)
{
  CHECK(end_code("unhandled") == 0xE0000001);
  CHECK(end_code("filter_passes") == 0xE0000001);
  CHECK(end_code("no_box") == 0xE0000001);
}

static void fact_17_the_programs_filter_is_asked_without_a_debugger(void)
{
  CHECK(end_code("filter_ends") == 2);
  CHECK(end_code("filter_continues") == 3);
}

static void fact_17_under_a_debugger_the_second_chance_comes_and_no_filter(void)
{
  DEBUGGEE d;
  CHECK(start_part("filter_ends", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(run_to(&d, EXCEPTION_DEBUG_EVENT, FALSE) && answer(&d, DBG_CONTINUE));
  CHECK(next_event(&d, FALSE) == EXCEPTION_DEBUG_EVENT && d.event.u.Exception.dwFirstChance);
  CHECK(d.event.u.Exception.ExceptionRecord.ExceptionCode == 0xE0000001);
  CHECK(answer(&d, DBG_EXCEPTION_NOT_HANDLED));
  CHECK(next_event(&d, FALSE) == EXCEPTION_DEBUG_EVENT && !d.event.u.Exception.dwFirstChance);
  CHECK(answer(&d, DBG_EXCEPTION_NOT_HANDLED));
  CHECK(next_event(&d, FALSE) == EXIT_PROCESS_DEBUG_EVENT && d.event.u.ExitProcess.dwExitCode == 0xE0000001);
  run_to_end(&d);
}

static EXCEPTION_RECORD last;
static LONG CALLBACK note(EXCEPTION_POINTERS *pointers)
{
  last = *pointers->ExceptionRecord;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static void raise_exception_and_its_record(void)
{
  ULONG_PTR arguments[20] = {1, 2, 3};
  PVOID handler = AddVectoredExceptionHandler(1, note);
  RaiseException(0xE0000010, 0, 3, arguments);
  CHECK(last.ExceptionCode == 0xE0000010 && !last.ExceptionFlags && last.NumberParameters == 3);
  CHECK(last.ExceptionInformation[2] == 3 && !last.ExceptionRecord);
  RaiseException(0xE0000011, 0, 20, arguments);
  CHECK(last.NumberParameters == EXCEPTION_MAXIMUM_PARAMETERS);
  RaiseException(0xE0000012, 0, 5, NULL);
  CHECK(last.NumberParameters == 0);
  CHECK(RemoveVectoredExceptionHandler(handler) && !RemoveVectoredExceptionHandler(handler));
}

static void error_modes(void)
{
  DWORD before = 9;
  CHECK(SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) == 0);
  CHECK(GetErrorMode() == (SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX));
  CHECK(SetErrorMode(0) == (SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) && GetErrorMode() == 0);
  CHECK(SetThreadErrorMode(SEM_FAILCRITICALERRORS, &before) && before == 0);
  CHECK(GetThreadErrorMode() == SEM_FAILCRITICALERRORS);
  CHECK_ERROR(SetThreadErrorMode(0x10, NULL), ERROR_INVALID_PARAMETER);
  CHECK(SetUnhandledExceptionFilter(pass) == NULL && SetUnhandledExceptionFilter(NULL) == pass);
}

/* The debugger hears of text that the filter lets through, formatted. */
static void dbg_print_under_a_debugger(void)
{
  DEBUGGEE d;
  char text[64] = {0};
  static const char expected[] = "n=-7 00ff 0X1F    ab|ab   |wide 123456789abc %";
  SIZE_T got;
  CHECK(start_part("print", DEBUG_ONLY_THIS_PROCESS, &d));
  CHECK(run_to(&d, OUTPUT_DEBUG_STRING_EVENT, FALSE));
  CHECK(d.event.u.DebugString.nDebugStringLength == sizeof expected);
  CHECK(ReadProcessMemory(d.info.hProcess, d.event.u.DebugString.lpDebugStringData, text, sizeof expected, &got));
  for (unsigned i = 0; i < sizeof expected; i++)
    CHECK(text[i] == expected[i]);
  CHECK(run_to_end(&d) == 4);
}

static __attribute__((noinline)) USHORT trace_here(PVOID frames[8])
{
  USHORT count = RtlCaptureStackBackTrace(0, 8, frames, NULL);
  __asm__ volatile("" : : : "memory");
  return count;
}

static void stack_back_traces(void)
{
  PVOID frames[8] = {0};
  USHORT count = trace_here(frames);
  CHECK(count >= 3);
  ULONG64 own = (ULONG64)trace_here, first = (ULONG64)frames[0];
  CHECK(first > own && first < own + 0x80);
}

static void play(void)
{
  if (plays("filter_ends"))
    SetUnhandledExceptionFilter(end_with_two);
  if (plays("filter_continues"))
    SetUnhandledExceptionFilter(continue_behind);
  if (plays("filter_passes"))
    SetUnhandledExceptionFilter(pass);
  if (plays("no_box"))
    SetErrorMode(SEM_NOGPFAULTERRORBOX);
  if (plays("print")) {
    DbgPrintEx(101, 0, "n=%d %04x %#X %5s|%-5s|%ws %I64x %%", -7, 0xFF, 0x1F, "ab", "ab", L"wide", 0x123456789abcull);
    ExitProcess(4);
  }
  if (*word()) {
    RaiseException(0xE0000001, 0, 0, NULL);
    ExitProcess(3);
  }
}

void checks(void)
{
  play();
  fact_16_nobody_handles_it_and_the_code_is_the_exit_code();
  fact_17_the_programs_filter_is_asked_without_a_debugger();
  fact_17_under_a_debugger_the_second_chance_comes_and_no_filter();
  raise_exception_and_its_record();
  error_modes();
  dbg_print_under_a_debugger();
  stack_back_traces();
}
