/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernelbase.dll: kernel32 has the code here, so all exports but one forward to it. The one makes kernel32 load this DLL, as
 * programs expect to see it. */
#include "nt.h"

static const ULONG64 global_data[4];

__declspec(dllexport) const void *WINAPI KernelBaseGetGlobalData(void);
const void *WINAPI KernelBaseGetGlobalData(void) { return global_data; }
