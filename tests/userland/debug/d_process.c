/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CreateProcess: which file, what is handed over, errors; questions about processes. */
#include "debuggee.h"
#include "ntdll.h"

static BOOL create(const char *application, const char *line, BOOL inherit, DWORD flags, void *environment,
                   const char *directory, PROCESS_INFORMATION *info)
{
  static STARTUPINFOA startup = {.cb = sizeof startup};
  char text[300];
  DWORD n = 0;
  for (; line && line[n]; n++)
    text[n] = line[n];
  text[n] = 0;
  return CreateProcessA(application, line ? text : NULL, NULL, NULL, inherit, flags, environment, directory, &startup,
                        info);
}

static DWORD exit_code(PROCESS_INFORMATION *info)
{
  DWORD code = 0;
  CHECK(WaitForSingleObject(info->hProcess, 1000) == WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(info->hProcess, &code));
  CloseHandle(info->hProcess);
  CloseHandle(info->hThread);
  return code;
}

static DWORD run(const char *application, const char *line, void *environment, const char *directory)
{
  PROCESS_INFORMATION info;
  if (!create(application, line, FALSE, 0, environment, directory, &info))
    return 0xBAD00000 | GetLastError();
  return exit_code(&info);
}

/* Quotes, blanks and the missing extension. */
static void names_of_programs(void)
{
  PROCESS_INFORMATION info;
  CHECK(run(NULL, "d_process.exe five", NULL, NULL) == 5);
  CHECK(run(NULL, "d_process five", NULL, NULL) == 5);
  CHECK(run(NULL, "\"d_process.exe\" five", NULL, NULL) == 5);
  CHECK(run(NULL, "C:\\app\\d_process.exe five", NULL, NULL) == 5);
  CHECK(run(NULL, "C:\\app\\d_process five", NULL, NULL) == 5);
  CHECK(run("C:\\app\\d_process.exe", "any five", NULL, NULL) == 5);
  CHECK(run("d_process.exe", "x five", NULL, "C:\\app") == 5);
  CHECK_ERROR(create("C:\\app\\d_process", "x five", FALSE, 0, NULL, NULL, &info), ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(create(NULL, "no_such_program five", FALSE, 0, NULL, NULL, &info), ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(create(NULL, "C:\\app\\none.exe", FALSE, 0, NULL, NULL, &info), ERROR_FILE_NOT_FOUND);
  CHECK_ERROR(create(NULL, NULL, FALSE, 0, NULL, NULL, &info), ERROR_INVALID_PARAMETER);
  CHECK_ERROR(create(NULL, "d_process.exe five", FALSE, 0, NULL, "C:\\none", &info), ERROR_DIRECTORY);
  CHECK_ERROR(create(NULL, "d_process.exe five", FALSE, DETACHED_PROCESS | CREATE_NEW_CONSOLE, NULL, NULL, &info),
              ERROR_INVALID_PARAMETER);
  /* A DLL is no program. */
  CHECK_ERROR(create("C:\\windows\\system32\\kernel32.dll", NULL, FALSE, 0, NULL, NULL, &info), ERROR_BAD_EXE_FORMAT);
}

static void command_line_without_application(void)
{
  /* The application's name is the command line, without quotes: no word, so the part is the test itself. */
  CHECK(run(NULL, "d_process.exe bare", NULL, NULL) == 6);
}

static void environments(void)
{
  static char narrow[] = "A=1\0PART=x\0";
  static WCHAR wide[] = L"PART=yz\0";
  PROCESS_INFORMATION info;
  CHECK(run(NULL, "C:\\app\\d_process.exe environment", narrow, NULL) == 'x');
  CHECK(create(NULL, "C:\\app\\d_process.exe environment", FALSE, CREATE_UNICODE_ENVIRONMENT, wide, NULL, &info));
  CHECK(exit_code(&info) == 'y');
  /* The caller's own has no such variable. */
  CHECK(run(NULL, "C:\\app\\d_process.exe environment", NULL, NULL) == 1);
}

static void current_directories(void)
{
  CHECK(run(NULL, "C:\\app\\d_process.exe directory", NULL, "C:\\windows") == 'w');
  CHECK(run(NULL, "C:\\app\\d_process.exe directory", NULL, NULL) == 'a');
}

static void suspended_processes(void)
{
  PROCESS_INFORMATION info;
  DWORD code = 0;
  CHECK(create(NULL, "d_process.exe five", FALSE, CREATE_SUSPENDED, NULL, NULL, &info));
  CHECK(WaitForSingleObject(info.hProcess, 20) == WAIT_TIMEOUT);
  CHECK(GetExitCodeProcess(info.hProcess, &code) && code == STILL_ACTIVE);
  CHECK(GetProcessId(info.hProcess) == info.dwProcessId && GetThreadId(info.hThread) == info.dwThreadId);
  CHECK(GetProcessIdOfThread(info.hThread) == info.dwProcessId);
  CHECK(ResumeThread(info.hThread) == 1);
  CHECK(exit_code(&info) == 5);
}

static void ended_from_outside(void)
{
  PROCESS_INFORMATION info;
  CHECK(create(NULL, "d_process.exe sleep", FALSE, 0, NULL, NULL, &info));
  HANDLE other = OpenProcess(PROCESS_TERMINATE, FALSE, info.dwProcessId);
  CHECK(other && TerminateProcess(other, 77));
  CHECK(exit_code(&info) == 77);
  CHECK_ERROR(TerminateProcess(NULL, 1), ERROR_INVALID_HANDLE);
  CHECK_ERROR(OpenProcess(PROCESS_TERMINATE, FALSE, 0xFFFC), ERROR_INVALID_PARAMETER);
}

/* The child says by its exit code whether the handle in its command line is an event there. */
static BOOL child_has(HANDLE handle, BOOL inherit, LPPROC_THREAD_ATTRIBUTE_LIST list)
{
  STARTUPINFOEXA startup = {.StartupInfo = {.cb = sizeof startup}, .lpAttributeList = list};
  PROCESS_INFORMATION info;
  char line[] = "d_process.exe handle:0000";
  for (int i = 0; i < 4; i++)
    line[21 + i] = "0123456789abcdef"[(ULONG_PTR)handle >> (12 - 4 * i) & 15];
  BOOL done = CreateProcessA(NULL, line, NULL, NULL, inherit, list ? EXTENDED_STARTUPINFO_PRESENT : 0, NULL, NULL,
                             &startup.StartupInfo, &info);
  CHECK(done);
  return done && exit_code(&info) == 1;
}

static void inherited_handles(void)
{
  SECURITY_ATTRIBUTES inheritable = {sizeof inheritable, NULL, TRUE};
  HANDLE listed = CreateEventA(&inheritable, TRUE, TRUE, NULL), other = CreateEventA(&inheritable, TRUE, TRUE, NULL);
  HANDLE private = CreateEventA(NULL, TRUE, TRUE, NULL);
  ULONG64 room[16];
  LPPROC_THREAD_ATTRIBUTE_LIST list = (LPPROC_THREAD_ATTRIBUTE_LIST)room;
  SIZE_T size = 0;
  CHECK(child_has(listed, TRUE, NULL) && child_has(other, TRUE, NULL));
  CHECK(!child_has(listed, FALSE, NULL) && !child_has(private, TRUE, NULL));
  CHECK_ERROR(InitializeProcThreadAttributeList(NULL, 1, 0, &size), ERROR_INSUFFICIENT_BUFFER);
  CHECK(size && size <= sizeof room && InitializeProcThreadAttributeList(list, 1, 0, &size));
  CHECK(UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &listed, sizeof listed, NULL, NULL));
  CHECK(child_has(listed, TRUE, list) && !child_has(other, TRUE, list));
  DeleteProcThreadAttributeList(list);
}

static void questions_about_oneself(void)
{
  char path[260];
  DWORD size = sizeof path;
  BOOL wow64 = 9;
  FILETIME creation, end, kernel, user;
  STARTUPINFOW startup = {0};
  CHECK(QueryFullProcessImageNameA(GetCurrentProcess(), 0, path, &size));
  CHECK(size == 20 && path[0] == 'C' && path[6] == '\\' && path[19] == 'e' && !path[20]);
  size = 20;
  CHECK_ERROR(QueryFullProcessImageNameA(GetCurrentProcess(), 0, path, &size), ERROR_INSUFFICIENT_BUFFER);
  CHECK(IsWow64Process(GetCurrentProcess(), &wow64) && !wow64);
  CHECK(GetProcessTimes(GetCurrentProcess(), &creation, &end, &kernel, &user) && creation.dwHighDateTime);
  CHECK(GetCurrentProcess() == (HANDLE)-1 && GetProcessId(GetCurrentProcess()) == GetCurrentProcessId());
  GetStartupInfoW(&startup);
  CHECK(startup.cb == sizeof startup);
}

static BOOL is_event(const char *hexadecimal)
{
  ULONG_PTR handle = 0;
  for (; *hexadecimal; hexadecimal++)
    handle = handle << 4 | (ULONG_PTR)(*hexadecimal <= '9' ? *hexadecimal - '0' : *hexadecimal - 'a' + 10);
  return ResetEvent((HANDLE)handle);
}

static void play(void)
{
  const char *own = word();
  const UNICODE_STRING part = {8, 10, L"PART"};
  WCHAR text[8] = {0};
  UNICODE_STRING value = {0, sizeof text, text};
  if (plays("five"))
    ExitProcess(5);
  if (plays("bare"))
    ExitProcess(6);
  if (plays("sleep"))
    Sleep(10000);
  if (plays("environment"))
    ExitProcess(NT_SUCCESS(RtlQueryEnvironmentVariable_U(NULL, &part, &value)) ? text[0] : 1);
  if (plays("directory"))
    ExitProcess(NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath.Buffer[3]);
  if (own[0] == 'h' && own[6] == ':')
    ExitProcess((UINT)is_event(own + 7));
}

void checks(void)
{
  play();
  names_of_programs();
  command_line_without_application();
  environments();
  current_directories();
  suspended_processes();
  ended_from_outside();
  inherited_handles();
  questions_about_oneself();
}
