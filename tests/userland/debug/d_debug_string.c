/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OutputDebugString (spec/5 fact 27), with a debugger, with a monitor, alone. */
#include "debuggee.h"

static BOOL is_string(DEBUGGEE *d, BOOL wide, WORD length)
{
  OUTPUT_DEBUG_STRING_INFO *info = &d->event.u.DebugString;
  return !info->fUnicode == !wide && info->nDebugStringLength == length;
}

static char first_character(DEBUGGEE *d)
{
  char c = 0;
  SIZE_T got;
  ReadProcessMemory(d->info.hProcess, d->event.u.DebugString.lpDebugStringData, &c, 1, &got);
  return c;
}

static void fact_27_output_debug_string_a_is_an_event_with_its_length(DEBUGGEE *d, BOOL ex)
{
  CHECK(run_to(d, OUTPUT_DEBUG_STRING_EVENT, ex));
  CHECK(is_string(d, FALSE, 7) && first_character(d) == 'n');
  CHECK(answer(d, DBG_CONTINUE));
}

static void fact_27_wait_for_debug_event_passes_over_the_wide_form(DEBUGGEE *d)
{
  CHECK(next_event(d, FALSE) == OUTPUT_DEBUG_STRING_EVENT);
  CHECK(is_string(d, FALSE, 5) && first_character(d) == 'w');
  CHECK(run_to_end(d) == 9);
}

static void fact_27_wait_for_debug_event_ex_shows_the_wide_form(DEBUGGEE *d)
{
  CHECK(next_event(d, TRUE) == OUTPUT_DEBUG_STRING_EVENT);
  CHECK(is_string(d, TRUE, 5) && first_character(d) == 'w');
  /* Handled: the narrow form does not follow. */
  CHECK(answer(d, DBG_CONTINUE) && next_event(d, TRUE) == EXIT_PROCESS_DEBUG_EVENT);
  run_to_end(d);
}

static void fact_27_a_wide_form_that_is_refused_is_followed_by_the_narrow(DEBUGGEE *d)
{
  CHECK(next_event(d, TRUE) == OUTPUT_DEBUG_STRING_EVENT && is_string(d, TRUE, 5));
  CHECK(answer(d, DBG_EXCEPTION_NOT_HANDLED));
  CHECK(next_event(d, TRUE) == OUTPUT_DEBUG_STRING_EVENT && is_string(d, FALSE, 5));
  CHECK(run_to_end(d) == 9);
}

static DWORD codes[8], parameters[8], count;

static LONG CALLBACK note(EXCEPTION_POINTERS *pointers)
{
  if (count < 8) {
    codes[count] = pointers->ExceptionRecord->ExceptionCode;
    parameters[count++] = pointers->ExceptionRecord->NumberParameters;
  }
  return EXCEPTION_CONTINUE_SEARCH;
}

static void fact_27_output_debug_string_w_raises_wide_first(void)
{
  PVOID handler = AddVectoredExceptionHandler(1, note);
  OutputDebugStringW(L"x");
  RemoveVectoredExceptionHandler(handler);
  CHECK(count == 2);
  CHECK(codes[0] == 0x4001000A && parameters[0] == 4);
  CHECK(codes[1] == 0x40010006 && parameters[1] == 2);
}

static void fact_27_the_last_error_stays(void)
{
  SetLastError(1234);
  OutputDebugStringA("x");
  CHECK(GetLastError() == 1234);
  OutputDebugStringW(L"x");
  CHECK(GetLastError() == 1234);
}

/* The section of 4096 bytes: the process's id, the text. */
static void fact_27_a_monitor_gets_the_text_without_a_debugger(void)
{
  DEBUGGEE d;
  HANDLE ready = CreateEventA(NULL, FALSE, FALSE, "DBWIN_BUFFER_READY");
  HANDLE data = CreateEventA(NULL, FALSE, FALSE, "DBWIN_DATA_READY");
  HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4096, "DBWIN_BUFFER");
  struct {
    DWORD id;
    char text[4092];
  } *buffer = MapViewOfFile(section, FILE_MAP_READ, 0, 0, 0);
  CHECK(ready && data && buffer);
  CHECK(start_part("strings", 0, &d));
  CHECK(WaitForSingleObject(data, 100) == WAIT_TIMEOUT); /* nobody is ready */
  SetEvent(ready);
  CHECK(WaitForSingleObject(data, 1000) == WAIT_OBJECT_0);
  CHECK(buffer->id == d.info.dwProcessId && buffer->text[0] == 'n' && buffer->text[5] == 'w' && !buffer->text[6]);
  SetEvent(ready);
  CHECK(WaitForSingleObject(data, 1000) == WAIT_OBJECT_0);
  CHECK(buffer->text[0] == 'w' && !buffer->text[4]);
  HANDLE mutex = OpenMutexA(SYNCHRONIZE, FALSE, "DBWinMutex");
  CHECK(mutex != NULL);
  CHECK(WaitForSingleObject(d.info.hProcess, 1000) == WAIT_OBJECT_0);
  UnmapViewOfFile(buffer);
  CloseHandle(section);
  CloseHandle(ready);
  CloseHandle(data);
}

void checks(void)
{
  DEBUGGEE d;
  if (plays("strings")) {
    SetLastError(9);
    OutputDebugStringA("narrow");
    OutputDebugStringW(L"wide");
    ExitProcess(GetLastError());
  }
  CHECK(start_part("strings", DEBUG_ONLY_THIS_PROCESS, &d));
  fact_27_output_debug_string_a_is_an_event_with_its_length(&d, FALSE);
  fact_27_wait_for_debug_event_passes_over_the_wide_form(&d);
  CHECK(start_part("strings", DEBUG_ONLY_THIS_PROCESS, &d));
  fact_27_output_debug_string_a_is_an_event_with_its_length(&d, TRUE);
  fact_27_wait_for_debug_event_ex_shows_the_wide_form(&d);
  CHECK(start_part("strings", DEBUG_ONLY_THIS_PROCESS, &d));
  fact_27_output_debug_string_a_is_an_event_with_its_length(&d, TRUE);
  fact_27_a_wide_form_that_is_refused_is_followed_by_the_narrow(&d);
  fact_27_output_debug_string_w_raises_wide_first();
  fact_27_the_last_error_stays();
  fact_27_a_monitor_gets_the_text_without_a_debugger();
}
