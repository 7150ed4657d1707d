/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One DLL of the loader's tests; PART names it, the other macros say what it has. It tells of each call of its entry. */
#include "ntdll.h"

#ifdef NEEDS
__declspec(dllimport) int NEEDS(void);
#endif
#ifdef NEEDS_2
__declspec(dllimport) int NEEDS_2(void);
#endif

static int value = VALUE;
static int *const pointer = &value; /* needs a base relocation */

#ifdef TLS
ULONG _tls_index;
static int tls_template = 77;
const IMAGE_TLS_DIRECTORY64 _tls_used = {(ULONG_PTR)&tls_template, (ULONG_PTR)(&tls_template + 1), (ULONG_PTR)&_tls_index,
                                         0, 8, 0};
__declspec(dllexport) int *tls_variable(void)
{
  return NtCurrentTeb()->ThreadLocalStoragePointer[_tls_index];
}
#endif

BOOL WINAPI start(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
  static const char *const reasons[] = {"detach", "attach", "thread attach", "thread detach"};
  (void)instance;
  DbgPrintEx(101, 0, PART " %s%s", reasons[reason & 3], reason < 2 && reserved ? " with process" : "");
#ifdef REFUSES
  return reason != DLL_PROCESS_ATTACH;
#else
  return TRUE;
#endif
}

__declspec(dllexport) int FUNCTION(void);
int FUNCTION(void)
{
  int result = *pointer;
#ifdef NEEDS
  result += NEEDS();
#endif
#ifdef NEEDS_2
  int (*volatile needed)(void) = NEEDS_2; /* an import, without a call */
  result += needed ? 0 : 1;
#endif
  return result;
}
