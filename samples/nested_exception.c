/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nested_exception: an exception inside a filter.
 *
 * Look for: the second event comes while the first exception is still being dispatched. Its search walks over the frames
 * of the dispatcher (through the machine frame that KiUserExceptionDispatcher's unwind data describes) to the same
 * handlers; the inner __except inside the filter takes it, and the first search goes on. */
#include "sample.h"

static APART void raise(DWORD code) { RaiseException(code, 0, 0, NULL); }

static LONG filter(EXCEPTION_POINTERS *pointers)
{
  say("filter for %x\n", N(pointers->ExceptionRecord->ExceptionCode));
  __try {
    raise(0xE0000002);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    say("handled inside the filter: %x\n", N((DWORD)GetExceptionCode()));
  }
  return EXCEPTION_EXECUTE_HANDLER;
}

int start(void)
{
  __try {
    raise(0xE0000001);
  } __except (filter(GetExceptionInformation())) {
    say("handled: %x\n", N((DWORD)GetExceptionCode()));
  }
  return 0;
}
