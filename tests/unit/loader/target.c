/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that has one of everything a loader reads: imports, exports (one a forwarder), TLS callbacks, relocations,
 * a shared section, zero-filled data and a debug directory. It is parsed by the tests, never run. */
#include <stdio.h>
#include <windows.h>

__declspec(dllexport) int target_value = 7;
__declspec(dllexport) int target_add(int a, int b) { return a + b + target_value; }

int target_shared __attribute__((section("shared"), shared)) = 3;
static char zero_filled[0x5000];
static int *const pointer_to_value = &target_value;

static void NTAPI on_tls(PVOID module, DWORD reason, PVOID reserved)
{
  (void)module;
  (void)reserved;
  zero_filled[reason & 3]++;
}
PIMAGE_TLS_CALLBACK target_tls __attribute__((section(".CRT$XLF"), used)) = on_tls;

int main(void)
{
  printf("%d %d %d\n", target_add(1, *pointer_to_value), zero_filled[1], target_shared);
  return 0;
}
