/* SPDX-License-Identifier: GPL-2.0-or-later */
/* raise_exception: RaiseException with parameters, and one that may not be continued.
 *
 * Look for: the address lies in RaiseException, the parameters are the caller's. Continuing a noncontinuable exception
 * raises C0000025, STATUS_NONCONTINUABLE_EXCEPTION. */
#include "sample.h"

static APART void raise(DWORD code, DWORD flags)
{
  const ULONG_PTR parameters[] = {1, 0xABCD};
  RaiseException(code, flags, 2, parameters);
}

int start(void)
{
  __try {
    raise(0xE0000001, 0);
    say("continued\n");
  } __except (EXCEPTION_CONTINUE_EXECUTION) {
  }
  __try {
    raise(0xE0000002, EXCEPTION_NONCONTINUABLE);
  } __except ((DWORD)GetExceptionCode() == 0xE0000002 ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_EXECUTE_HANDLER) {
    say("handled: %x\n", N((DWORD)GetExceptionCode()));
  }
  return 0;
}
