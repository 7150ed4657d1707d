/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual memory, and the functions that try whether memory can be reached. */
#include "kernel32p.h"

LPVOID WINAPI VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type, DWORD protection)
{
  PVOID base = address;
  /* The null page and what lies below one unit of allocation can not be asked for. */
  if (base && (ULONG_PTR)base < 0x10000) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  NTSTATUS status = NtAllocateVirtualMemory(process, &base, 0, &size, type & ~0x7Fu, protection);
  return BaseSetLastNTError(status) ? base : NULL;
}

LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protection)
{
  return VirtualAllocEx(NtCurrentProcess(), address, size, type, protection);
}

BOOL WINAPI VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type)
{
  if ((type & MEM_RELEASE) && size)
    return base_fail(ERROR_INVALID_PARAMETER);
  return BaseSetLastNTError(NtFreeVirtualMemory(process, &address, &size, type));
}

BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type)
{
  return VirtualFreeEx(NtCurrentProcess(), address, size, type);
}

BOOL WINAPI VirtualProtectEx(HANDLE process, LPVOID address, SIZE_T size, DWORD protection, DWORD *old)
{
  return BaseSetLastNTError(NtProtectVirtualMemory(process, &address, &size, protection, old));
}

BOOL WINAPI VirtualProtect(LPVOID address, SIZE_T size, DWORD protection, DWORD *old)
{
  return VirtualProtectEx(NtCurrentProcess(), address, size, protection, old);
}

SIZE_T WINAPI VirtualQueryEx(HANDLE process, LPCVOID address, PMEMORY_BASIC_INFORMATION information, SIZE_T size)
{
  SIZE_T length = 0;
  NTSTATUS status = NtQueryVirtualMemory(process, address, 0 /* MemoryBasicInformation */, information, size, &length);
  return BaseSetLastNTError(status) ? length : 0;
}

SIZE_T WINAPI VirtualQuery(LPCVOID address, PMEMORY_BASIC_INFORMATION information, SIZE_T size)
{
  return VirtualQueryEx(NtCurrentProcess(), address, information, size);
}

BOOL WINAPI VirtualLock(LPVOID address, SIZE_T size)
{
  return BaseSetLastNTError(NtLockVirtualMemory(NtCurrentProcess(), &address, &size, 1 /* in the process */));
}

BOOL WINAPI VirtualUnlock(LPVOID address, SIZE_T size)
{
  return BaseSetLastNTError(NtUnlockVirtualMemory(NtCurrentProcess(), &address, &size, 1));
}

/* The accesses lie in functions of their own: only calls are covered by __try. */
static __attribute__((noinline)) void touch_reading(const volatile UCHAR *address) { (void)*address; }
static __attribute__((noinline)) void touch_writing(volatile UCHAR *address) { *address = *address; }

/* Touches the first and the last byte of a range, and one in each page between. */
static __attribute__((noinline)) void touch_range(UCHAR *first, SIZE_T size, BOOL writing)
{
  UCHAR *last = first + size - 1;
  for (UCHAR *p = first;; p = (UCHAR *)((ULONG_PTR)p | 0xFFF) + 1) {
    if (p > last)
      p = last;
    if (writing)
      touch_writing(p);
    else
      touch_reading(p);
    if (p == last || ((ULONG_PTR)p | 0xFFF) >= (ULONG_PTR)last)
      break;
  }
}

static BOOL is_bad(const void *address, SIZE_T size, BOOL writing)
{
  BOOL bad = FALSE;
  if (!size)
    return FALSE;
  if (!address || (ULONG_PTR)address + size - 1 < (ULONG_PTR)address)
    return TRUE;
  __try {
    touch_range((UCHAR *)address, size, writing);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    bad = TRUE;
  }
  return bad;
}

BOOL WINAPI IsBadReadPtr(const void *address, UINT_PTR size) { return is_bad(address, size, FALSE); }
BOOL WINAPI IsBadWritePtr(LPVOID address, UINT_PTR size) { return is_bad(address, size, TRUE); }
BOOL WINAPI IsBadHugeReadPtr(const void *address, UINT_PTR size) { return is_bad(address, size, FALSE); }
BOOL WINAPI IsBadHugeWritePtr(LPVOID address, UINT_PTR size) { return is_bad(address, size, TRUE); }
BOOL WINAPI IsBadCodePtr(FARPROC routine) { return is_bad((const void *)(ULONG_PTR)routine, 1, FALSE); }

static __attribute__((noinline)) void read_string(const volatile UCHAR *text, SIZE_T size, ULONG width)
{
  for (; size--; text += width)
    if (!(text[0] | (width == 2 ? text[1] : 0)))
      return;
}

static BOOL is_bad_string(const void *text, SIZE_T size, ULONG width)
{
  BOOL bad = FALSE;
  if (!size)
    return FALSE;
  if (!text)
    return TRUE;
  __try {
    read_string(text, size, width);
  } __except (EXCEPTION_EXECUTE_HANDLER) {
    bad = TRUE;
  }
  return bad;
}

BOOL WINAPI IsBadStringPtrA(LPCSTR text, UINT_PTR size) { return is_bad_string(text, size, 1); }
BOOL WINAPI IsBadStringPtrW(LPCWSTR text, UINT_PTR size) { return is_bad_string(text, size, 2); }
