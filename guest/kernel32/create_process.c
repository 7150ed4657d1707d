/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CreateProcess, over NtCreateUserProcess. */
#include "create_process.h"

#define MAX_COMMAND_LINE 0x7FFFu
#define PRIORITY_FLAGS                                                                                                 \
  (IDLE_PRIORITY_CLASS | BELOW_NORMAL_PRIORITY_CLASS | NORMAL_PRIORITY_CLASS | ABOVE_NORMAL_PRIORITY_CLASS |           \
   HIGH_PRIORITY_CLASS | REALTIME_PRIORITY_CLASS)
#define MAX_ATTRIBUTES 7u
#define PS_STD_NEVER_DUPLICATE 0u
/* ConsoleHandle says which console a process wants. */
#define CONSOLE_DETACHED ((HANDLE)(LONG_PTR)-1)
#define CONSOLE_NEW ((HANDLE)(LONG_PTR)-2)
#define CONSOLE_NO_WINDOW ((HANDLE)(LONG_PTR)-3)
#define PARAMETERS_NORMALIZED 0x1u

typedef struct {
  SIZE_T Size;
  ULONG State, Reserved;
  ULONG InitFlags; /**< high half: image characteristics that are refused */
  ACCESS_MASK AdditionalFileAccess;
  UCHAR Rest[0x58 - 0x18];
} PS_CREATE_INFO;
NT_ASSERT_SIZE(PS_CREATE_INFO, 0x58);

/* Too large for the stack of a thread. */
typedef struct {
  RTL_USER_PROCESS_PARAMETERS Parameters;
  PROCESS_ATTRIBUTES Extended;
  WCHAR Image[4 + FIND_PROGRAM_LENGTH]; /**< NT path: \??\ and the DOS path */
  WCHAR Directory[FIND_PROGRAM_LENGTH + 1];
  struct {
    SIZE_T TotalLength;
    PS_ATTRIBUTE Attributes[MAX_ATTRIBUTES];
  } List;
  ULONG Count;
  CLIENT_ID ClientId;
  SECTION_IMAGE_INFORMATION ImageInformation;
  ULONG StandardHandles;
} CREATION;

static void attribute(CREATION *c, ULONG number, const void *value, SIZE_T size)
{
  c->List.Attributes[c->Count++] = (PS_ATTRIBUTE){.Attribute = number, .Size = size, .ValuePtr = value};
  c->List.TotalLength = sizeof(SIZE_T) + c->Count * sizeof(PS_ATTRIBUTE);
}

static BOOL image_path(CREATION *c, PCWSTR application, PCWSTR command_line)
{
  PWSTR path = c->Image + 4;
  memcpy(c->Image, L"\\??\\", 4 * sizeof(WCHAR));
  if (!application)
    return find_program(command_line, path);
  /* Without a search, and nothing is appended. */
  ULONG bytes = RtlGetFullPathName_U(application, FIND_PROGRAM_LENGTH * sizeof(WCHAR), path, NULL);
  return (bytes && bytes < FIND_PROGRAM_LENGTH * sizeof(WCHAR)) || base_fail(ERROR_PATH_NOT_FOUND);
}

/* The new process's current directory, with a backslash at its end. */
static BOOL current_directory(CREATION *c, PCWSTR directory)
{
  FILE_BASIC_INFO basic;
  UNICODE_STRING text;
  OBJECT_ATTRIBUTES attributes;
  if (!directory) {
    c->Parameters.CurrentDirectory.DosPath = NtCurrentPeb()->ProcessParameters->CurrentDirectory.DosPath;
    return TRUE;
  }
  PWSTR path = c->Directory + 4;
  memcpy(c->Directory, L"\\??\\", 4 * sizeof(WCHAR));
  ULONG bytes = RtlGetFullPathName_U(directory, (FIND_PROGRAM_LENGTH - 5) * sizeof(WCHAR), path, NULL);
  if (!bytes || bytes >= (FIND_PROGRAM_LENGTH - 5) * sizeof(WCHAR))
    return base_fail(ERROR_DIRECTORY);
  RtlInitUnicodeString(&text, c->Directory);
  InitializeObjectAttributes(&attributes, &text, OBJ_CASE_INSENSITIVE, NULL, NULL);
  if (!NT_SUCCESS(NtQueryAttributesFile(&attributes, &basic)) || !(basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY))
    return base_fail(ERROR_DIRECTORY);
  if (path[bytes / 2 - 1] != '\\') {
    path[bytes / 2] = '\\';
    path[bytes / 2 + 1] = 0;
  }
  RtlInitUnicodeString(&c->Parameters.CurrentDirectory.DosPath, path);
  return TRUE;
}

static void console_and_handles(CREATION *c, const STARTUPINFOW *startup, DWORD flags)
{
  RTL_USER_PROCESS_PARAMETERS *p = &c->Parameters, *own = NtCurrentPeb()->ProcessParameters;
  p->ConsoleHandle = flags & DETACHED_PROCESS     ? CONSOLE_DETACHED
                     : flags & CREATE_NEW_CONSOLE ? CONSOLE_NEW
                     : flags & CREATE_NO_WINDOW   ? CONSOLE_NO_WINDOW
                                                  : own->ConsoleHandle;
  if (startup->dwFlags & STARTF_USESTDHANDLES) {
    p->StandardInput = startup->hStdInput;
    p->StandardOutput = startup->hStdOutput;
    p->StandardError = startup->hStdError;
    c->StandardHandles = PS_STD_NEVER_DUPLICATE;
    attribute(c, PS_ATTRIBUTE_STD_HANDLE_INFO, &c->StandardHandles, sizeof c->StandardHandles);
  } else if (!(flags & (DETACHED_PROCESS | CREATE_NEW_CONSOLE))) {
    p->StandardInput = own->StandardInput;
    p->StandardOutput = own->StandardOutput;
    p->StandardError = own->StandardError;
  }
}

static void parameters(CREATION *c, PCWSTR command_line, PWSTR environment, const STARTUPINFOW *startup, DWORD flags)
{
  RTL_USER_PROCESS_PARAMETERS *p = &c->Parameters, *own = NtCurrentPeb()->ProcessParameters;
  p->Length = p->MaximumLength = sizeof *p;
  p->Flags = PARAMETERS_NORMALIZED;
  RtlInitUnicodeString(&p->ImagePathName, c->Image + 4);
  RtlInitUnicodeString(&p->CommandLine, command_line);
  p->Environment = environment ? environment : own->Environment;
  p->EnvironmentSize = environment ? 0 : own->EnvironmentSize;
  p->WindowFlags = startup->dwFlags;
  p->ShowWindowFlags = startup->wShowWindow;
  p->StartingX = startup->dwX;
  p->StartingY = startup->dwY;
  p->CountX = startup->dwXSize;
  p->CountY = startup->dwYSize;
  p->CountCharsX = startup->dwXCountChars;
  p->CountCharsY = startup->dwYCountChars;
  p->FillAttribute = startup->dwFillAttribute;
  RtlInitUnicodeString(&p->WindowTitle, startup->lpTitle ? startup->lpTitle : c->Image + 4);
  if (startup->lpDesktop)
    RtlInitUnicodeString(&p->DesktopInfo, startup->lpDesktop);
  else
    p->DesktopInfo = own->DesktopInfo;
  RtlInitUnicodeString(&p->ShellInfo, startup->lpReserved);
  if (startup->lpReserved2)
    p->RuntimeData = (UNICODE_STRING){startup->cbReserved2, startup->cbReserved2, (PWSTR)startup->lpReserved2};
  console_and_handles(c, startup, flags);
}

static NTSTATUS create(CREATION *c, LPSECURITY_ATTRIBUTES process_security, LPSECURITY_ATTRIBUTES thread_security,
                       BOOL inherit, DWORD flags, PROCESS_INFORMATION *result)
{
  OBJECT_ATTRIBUTES process_attributes, thread_attributes;
  PS_CREATE_INFO info = {.Size = sizeof info, .InitFlags = IMAGE_FILE_DLL << 16};
  ULONG process_flags = inherit ? PROCESS_CREATE_FLAGS_INHERIT_HANDLES : 0;
  attribute(c, PS_ATTRIBUTE_IMAGE_NAME, c->Image, base_length(c->Image) * sizeof(WCHAR));
  attribute(c, PS_ATTRIBUTE_CLIENT_ID, &c->ClientId, sizeof c->ClientId);
  attribute(c, PS_ATTRIBUTE_IMAGE_INFO, &c->ImageInformation, sizeof c->ImageInformation);
  if (c->Extended.Parent)
    attribute(c, PS_ATTRIBUTE_PARENT_PROCESS, c->Extended.Parent, sizeof(HANDLE));
  if (c->Extended.Handles)
    attribute(c, PS_ATTRIBUTE_HANDLE_LIST, c->Extended.Handles, c->Extended.HandlesSize);
  if (flags & (DEBUG_PROCESS | DEBUG_ONLY_THIS_PROCESS)) {
    NTSTATUS status = DbgUiConnectToDbg();
    if (!NT_SUCCESS(status))
      return status;
    attribute(c, PS_ATTRIBUTE_DEBUG_OBJECT, DbgUiGetThreadDebugObject(), sizeof(HANDLE));
    if (flags & DEBUG_ONLY_THIS_PROCESS)
      process_flags |= PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT;
  }
  InitializeObjectAttributes(&process_attributes, NULL,
                             process_security && process_security->bInheritHandle ? OBJ_INHERIT : 0, NULL,
                             process_security ? process_security->lpSecurityDescriptor : NULL);
  InitializeObjectAttributes(&thread_attributes, NULL,
                             thread_security && thread_security->bInheritHandle ? OBJ_INHERIT : 0, NULL,
                             thread_security ? thread_security->lpSecurityDescriptor : NULL);
  NTSTATUS status = NtCreateUserProcess(&result->hProcess, &result->hThread, MAXIMUM_ALLOWED, MAXIMUM_ALLOWED,
                                        &process_attributes, &thread_attributes, process_flags,
                                        THREAD_CREATE_FLAGS_CREATE_SUSPENDED, &c->Parameters, &info, &c->List);
  if (!NT_SUCCESS(status))
    return status;
  if (flags & PRIORITY_FLAGS)
    SetPriorityClass(result->hProcess, flags & PRIORITY_FLAGS);
  if (!(flags & CREATE_SUSPENDED))
    NtResumeThread(result->hThread, NULL);
  result->dwProcessId = (DWORD)(ULONG_PTR)c->ClientId.UniqueProcess;
  result->dwThreadId = (DWORD)(ULONG_PTR)c->ClientId.UniqueThread;
  return status;
}

/* An environment block of bytes as one of characters. */
static BOOL widen_environment(const char *environment, PWSTR *wide)
{
  SIZE_T size = 0;
  while (environment[size] || environment[size + 1])
    size++;
  size += 2;
  *wide = base_allocate(size * sizeof(WCHAR));
  for (SIZE_T i = 0; *wide && i < size; i++)
    (*wide)[i] = base_wide_char(environment[i]);
  return *wide != NULL;
}

BOOL WINAPI CreateProcessW(LPCWSTR application, LPWSTR command_line, LPSECURITY_ATTRIBUTES process_security,
                           LPSECURITY_ATTRIBUTES thread_security, BOOL inherit, DWORD flags, LPVOID environment,
                           LPCWSTR directory, LPSTARTUPINFOW startup, LPPROCESS_INFORMATION result)
{
  BOOLEAN wide = !environment || (flags & CREATE_UNICODE_ENVIRONMENT);
  PWSTR block = environment;
  PCWSTR line = command_line ? command_line : application;
  *result = (PROCESS_INFORMATION){NULL};
  if (!line || (flags & DETACHED_PROCESS && flags & CREATE_NEW_CONSOLE) || base_length(line) >= MAX_COMMAND_LINE)
    return base_fail(ERROR_INVALID_PARAMETER);
  CREATION *c = base_allocate(sizeof *c);
  if (!c)
    return FALSE;
  memset(c, 0, sizeof *c);
  LPPROC_THREAD_ATTRIBUTE_LIST list =
      flags & EXTENDED_STARTUPINFO_PRESENT ? ((STARTUPINFOEXW *)startup)->lpAttributeList : NULL;
  BOOL done = read_process_attributes(list, &c->Extended) && image_path(c, application, line) &&
              current_directory(c, directory) && (wide || widen_environment(environment, &block));
  if (done) {
    parameters(c, line, block, startup, flags);
    done = BaseSetLastNTError(create(c, process_security, thread_security, inherit, flags, result));
  }
  if (!wide && block != environment)
    base_free(block);
  base_free(c);
  return done;
}

BOOL WINAPI CreateProcessA(LPCSTR application, LPSTR command_line, LPSECURITY_ATTRIBUTES process_security,
                           LPSECURITY_ATTRIBUTES thread_security, BOOL inherit, DWORD flags, LPVOID environment,
                           LPCSTR directory, LPSTARTUPINFOA startup, LPPROCESS_INFORMATION result)
{
  STARTUPINFOEXW wide = {.lpAttributeList = NULL};
  PWSTR wide_application, line = NULL, wide_directory = NULL;
  memcpy(&wide, startup, flags & EXTENDED_STARTUPINFO_PRESENT ? sizeof wide : sizeof wide.StartupInfo);
  wide.StartupInfo.lpReserved = wide.StartupInfo.lpDesktop = wide.StartupInfo.lpTitle = NULL;
  BOOL done = base_wide_copy(application, &wide_application) && base_wide_copy(command_line, &line) &&
              base_wide_copy(directory, &wide_directory) &&
              base_wide_copy(startup->lpDesktop, &wide.StartupInfo.lpDesktop) &&
              base_wide_copy(startup->lpTitle, &wide.StartupInfo.lpTitle) &&
              CreateProcessW(wide_application, line, process_security, thread_security, inherit, flags, environment,
                             wide_directory, &wide.StartupInfo, result);
  base_free(wide_application);
  base_free(line);
  base_free(wide_directory);
  base_free(wide.StartupInfo.lpDesktop);
  base_free(wide.StartupInfo.lpTitle);
  return done;
}
