/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug_string: texts for the debugger.
 *
 * Look for: OUTPUT_DEBUG_STRING is an exception in disguise (40010006: length with the NUL, pointer). The wide function
 * raises the wide form 4001000A first, and the narrow one when that was not handled (fact 27). GetLastError is as before. */
#include "sample.h"

int start(void)
{
  SetLastError(1234);
  OutputDebugStringA("narrow");
  OutputDebugStringW(L"wide");
  say("last error is %u\n", N(GetLastError()));
  return 0;
}
