/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What test_differences.c looks for; the command line's last letter says which. Exceptions of its own are skipped by a
 * vectored handler that notes their code. */
#include "ntdll.h"

static ULONG skip, seen_code;
static ULONG_PTR seen_address;
extern const char icebp_end[];

static LONG NTAPI skip_it(EXCEPTION_POINTERS *pointers)
{
  seen_code = pointers->ExceptionRecord->ExceptionCode;
  seen_address = (ULONG_PTR)pointers->ExceptionRecord->ExceptionAddress;
  pointers->ContextRecord->Rip += skip;
  return EXCEPTION_CONTINUE_EXECUTION;
}

static LONG NTAPI continued(EXCEPTION_POINTERS *pointers)
{
  (void)pointers;
  OutputDebugStringA("continue handler");
  return EXCEPTION_CONTINUE_SEARCH;
}

static void number(ULONG64 value) { DbgPrintEx(101, 0, "%I64x", value); }

static void NTAPI callback(PVOID module, DWORD reason, PVOID reserved)
{
  (void)module, (void)reserved;
  if (reason == DLL_PROCESS_ATTACH)
    OutputDebugStringA("tls callback");
}

ULONG _tls_index;
static const PIMAGE_TLS_CALLBACK callbacks[] = {callback, NULL};
const IMAGE_TLS_DIRECTORY64 _tls_used = {0, 0, (ULONG_PTR)&_tls_index, (ULONG_PTR)callbacks, 0, 0};

static ULONG NTAPI hidden(PVOID argument)
{
  (void)argument;
  NtSetInformationThread(NtCurrentThread(), 17 /* ThreadHideFromDebugger */, NULL, 0);
  skip = 1;
  __asm__ volatile("int3");
  return 0;
}

static ULONG code_of(int which)
{
  seen_code = 0;
  switch (which) {
  case 0:
    skip = 2; /* idiv ecx */
    __asm__ volatile("idiv %%ecx" : : "a"(0x80000000), "d"(0xFFFFFFFF), "c"(0xFFFFFFFF));
    break;
  case 1:
    skip = 2;
    __asm__ volatile("rdmsr" : : "c"(0x10) : "rax", "rdx");
    break;
  case 2:
    skip = 2;
    __asm__ volatile("int $0x80");
    break;
  case 3:
    skip = 2;
    __asm__ volatile("int $0x2e");
    break;
  }
  return seen_code;
}

void __attribute__((noreturn)) start(void)
{
  UNICODE_STRING *line = &NtCurrentPeb()->ProcessParameters->CommandLine;
  PVOID handler = RtlAddVectoredExceptionHandler(1, skip_it);
  HANDLE handle;
  switch (line->Buffer[line->Length / 2 - 1]) {
  case 'b': /* PEB.BeingDebugged */
    NtCurrentPeb()->BeingDebugged = FALSE;
    skip = 1;
    __asm__ volatile("int3");
    break;
  case 'c': /* a hidden thread */
    RtlCreateUserThread(NtCurrentProcess(), NULL, FALSE, 0, 0, 0, hidden, NULL, &handle, NULL);
    NtWaitForSingleObject(handle, FALSE, NULL);
    break;
  case 'd': /* flags of the heap */
    number(NtCurrentPeb()->NtGlobalFlag);
    number(*(ULONG *)((UCHAR *)NtCurrentPeb()->ProcessHeap + 0x70));
    number(*(ULONG *)((UCHAR *)NtCurrentPeb()->ProcessHeap + 0x74));
    break;
  case 'e': /* a protected handle */
    handle = CreateEventW(NULL, TRUE, FALSE, NULL);
    SetHandleInformation(handle, HANDLE_FLAG_PROTECT_FROM_CLOSE, HANDLE_FLAG_PROTECT_FROM_CLOSE);
    skip = 0;
    NtClose(handle);
    break;
  case 'f': /* data files */
    number((ULONG_PTR)LoadLibraryExW(L"C:\\windows\\system32\\kernelbase.dll", NULL, LOAD_LIBRARY_AS_DATAFILE) & 3);
    break;
  case 'i': /* codes */
    for (int which = 0; which < 4; which++)
      number(code_of(which));
    break;
  case 'j': /* wide strings */
    OutputDebugStringW(L"wide");
    break;
  case 'k': /* continue handlers */
    RtlRemoveVectoredExceptionHandler(handler);
    RtlAddVectoredExceptionHandler(1, skip_it);
    RtlAddVectoredContinueHandler(1, continued);
    skip = 1;
    __asm__ volatile("int3");
    break;
  case 'm': /* KUSER_SHARED_DATA.SystemCall */
    number(*(volatile ULONG *)(USER_SHARED_DATA + 0x308));
    break;
  case 'n': /* ICEBP */
    skip = 0;
    __asm__ volatile(".byte 0xF1\nicebp_end:");
    number(seen_address - (ULONG_PTR)icebp_end);
    break;
  case 'z':
    NtDelayExecution(FALSE, &(LARGE_INTEGER){.QuadPart = -1000000});
    break;
  }
  RtlExitUserProcess(3);
}
