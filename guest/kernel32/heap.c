/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heaps: what is not ntdll's alone. */
#include "kernel32p.h"

HANDLE WINAPI GetProcessHeap(void) { return NtCurrentPeb()->ProcessHeap; }

BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID block) { return RtlFreeHeap(heap, flags, block) != 0; }
