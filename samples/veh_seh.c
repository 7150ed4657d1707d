/* SPDX-License-Identifier: GPL-2.0-or-later */
/* veh_seh: who is asked first.
 *
 * Look for: one event for each raise; then vectored handlers before frame handlers, the first added with 1 before the
 * others, frame handlers from the inside out, and continue handlers when somebody continued (fact 17). */
#include "sample.h"

static LONG CALLBACK last_vectored(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  say("  second vectored handler\n");
  return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK first_vectored(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  say("  first vectored handler\n");
  return EXCEPTION_CONTINUE_SEARCH;
}

static LONG CALLBACK on_continue(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  say("  continue handler\n");
  return EXCEPTION_CONTINUE_SEARCH;
}

static LONG filter(const char *which, LONG answer)
{
  say("  %s filter\n", which);
  return answer;
}

static APART void raise(DWORD code) { RaiseException(code, 0, 0, NULL); }

static APART void inner(LONG answer)
{
  __try {
    raise(0xE0000001);
    say("continued behind the raise\n");
  } __except (filter("inner", answer)) {
    say("inner handler\n");
  }
}

int start(void)
{
  AddVectoredExceptionHandler(0, last_vectored);
  AddVectoredExceptionHandler(1, first_vectored);
  AddVectoredContinueHandler(1, on_continue);
  __try {
    say("inner continues\n");
    inner(EXCEPTION_CONTINUE_EXECUTION);
    say("inner handles\n");
    inner(EXCEPTION_EXECUTE_HANDLER);
    say("inner passes\n");
    inner(EXCEPTION_CONTINUE_SEARCH);
  } __except (filter("outer", EXCEPTION_EXECUTE_HANDLER)) {
    say("outer handler\n");
  }
  return 0;
}
