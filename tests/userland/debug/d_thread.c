/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, their local storage, APCs, and lists of them (toolhelp). */
#include "../kernel32/check.h"
#include <tlhelp32.h>

static DWORD WINAPI add_one(LPVOID argument) { return (DWORD)(ULONG_PTR)argument + 1; }

static DWORD WINAPI leave(LPVOID argument) { ExitThread((DWORD)(ULONG_PTR)argument); }

static DWORD WINAPI sleep_alertably(LPVOID unused)
{
  (void)unused;
  return SleepEx(INFINITE, TRUE);
}

static DWORD end_of(HANDLE thread)
{
  DWORD code = 0;
  CHECK(WaitForSingleObject(thread, 1000) == WAIT_OBJECT_0 && GetExitCodeThread(thread, &code));
  CloseHandle(thread);
  return code;
}

static void beginning_and_end(void)
{
  DWORD id = 0, code = 0;
  HANDLE thread = CreateThread(NULL, 0, add_one, (LPVOID)41, CREATE_SUSPENDED, &id);
  CHECK(thread && GetThreadId(thread) == id && id != GetCurrentThreadId());
  CHECK(GetExitCodeThread(thread, &code) && code == STILL_ACTIVE);
  CHECK(SuspendThread(thread) == 1 && ResumeThread(thread) == 2 && ResumeThread(thread) == 1);
  CHECK(end_of(thread) == 42);
  CHECK(end_of(CreateThread(NULL, 0x20000, leave, (LPVOID)8, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL)) == 8);
  CHECK_ERROR(CreateThread(NULL, 0, add_one, NULL, 2, NULL), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(OpenThread(THREAD_ALL_ACCESS, FALSE, 0xFFFC), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(TerminateThread(NULL, 1), ERROR_INVALID_HANDLE);
  thread = CreateThread(NULL, 0, sleep_alertably, NULL, 0, NULL);
  Sleep(5);
  CHECK(TerminateThread(thread, 99) && end_of(thread) == 99);
}

static ULONG_PTR seen;
static VOID CALLBACK apc(ULONG_PTR data) { seen = data; }

static void apcs(void)
{
  /* Before the thread begins: it begins with the APC. */
  HANDLE thread = CreateThread(NULL, 0, add_one, NULL, CREATE_SUSPENDED, NULL);
  CHECK(QueueUserAPC(apc, thread, 12) && ResumeThread(thread) == 1);
  CHECK(end_of(thread) == 1 && seen == 12);
  thread = CreateThread(NULL, 0, sleep_alertably, NULL, 0, NULL);
  Sleep(5);
  CHECK(QueueUserAPC(apc, thread, 1234));
  CHECK(end_of(thread) == WAIT_IO_COMPLETION && seen == 1234);
  CHECK(QueueUserAPC(apc, GetCurrentThread(), 5));
  Sleep(0);
  CHECK(seen == 1234); /* not alertable */
  CHECK(SleepEx(1000, TRUE) == WAIT_IO_COMPLETION && seen == 5);
  CHECK(SleepEx(1, TRUE) == 0);
}

static DWORD index;
static DWORD WINAPI own_value(LPVOID unused)
{
  (void)unused;
  DWORD first = (DWORD)(ULONG_PTR)TlsGetValue(index);
  TlsSetValue(index, (LPVOID)3);
  return first + (DWORD)(ULONG_PTR)TlsGetValue(index);
}

static void thread_local_storage(void)
{
  static DWORD all[1200];
  DWORD count = 0;
  index = TlsAlloc();
  CHECK(index && index != TLS_OUT_OF_INDEXES && !TlsGetValue(index));
  CHECK(TlsSetValue(index, (LPVOID)7));
  CHECK(end_of(CreateThread(NULL, 0, own_value, NULL, 0, NULL)) == 3);
  SetLastError(5);
  CHECK(TlsGetValue(index) == (LPVOID)7 && GetLastError() == ERROR_SUCCESS);
  CHECK(TlsFree(index));
  CHECK_ERROR(TlsFree(index), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(TlsFree(0), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(TlsSetValue(1088, NULL), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(TlsGetValue(1088) != NULL, ERROR_INVALID_PARAMETER);
  while (count < 1200 && (all[count] = TlsAlloc()) != TLS_OUT_OF_INDEXES)
    count++;
  CHECK(GetLastError() == ERROR_NO_MORE_ITEMS && count > 1000 && count < 1088);
  CHECK(!TlsGetValue(all[count - 1]) && TlsSetValue(all[count - 1], (LPVOID)9));
  CHECK(TlsGetValue(all[count - 1]) == (LPVOID)9);
  while (count)
    CHECK(TlsFree(all[--count]));
  /* A freed index comes back empty. */
  CHECK(!TlsGetValue(TlsAlloc()));
}

static int ended_values;
static VOID WINAPI end_of_value(PVOID value) { ended_values += (int)(ULONG_PTR)value; }
static DWORD WINAPI set_and_end(LPVOID fls) { return FlsSetValue((DWORD)(ULONG_PTR)fls, (PVOID)20); }

static void fiber_local_storage(void)
{
  DWORD fls = FlsAlloc(end_of_value);
  CHECK(fls != FLS_OUT_OF_INDEXES && !FlsGetValue(fls) && GetLastError() == ERROR_SUCCESS);
  CHECK(FlsSetValue(fls, (PVOID)1) && FlsGetValue(fls) == (PVOID)1);
  CHECK(end_of(CreateThread(NULL, 0, set_and_end, (LPVOID)(ULONG_PTR)fls, 0, NULL)) == TRUE);
  CHECK(ended_values == 20); /* the thread's end ends its value */
  CHECK(FlsFree(fls) && ended_values == 21);
  CHECK_ERROR(FlsFree(fls), ERROR_INVALID_PARAMETER);
}

static void priorities(void)
{
  CHECK(GetThreadPriority(GetCurrentThread()) == THREAD_PRIORITY_NORMAL);
  CHECK(SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST));
  CHECK_ERROR(SetThreadPriority(NULL, THREAD_PRIORITY_NORMAL), ERROR_INVALID_HANDLE);
  CHECK(GetPriorityClass(GetCurrentProcess()) == NORMAL_PRIORITY_CLASS);
  CHECK_ERROR(SetPriorityClass(GetCurrentProcess(), 1), ERROR_INVALID_PARAMETER);
}

static void stack_guarantee(void)
{
  ULONG size = 0;
  CHECK(SetThreadStackGuarantee(&size) && size == 0);
  size = 0x3001;
  CHECK(SetThreadStackGuarantee(&size) && size == 0);
  size = 0;
  CHECK(SetThreadStackGuarantee(&size) && size == 0x4000);
}

static BOOL same(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static void toolhelp_snapshots(void)
{
  PROCESSENTRY32 process = {.dwSize = sizeof process};
  THREADENTRY32 thread = {.dwSize = sizeof thread};
  MODULEENTRY32 module = {.dwSize = sizeof module};
  static const char *const order[] = {"d_thread.exe", "ntdll.dll", "kernel32.dll", "kernelbase.dll"};
  int own_threads = 0, found = 0, modules = 0;
  HANDLE sleeper = CreateThread(NULL, 0, sleep_alertably, NULL, 0, NULL);
  HANDLE h = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD | TH32CS_SNAPMODULE, 0);
  CHECK(h != INVALID_HANDLE_VALUE);
  Sleep(5);
  for (BOOL more = Process32First(h, &process); more; more = Process32Next(h, &process))
    if (process.th32ProcessID == GetCurrentProcessId()) {
      found++;
      CHECK(process.cntThreads == 2 && same(process.szExeFile, "d_thread.exe"));
    }
  CHECK(found == 1 && GetLastError() == ERROR_NO_MORE_FILES);
  for (BOOL more = Thread32First(h, &thread); more; more = Thread32Next(h, &thread))
    own_threads += thread.th32OwnerProcessID == GetCurrentProcessId();
  CHECK(own_threads == 2);
  for (BOOL more = Module32First(h, &module); more; more = Module32Next(h, &module)) {
    CHECK(modules < 4 && same(module.szModule, order[modules]));
    CHECK(modules || module.hModule == GetModuleHandleA(NULL));
    modules++;
  }
  CHECK(modules == 4);
  process.dwSize = 8;
  CHECK_ERROR(Process32First(h, &process), ERROR_BAD_LENGTH);
  CloseHandle(h);
  CHECK_ERROR(CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0xFFFC) != INVALID_HANDLE_VALUE, ERROR_INVALID_PARAMETER);
  QueueUserAPC(apc, sleeper, 0);
  end_of(sleeper);
}

void checks(void)
{
  beginning_and_end();
  apcs();
  thread_local_storage();
  fiber_local_storage();
  priorities();
  stack_guarantee();
  toolhelp_snapshots();
}
