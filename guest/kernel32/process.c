/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that exist: opening, asking, ending them. Creation is in create_process.c. */
#include "kernel32p.h"
#include "nt_process.h"

HANDLE WINAPI GetCurrentProcess(void) { return NtCurrentProcess(); }
DWORD WINAPI GetCurrentProcessId(void) { return (DWORD)(ULONG_PTR)NtCurrentTeb()->ClientId.UniqueProcess; }

HANDLE WINAPI OpenProcess(DWORD access, BOOL inherit, DWORD process_id)
{
  OBJECT_ATTRIBUTES attributes;
  CLIENT_ID id = {(HANDLE)(ULONG_PTR)process_id, NULL};
  HANDLE process;
  InitializeObjectAttributes(&attributes, NULL, inherit ? OBJ_INHERIT : 0, NULL, NULL);
  NTSTATUS status = NtOpenProcess(&process, access, &attributes, &id);
  /* An id of no process is a wrong argument here. */
  if (status == STATUS_INVALID_CID) {
    base_fail(ERROR_INVALID_PARAMETER);
    return NULL;
  }
  return BaseSetLastNTError(status) ? process : NULL;
}

BOOL WINAPI TerminateProcess(HANDLE process, UINT code)
{
  return process ? BaseSetLastNTError(NtTerminateProcess(process, (NTSTATUS)code)) : base_fail(ERROR_INVALID_HANDLE);
}

static BOOL query(HANDLE process, ULONG class, PVOID information, ULONG size)
{
  return BaseSetLastNTError(NtQueryInformationProcess(process, class, information, size, NULL));
}

BOOL WINAPI GetExitCodeProcess(HANDLE process, LPDWORD code)
{
  PROCESS_BASIC_INFORMATION basic;
  if (!query(process, ProcessBasicInformation, &basic, sizeof basic))
    return FALSE;
  *code = (DWORD)basic.ExitStatus;
  return TRUE;
}

DWORD WINAPI GetProcessId(HANDLE process)
{
  PROCESS_BASIC_INFORMATION basic;
  return query(process, ProcessBasicInformation, &basic, sizeof basic) ? (DWORD)(ULONG_PTR)basic.UniqueProcessId : 0;
}

BOOL WINAPI IsWow64Process(HANDLE process, PBOOL wow64)
{
  ULONG_PTR peb32;
  if (!query(process, ProcessWow64Information, &peb32, sizeof peb32))
    return FALSE;
  *wow64 = peb32 != 0;
  return TRUE;
}

BOOL WINAPI GetProcessTimes(HANDLE process, LPFILETIME creation, LPFILETIME end, LPFILETIME kernel, LPFILETIME user)
{
  KERNEL_USER_TIMES times;
  if (!query(process, ProcessTimes, &times, sizeof times))
    return FALSE;
  memcpy(creation, &times.CreateTime, sizeof *creation);
  memcpy(end, &times.ExitTime, sizeof *end);
  memcpy(kernel, &times.KernelTime, sizeof *kernel);
  memcpy(user, &times.UserTime, sizeof *user);
  return TRUE;
}

BOOL WINAPI GetProcessHandleCount(HANDLE process, PDWORD count)
{
  return query(process, ProcessHandleCount, count, sizeof *count);
}

BOOL WINAPI GetProcessAffinityMask(HANDLE process, PDWORD_PTR process_mask, PDWORD_PTR system_mask)
{
  PROCESS_BASIC_INFORMATION basic;
  if (!query(process, ProcessBasicInformation, &basic, sizeof basic))
    return FALSE;
  *process_mask = basic.AffinityMask;
  *system_mask = basic.AffinityMask;
  return TRUE;
}

BOOL WINAPI SetProcessAffinityMask(HANDLE process, DWORD_PTR mask)
{
  return BaseSetLastNTError(NtSetInformationProcess(process, ProcessAffinityMask, &mask, sizeof mask));
}

/* ---- priority classes ---- */

/* By the kernel's number of the class. */
static const DWORD priority_classes[] = {0,
                                         IDLE_PRIORITY_CLASS,
                                         NORMAL_PRIORITY_CLASS,
                                         HIGH_PRIORITY_CLASS,
                                         REALTIME_PRIORITY_CLASS,
                                         BELOW_NORMAL_PRIORITY_CLASS,
                                         ABOVE_NORMAL_PRIORITY_CLASS};
#define PRIORITY_CLASSES (sizeof priority_classes / sizeof priority_classes[0])

typedef struct {
  BOOLEAN Foreground;
  UCHAR PriorityClass;
} PROCESS_PRIORITY_CLASS;

DWORD WINAPI GetPriorityClass(HANDLE process)
{
  PROCESS_PRIORITY_CLASS information;
  if (!query(process, ProcessPriorityClass, &information, sizeof information))
    return 0;
  return information.PriorityClass < PRIORITY_CLASSES ? priority_classes[information.PriorityClass] : 0;
}

BOOL WINAPI SetPriorityClass(HANDLE process, DWORD class)
{
  for (UCHAR i = 1; i < PRIORITY_CLASSES; i++)
    if (priority_classes[i] == class) {
      PROCESS_PRIORITY_CLASS information = {FALSE, i};
      return BaseSetLastNTError(
          NtSetInformationProcess(process, ProcessPriorityClass, &information, sizeof information));
    }
  return base_fail(ERROR_INVALID_PARAMETER);
}

/* ---- the image's name ---- */

#define IMAGE_NAME_SIZE (sizeof(UNICODE_STRING) + 0x10000)

BOOL WINAPI QueryFullProcessImageNameW(HANDLE process, DWORD flags, LPWSTR name, PDWORD size)
{
  ULONG class = flags & PROCESS_NAME_NATIVE ? ProcessImageFileName : ProcessImageFileNameWin32;
  if (flags & ~(DWORD)PROCESS_NAME_NATIVE)
    return base_fail(ERROR_INVALID_PARAMETER);
  UNICODE_STRING *text = base_allocate(IMAGE_NAME_SIZE);
  if (!text)
    return FALSE;
  BOOL result = query(process, class, text, IMAGE_NAME_SIZE);
  DWORD length = result ? text->Length / sizeof(WCHAR) : 0;
  if (result && length >= *size)
    result = base_fail(ERROR_INSUFFICIENT_BUFFER);
  if (result) {
    memcpy(name, text->Buffer, length * sizeof(WCHAR));
    name[length] = 0;
    *size = length;
  }
  base_free(text);
  return result;
}

BOOL WINAPI QueryFullProcessImageNameA(HANDLE process, DWORD flags, LPSTR name, PDWORD size)
{
  PWSTR wide = base_allocate(*size * sizeof(WCHAR));
  BOOL result = wide && QueryFullProcessImageNameW(process, flags, wide, size);
  if (result)
    base_narrow_fill(wide, *size, name, *size + 1);
  base_free(wide);
  return result;
}

/* ---- what the process was started with ---- */

LPWSTR WINAPI GetCommandLineW(void) { return NtCurrentPeb()->ProcessParameters->CommandLine.Buffer; }

LPSTR WINAPI GetCommandLineA(void)
{
  static PSTR line;
  PSTR narrow, expected = NULL, kept = __atomic_load_n(&line, __ATOMIC_ACQUIRE);
  if (kept || !base_narrow_copy(GetCommandLineW(), &narrow))
    return kept;
  if (__atomic_compare_exchange_n(&line, &expected, narrow, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return narrow;
  base_free(narrow);
  return expected;
}

void WINAPI GetStartupInfoW(LPSTARTUPINFOW info)
{
  PRTL_USER_PROCESS_PARAMETERS p = NtCurrentPeb()->ProcessParameters;
  *info = (STARTUPINFOW){.cb = sizeof *info,
                         .lpReserved = p->ShellInfo.Buffer,
                         .lpDesktop = p->DesktopInfo.Buffer,
                         .lpTitle = p->WindowTitle.Buffer,
                         .dwX = p->StartingX,
                         .dwY = p->StartingY,
                         .dwXSize = p->CountX,
                         .dwYSize = p->CountY,
                         .dwXCountChars = p->CountCharsX,
                         .dwYCountChars = p->CountCharsY,
                         .dwFillAttribute = p->FillAttribute,
                         .dwFlags = p->WindowFlags,
                         .wShowWindow = (WORD)p->ShowWindowFlags,
                         .cbReserved2 = p->RuntimeData.Length,
                         .lpReserved2 = (LPBYTE)p->RuntimeData.Buffer};
  if (info->dwFlags & STARTF_USESTDHANDLES) {
    info->hStdInput = p->StandardInput;
    info->hStdOutput = p->StandardOutput;
    info->hStdError = p->StandardError;
  }
}

void WINAPI GetStartupInfoA(LPSTARTUPINFOA info)
{
  static PSTR desktop, title;
  STARTUPINFOW wide;
  GetStartupInfoW(&wide);
  if (!title)
    base_narrow_copy(wide.lpTitle, &title);
  if (!desktop)
    base_narrow_copy(wide.lpDesktop, &desktop);
  memcpy(info, &wide, sizeof *info);
  info->lpReserved = NULL;
  info->lpDesktop = desktop;
  info->lpTitle = title;
}

/* ProcessPriorityBoost */
#define PRIORITY_BOOST 0x16u

WINBOOL WINAPI SetProcessPriorityBoost(HANDLE hProcess, WINBOOL bDisablePriorityBoost)
{
  ULONG disable = bDisablePriorityBoost != 0;
  return BaseSetLastNTError(NtSetInformationProcess(hProcess, PRIORITY_BOOST, &disable, sizeof disable));
}

WINBOOL WINAPI GetProcessPriorityBoost(HANDLE hProcess, PBOOL pDisablePriorityBoost)
{
  ULONG disable = 0;
  NTSTATUS status = NtQueryInformationProcess(hProcess, PRIORITY_BOOST, &disable, sizeof disable, NULL);
  if (NT_SUCCESS(status))
    *pDisablePriorityBoost = disable != 0;
  return BaseSetLastNTError(status);
}
