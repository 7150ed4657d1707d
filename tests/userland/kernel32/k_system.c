/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment, the current folder, what the system is, small things, resources, locks of user mode. */
#include "check.h"

static BOOL same(const WCHAR *a, const WCHAR *b)
{
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static void environment(void)
{
  WCHAR value[64];
  char ansi[64];
  CHECK(SetEnvironmentVariableW(L"one", L"first"));
  CHECK(GetEnvironmentVariableW(L"ONE", value, 64) == 5 && same(value, L"first"));
  CHECK(GetEnvironmentVariableW(L"one", value, 5) == 6 && GetEnvironmentVariableW(L"one", NULL, 0) == 6);
  CHECK(SetEnvironmentVariableA("two", "a\x80z") && GetEnvironmentVariableW(L"two", value, 64) == 3 && value[1] == 0x20AC);
  CHECK(GetEnvironmentVariableA("two", ansi, 64) == 3 && ansi[1] == (char)0x80 && GetEnvironmentVariableA("two", ansi, 3) == 4);
  CHECK(ExpandEnvironmentStringsW(L"<%one%|%none%>", value, 64) == 15 && same(value, L"<first|%none%>"));
  CHECK(ExpandEnvironmentStringsW(L"<%one%>", value, 2) == 8);
  CHECK(ExpandEnvironmentStringsA("<%one%>", ansi, 64) == 8 && ansi[6] == '>' && ansi[7] == 0);
  WCHAR *block = GetEnvironmentStringsW(), *at = block;
  int found = 0;
  for (; *at; at += lstrlenW(at) + 1)
    found += same(at, L"one=first");
  CHECK(found == 1 && FreeEnvironmentStringsW(block));
  char *narrow = GetEnvironmentStrings();
  CHECK(narrow && FreeEnvironmentStringsA(narrow));
  CHECK(SetEnvironmentVariableW(L"one", NULL));
  CHECK_ERROR(GetEnvironmentVariableW(L"one", value, 64), ERROR_ENVVAR_NOT_FOUND);
  CHECK_ERROR(SetEnvironmentVariableW(L"a=b", L"c"), ERROR_INVALID_PARAMETER);
}

static void current_folder(void)
{
  WCHAR first[MAX_PATH], path[MAX_PATH];
  DWORD length = GetCurrentDirectoryW(MAX_PATH, first);
  CHECK(length && GetCurrentDirectoryW(length, path) == length + 1 && GetCurrentDirectoryW(0, NULL) == length + 1);
  CHECK(SetCurrentDirectoryW(L"C:\\windows\\system32") && GetCurrentDirectoryW(MAX_PATH, path) == 19);
  CHECK(same(path, L"C:\\windows\\system32"));
  CHECK(SetCurrentDirectoryA("..") && GetCurrentDirectoryW(MAX_PATH, path) == 10 && same(path, L"C:\\windows"));
  CHECK_ERROR(SetCurrentDirectoryW(L"C:\\nothing here"), ERROR_FILE_NOT_FOUND);
  CHECK(SetCurrentDirectoryW(first));
}

static void system_facts(void)
{
  SYSTEM_INFO info;
  MEMORYSTATUSEX memory = {.dwLength = sizeof(memory)};
  OSVERSIONINFOEXW version = {.dwOSVersionInfoSize = sizeof(version)};
  WCHAR name[MAX_COMPUTERNAME_LENGTH + 1];
  DWORD size = 2;
  GetSystemInfo(&info);
  CHECK(info.wProcessorArchitecture == PROCESSOR_ARCHITECTURE_AMD64 && info.dwPageSize == 0x1000 &&
        info.dwAllocationGranularity == 0x10000 && info.dwNumberOfProcessors == 1 && info.dwProcessorType == 8664);
  CHECK(IsProcessorFeaturePresent(PF_XMMI64_INSTRUCTIONS_AVAILABLE) && !IsProcessorFeaturePresent(1000));
  CHECK(GlobalMemoryStatusEx(&memory) && memory.ullTotalPhys >= memory.ullAvailPhys && memory.ullAvailPhys);
  memory.dwLength = 8;
  CHECK_ERROR(GlobalMemoryStatusEx(&memory), ERROR_INVALID_PARAMETER);
  /* A program without a manifest is told Windows 8. */
  CHECK(GetVersionExW((OSVERSIONINFOW *)&version) && version.dwMajorVersion == 6 && version.dwMinorVersion == 2 &&
        version.dwBuildNumber == 9200 && version.wProductType == VER_NT_WORKSTATION);
  CHECK(GetVersion() == (6 | 2 << 8 | 9200u << 16));
  DWORDLONG mask = VerSetConditionMask(VerSetConditionMask(0, VER_MAJORVERSION, VER_GREATER_EQUAL), VER_MINORVERSION,
                                       VER_GREATER_EQUAL);
  version.dwMajorVersion = 6, version.dwMinorVersion = 1;
  CHECK(VerifyVersionInfoW(&version, VER_MAJORVERSION | VER_MINORVERSION, mask));
  version.dwMinorVersion = 3;
  CHECK_ERROR(VerifyVersionInfoW(&version, VER_MAJORVERSION | VER_MINORVERSION, mask), ERROR_OLD_WIN_VERSION);
  FILETIME idle, kernel, user;
  CHECK(GetSystemTimes(&idle, &kernel, &user) && CompareFileTime(&kernel, &idle) >= 0);
  CHECK_ERROR(GetComputerNameW(name, &size), ERROR_BUFFER_OVERFLOW);
  CHECK(GetComputerNameW(name, &size) && size == (DWORD)lstrlenW(name) && size > 0);
}

static void small_things(void)
{
  WCHAR text[8];
  CHECK(MulDiv(7, 3, 2) == 11 && MulDiv(-7, 3, 2) == -11 && MulDiv(1, 1, 0) == -1 && MulDiv(0x7FFFFFFF, 2, 1) == -1);
  CHECK(lstrlenW(NULL) == 0 && lstrlenA("abc") == 3 && lstrlenA((char *)8) == 0);
  CHECK(lstrcpynW(text, L"abcdefghij", 4) == text && same(text, L"abc"));
  CHECK(lstrcatW(text, L"de") == text && same(text, L"abcde"));
  CHECK(lstrcmpA("a", "B") < 0 && lstrcmpA("b", "A") > 0 && lstrcmpiW(L"ABC", L"abc") == 0 && lstrcmpW(NULL, L"") < 0);
  CHECK(!lstrcpyW((WCHAR *)8, L"a"));
  CHECK(DecodePointer(EncodePointer(text)) == text && EncodePointer(text) != text);
  ATOM atom = GlobalAddAtomW(L"an atom");
  CHECK(GlobalGetAtomNameA(atom, (char *)text, 8) == 7 && lstrcmpA((char *)text, "an atom") == 0);
  CHECK(GlobalGetAtomNameW(atom, text, 4) == 3 && same(text, L"an "));
  CHECK(atom >= 0xC000 && GlobalFindAtomA("AN ATOM") == atom && GlobalDeleteAtom(atom) == 0);
  CHECK_ERROR(GlobalFindAtomW(L"an atom"), ERROR_FILE_NOT_FOUND);
  CHECK(GetCurrentProcessorNumber() == 0);
}

static BOOL CALLBACK once(PINIT_ONCE self, PVOID parameter, PVOID *context)
{
  (void)self;
  ++*(int *)parameter;
  *context = parameter;
  return TRUE;
}

static void locks(void)
{
  SRWLOCK lock = SRWLOCK_INIT;
  CONDITION_VARIABLE variable = CONDITION_VARIABLE_INIT;
  INIT_ONCE state = INIT_ONCE_STATIC_INIT;
  PVOID context = NULL;
  int calls = 0, word = 1, other = 2;
  AcquireSRWLockShared(&lock);
  CHECK(!TryAcquireSRWLockExclusive(&lock) && TryAcquireSRWLockShared(&lock));
  ReleaseSRWLockShared(&lock);
  ReleaseSRWLockShared(&lock);
  AcquireSRWLockExclusive(&lock);
  CHECK_ERROR(SleepConditionVariableSRW(&variable, &lock, 1, 0), ERROR_TIMEOUT);
  ReleaseSRWLockExclusive(&lock);
  CHECK(InitOnceExecuteOnce(&state, once, &calls, &context) && InitOnceExecuteOnce(&state, once, &calls, &context));
  CHECK(calls == 1 && context == &calls);
  CHECK(WaitOnAddress(&word, &other, sizeof(word), INFINITE));
  other = 1;
  CHECK_ERROR(WaitOnAddress(&word, &other, sizeof(word), 1), ERROR_TIMEOUT);
}

void checks(void)
{
  environment();
  current_folder();
  system_facts();
  small_things();
  locks();
}
