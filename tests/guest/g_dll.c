/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The DLL that g_load_dll loads; its entry does nothing. */
#include <dbgksim/nttypes.h>

BOOLEAN entry(void *base, ULONG reason, void *reserved);
__declspec(dllexport) ULONG dll_answer(void);

static ULONG answer = 42;
ULONG *volatile answer_pointer = &answer; /* an absolute address: it is right only after relocation */

BOOLEAN entry(void *base, ULONG reason, void *reserved)
{
  (void)base, (void)reason, (void)reserved;
  return TRUE;
}

__declspec(dllexport) ULONG dll_answer(void) { return *answer_pointer; }
